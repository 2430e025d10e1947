"""The log archive: what happened in every account, where nobody who works there can change it."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlzone.estate import Stage
from mlzone.persona import Place
from mlzone.risk import TIERS
from mlzone_constructs.foundation import (
    GovernedBucket,
    GovernedBucketProps,
    GovernedKey,
    GovernedKeyProps,
)
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import People, PeopleProps

_SERVICES = {
    "cloudtrail.amazonaws.com": "",
    "config.amazonaws.com": "Config/",
    "delivery.logs.amazonaws.com": "vpcflowlogs/",
}
"""The services that deliver logs, and the folder of an account's part that each writes."""


class LogArchiveStack(cdk.Stack):
    """A locked bucket for the trails, configurations and flow logs of all business units.

    Guarantees:
        LOG-01: what is logged cannot be changed or deleted for as long as evidence is kept.
        NET-08: flow logs of all networks are kept apart from who uses the networks.
        DAT-05: the archive and its key outlive the stack.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, governance: Governance, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        naming, estate = governance.naming, governance.estate
        account = estate.organization.accounts.log_archive
        self._accounts = sorted(
            unit.environments[stage].account for unit in estate.units for stage in Stage
        )
        key = GovernedKey(
            self,
            "Key",
            GovernedKeyProps(
                governance=governance,
                alias=naming.key_alias("log-archive"),
                description="Logs of all accounts",
                services=tuple(_SERVICES),
                service_accounts=self._accounts,
            ),
        )
        access = GovernedBucket(
            self,
            "Access",
            GovernedBucketProps(
                governance=governance,
                bucket_name=naming.bucket(account, "log-archive", "logs"),
                key=None,
                lifecycle_rules=[
                    s3.LifecycleRule(id="retention", expiration=cdk.Duration.days(1826))
                ],
            ),
        )
        self._archive = GovernedBucket(
            self,
            "Archive",
            GovernedBucketProps(
                governance=governance,
                bucket_name=naming.log_archive_bucket(account),
                key=key.key,
                access_logs=access.bucket,
                lock_years=max(tier.retention_years for tier in TIERS.values()),
            ),
        )
        for service, folder in _SERVICES.items():
            self._admit(service, folder)
        People(
            self,
            "People",
            PeopleProps(governance=governance, place=Place.LOG_ARCHIVE, keys=(key.arn,)),
        )
        governance.tag(self)

    def _admit(self, service: str, folder: str) -> None:
        """Let a service deliver what it logs for the business units' accounts, and no other's."""
        of_ours = {"StringEquals": {"aws:SourceAccount": self._accounts}}
        name = service.split(".", maxsplit=1)[0].title()
        bucket = self._archive.bucket
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"{name}Looks",
                principals=[iam.ServicePrincipal(service)],
                actions=["s3:GetBucketAcl", "s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions=of_ours,
            )
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"{name}Writes",
                principals=[iam.ServicePrincipal(service)],
                actions=["s3:PutObject"],
                resources=[
                    bucket.arn_for_objects(f"AWSLogs/{account}/{folder}*")
                    for account in self._accounts
                ],
                conditions=of_ours,
            )
        )
