"""What other stacks of an environment use of its foundation."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone_constructs.governance import Governance


class FoundationReferences(Construct):
    """Network and key of an environment, by the SSM parameters that its Foundation wrote.

    Example:
        foundation = FoundationReferences(self, "Foundation", governance)
        sagemaker.CfnModel.VpcConfigProperty(
            subnets=foundation.subnet_ids, security_group_ids=foundation.security_group_ids)
    """

    def __init__(self, scope: Construct, construct_id: str, governance: Governance) -> None:
        super().__init__(scope, construct_id)
        self._governance = governance
        self.key_arn = self._value("keys", "foundation")
        """The ARN of the environment's key."""
        self.key = kms.Key.from_key_arn(self, "Key", self.key_arn)
        """Encrypts logs, events, releases and captured requests."""
        self.subnet_text = self._value("network", "subnet-ids")
        """The private network's subnets, with commas between them."""
        self.subnet_ids = cdk.Fn.split(",", self.subnet_text)
        """The same as a list that CloudFormation makes; no JSON text can hold it."""
        self.security_group_ids = [self._value("network", "workload-security-group-id")]
        """The security group of everything that works in the network."""

    @property
    def vpc_id(self) -> str:
        """The private network."""
        return self._value("network", "vpc-id")

    def _value(self, *parts: str) -> str:
        return ssm.StringParameter.value_for_string_parameter(
            self, self._governance.naming.parameter(*parts)
        )
