"""Encryption keys of ours."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class GovernedKeyProps:
    """Properties of a GovernedKey."""

    governance: Governance
    """The organization's rules."""
    alias: str
    """The key's alias, `alias/…`."""
    description: str
    """What it encrypts."""
    services: Sequence[str] = ()
    """AWS services that encrypt with it on their own, such as `logs.sa-east-1.amazonaws.com`."""
    service_accounts: Sequence[str] = ()
    """Accounts for which those services encrypt with it; the key's own account unless given."""
    reader_accounts: Sequence[str] = ()
    """Other accounts of the organization whose roles may decrypt; their own policies decide who."""


class GovernedKey(Construct):
    """A customer-managed key that rotates and outlives its stack.

    Guarantees:
        ENC-02: everything of ours can be encrypted with a key of ours.
        ENC-03: it rotates yearly; no principal `*` may use it.
        ENC-04: nobody outside the account can use it, but the accounts that are named, and AWS's
            services for the accounts that are named.
        DAT-05: it is retained when its stack goes.

    Example:
        key = GovernedKey(self, "DataKey", GovernedKeyProps(
            governance=governance, alias="alias/aur-data", description="Encrypts training data"))
    """

    def __init__(self, scope: Construct, construct_id: str, props: GovernedKeyProps) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Resource",
            alias=props.alias,
            description=props.description,
            enable_key_rotation=True,
            pending_window=cdk.Duration.days(30),
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        """The key."""
        accounts = list(props.service_accounts) or cdk.Stack.of(self).account
        for service in props.services:
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=f"Service{service.split('.')[0].title().replace('-', '')}",
                    principals=[iam.ServicePrincipal(service)],
                    actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt",
                             "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                    # In a key's policy, the resource is the key itself.
                    resources=["*"],
                    conditions={"StringEquals": {"aws:SourceAccount": accounts}},
                )
            )  # fmt: skip
        if props.reader_accounts:
            self.key.add_to_resource_policy(
                iam.PolicyStatement(
                    sid="ReadersOfTheOrganization",
                    principals=[iam.AccountPrincipal(item) for item in props.reader_accounts],
                    actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
                    resources=["*"],
                    conditions={
                        "StringEquals": {
                            "aws:PrincipalOrgID": (
                                props.governance.estate.organization.organization_id
                            )
                        }
                    },
                )
            )

    @property
    def arn(self) -> str:
        """The key's ARN."""
        return self.key.key_arn
