"""The private network of an environment."""

from dataclasses import dataclass
from ipaddress import ip_network

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from mlzone.estate.unit import NetworkCreate
from mlzone.region import REGIONS
from mlzone.surroundings import Statement
from mlzone_constructs.foundation.workload_group import (
    WorkloadGroup,
    WorkloadGroupProps,
    closed_group,
)
from mlzone_constructs.governance import Governance

INTERFACE_ENDPOINTS = (
    "application-autoscaling",
    "athena",
    "cloudformation",
    "codebuild",
    "codecommit",
    "codepipeline",
    "ecr.api",
    "ecr.dkr",
    "events",
    "git-codecommit",
    "glue",
    "kms",
    "lambda",
    "logs",
    "monitoring",
    "s3",
    "sagemaker.api",
    "sagemaker.runtime",
    "ssm",
    "sts",
)
"""Services that workloads call; each costs by the hour and zone.

S3 is among them although it has a free gateway endpoint: a gateway is reached at public addresses,
which the workloads' security group would have to let through.
"""
STUDIO_ENDPOINT = "studio"
"""Studio's own endpoint, which is not named like those of other services."""
IMAGE_LAYERS = "prod-{region}-starport-layer-bucket"
"""Where Amazon ECR keeps the layers of images, in AWS's own account.

Source: Amazon ECR user guide, interface VPC endpoints, minimum S3 bucket permissions.
"""


@dataclass(frozen=True, kw_only=True)
class PrivateNetworkProps:
    """Properties of a PrivateNetwork."""

    governance: Governance
    """The organization's rules."""
    network: NetworkCreate
    """Range and number of zones."""
    region: str
    """The Region, whose zones are taken from a table: nothing is looked up."""


class PrivateNetwork(Construct):
    """A network without any way to the internet: isolated subnets and VPC endpoints.

    Guarantees:
        NET-05: there is no internet gateway, NAT gateway or public subnet.
        NET-06: the workloads' security group reaches the endpoints and nothing else.
        NET-07: endpoints let through principals and resources of the organization alone.
        NET-08: all traffic is logged.

    Example:
        PrivateNetwork(self, "Network", PrivateNetworkProps(
            governance=governance, network=environment.network.create, region="sa-east-1"))
    """

    def __init__(self, scope: Construct, construct_id: str, props: PrivateNetworkProps) -> None:
        super().__init__(scope, construct_id)
        self._governance = props.governance
        zones = REGIONS[props.region].zones[: props.network.availability_zones]
        self.vpc = ec2.CfnVPC(
            self,
            "Resource",
            cidr_block=props.network.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
        )
        """The network."""
        self.subnets = [
            self._subnet(zone, f"{props.region}{zone}", block)
            for zone, block in zip(zones, _blocks(props.network), strict=True)
        ]
        """Its private subnets, one a zone."""
        self.endpoint_group = closed_group(
            self, "EndpointGroup", vpc_id=self.vpc.ref, description="VPC endpoints"
        )
        """The security group in front of the endpoints."""
        self.workload_group_id = WorkloadGroup(
            self,
            "Workloads",
            WorkloadGroupProps(vpc_id=self.vpc.ref, endpoint_group_id=self.endpoint_group.ref),
        ).group_id
        """The security group of everything that works in the network."""
        self._endpoints(props.region)
        self._flow_log()

    def _subnet(self, suffix: str, zone: str, block: str) -> ec2.CfnSubnet:
        subnet = ec2.CfnSubnet(
            self,
            f"Subnet{suffix.upper()}",
            vpc_id=self.vpc.ref,
            availability_zone=zone,
            cidr_block=block,
            map_public_ip_on_launch=False,
        )
        table = ec2.CfnRouteTable(self, f"RouteTable{suffix.upper()}", vpc_id=self.vpc.ref)
        ec2.CfnSubnetRouteTableAssociation(
            self,
            f"Association{suffix.upper()}",
            subnet_id=subnet.ref,
            route_table_id=table.ref,
        )
        return subnet

    def _endpoints(self, region: str) -> None:
        names = {service: f"com.amazonaws.{region}.{service}" for service in INTERFACE_ENDPOINTS}
        names[STUDIO_ENDPOINT] = f"aws.sagemaker.{region}.studio"
        vpc_id, group_id = self.vpc.ref, self.endpoint_group.ref
        subnet_ids = [subnet.ref for subnet in self.subnets]
        for service, name in names.items():
            statements = [self._organization_only()]
            if service == "s3":
                statements.append(self._image_layers(region))
            ec2.CfnVPCEndpoint(
                self,
                f"Endpoint{_title(service)}",
                vpc_id=vpc_id,
                service_name=name,
                vpc_endpoint_type="Interface",
                subnet_ids=subnet_ids,
                security_group_ids=[group_id],
                private_dns_enabled=True,
                policy_document={"Statement": statements, "Version": "2012-10-17"},
            )

    def _image_layers(self, region: str) -> Statement:
        bucket = IMAGE_LAYERS.format(region=region)
        return {
            "Action": "s3:GetObject",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Resource": f"arn:{REGIONS[region].partition}:s3:::{bucket}/*",
            "Sid": "LayersOfImages",
        }

    def _organization_only(self) -> Statement:
        organization = self._governance.estate.organization.organization_id
        return {
            "Action": "*",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": organization}},
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            # An endpoint's policy only narrows: roles' own policies name the resources.
            "Resource": "*",
            "Sid": "OrganizationOnly",
        }

    def _flow_log(self) -> None:
        governance = self._governance
        archive = governance.naming.log_archive_bucket(
            governance.estate.organization.accounts.log_archive
        )
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc.ref,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="s3",
            log_destination=f"arn:{self.vpc.stack.partition}:s3:::{archive}",
        )


def _blocks(network: NetworkCreate) -> list[str]:
    """Return the subnets' ranges: the network in equal parts, as large as the zones allow."""
    count = network.availability_zones
    bits = (count - 1).bit_length()
    parts = ip_network(network.cidr).subnets(prefixlen_diff=bits)
    return [str(next(parts)) for _ in range(count)]


def _title(service: str) -> str:
    return "".join(part.title() for part in service.replace("-", ".").split("."))
