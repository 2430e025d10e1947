"""The security group of everything that works in a private network."""

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from constructs import Construct


@dataclass(frozen=True, kw_only=True)
class WorkloadGroupProps:
    """Properties of a WorkloadGroup."""

    vpc_id: str
    """The network."""
    endpoint_group_id: str
    """The security group in front of the network's VPC endpoints; it lets workloads in."""


class WorkloadGroup(Construct):
    """The security group of jobs, Studio, functions and builds.

    Guarantees:
        NET-06: workloads reach the VPC endpoints and each other, and nothing else.

    Example:
        WorkloadGroup(self, "Workloads", WorkloadGroupProps(
            vpc_id=network.vpc.ref, endpoint_group_id=endpoints.ref))
    """

    def __init__(self, scope: Construct, construct_id: str, props: WorkloadGroupProps) -> None:
        super().__init__(scope, construct_id)
        workloads = closed_group(
            self, "Resource", vpc_id=props.vpc_id, description="Jobs, Studio, functions and builds"
        ).ref
        self.group_id = workloads
        """The group's id."""
        ec2.CfnSecurityGroupIngress(
            self,
            "FromWorkloads",
            group_id=props.endpoint_group_id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            source_security_group_id=workloads,
            description="TLS from workloads",
        )
        ec2.CfnSecurityGroupEgress(
            self,
            "ToEndpoints",
            group_id=workloads,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            destination_security_group_id=props.endpoint_group_id,
            description="TLS to endpoints",
        )
        for direction, kind, other in (
            ("PeersIn", ec2.CfnSecurityGroupIngress, "source_security_group_id"),
            ("PeersOut", ec2.CfnSecurityGroupEgress, "destination_security_group_id"),
        ):
            kind(
                self,
                direction,
                group_id=workloads,
                ip_protocol="tcp",
                from_port=1024,
                to_port=65535,
                description="Jobs with several instances",
                **{other: workloads},
            )


def closed_group(
    scope: Construct, construct_id: str, *, vpc_id: str, description: str
) -> ec2.CfnSecurityGroup:
    """Make a security group that lets nothing in or out until a rule is added."""
    return ec2.CfnSecurityGroup(
        scope,
        construct_id,
        group_description=description,
        vpc_id=vpc_id,
        # A rule that matches nothing keeps EC2 from opening all egress.
        security_group_egress=[
            ec2.CfnSecurityGroup.EgressProperty(
                ip_protocol="icmp",
                from_port=252,
                to_port=86,
                cidr_ip="255.255.255.255/32",
                description="No egress but what is added",
            )
        ],
    )
