"""The default security group of a network, which CloudFormation cannot set by itself."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone_constructs.foundation.function import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class ClosedDefaultGroupProps:
    """Properties of a ClosedDefaultGroup."""

    governance: Governance
    """The organization's rules."""
    vpc_id: str
    """The network."""
    key: kms.IKey
    """Encrypts the function's logs."""


class ClosedDefaultGroup(Construct):
    """Takes every rule out of a network's default security group.

    Guarantees:
        NET-06: what is started without a security group of its own reaches nothing.

    Example:
        ClosedDefaultGroup(self, "DefaultGroup", ClosedDefaultGroupProps(
            governance=governance, vpc_id=network.vpc.ref, key=key))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ClosedDefaultGroupProps) -> None:
        super().__init__(scope, construct_id)
        governance = props.governance
        unit, stage = governance.of_unit()
        function = GovernedFunction(
            self,
            "Closer",
            GovernedFunctionProps(
                governance=governance,
                function_name=governance.naming.function(unit.name, stage, "close-default-group"),
                role_name=governance.naming.service_role(
                    unit.name, "network", stage, "close-default-group"
                ),
                description="Closes the default security group of the network",
                handler="close_default_group",
                key=props.key,
                statements=[
                    iam.PolicyStatement(
                        sid="FindGroup",
                        actions=["ec2:DescribeSecurityGroups"],
                        # The action knows no resource.
                        resources=["*"],
                    ),
                    iam.PolicyStatement(
                        sid="CloseGroup",
                        actions=[
                            "ec2:RevokeSecurityGroupEgress",
                            "ec2:RevokeSecurityGroupIngress",
                        ],
                        # EC2 makes the group and its id; the network decides.
                        resources=[governance.arn(self, "ec2", "security-group/*")],
                        conditions={
                            "ArnEquals": {
                                "ec2:Vpc": governance.arn(self, "ec2", f"vpc/{props.vpc_id}")
                            }
                        },
                    ),
                ],
            ),
        )
        cdk.CustomResource(
            self,
            "Resource",
            service_token=function.arn,
            resource_type="Custom::ClosedDefaultGroup",
            properties={"VpcId": props.vpc_id},
        )
