"""Log groups."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class GovernedLogGroupProps:
    """Properties of a GovernedLogGroup."""

    governance: Governance
    """The organization's rules."""
    log_group_name: str
    """The group's name."""
    key: kms.IKey
    """Encrypts the logs; its policy must let CloudWatch Logs use it."""


class GovernedLogGroup(Construct):
    """An encrypted log group that keeps its logs for five years.

    Guarantees:
        ENC-02: logs are encrypted with a key of ours.
        DAT-05: logs are kept for five years and are retained when the stack goes.

    Example:
        GovernedLogGroup(self, "Log", GovernedLogGroupProps(
            governance=governance, log_group_name="/aws/lambda/aur-release", key=key))
    """

    def __init__(self, scope: Construct, construct_id: str, props: GovernedLogGroupProps) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self,
            "Resource",
            log_group_name=props.log_group_name,
            encryption_key=props.key,
            retention=logs.RetentionDays.FIVE_YEARS,
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        """The log group."""
