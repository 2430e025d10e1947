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
        self._admit()
        People(
            self,
            "People",
            PeopleProps(governance=governance, place=Place.LOG_ARCHIVE, keys=(key.arn,)),
        )
        governance.tag(self)

    def _admit(self) -> None:
        """Let services deliver what they log for the business units' accounts, and no other's.

        A service itself writes under the account that it works for. Accounts are listed once a
        statement and not in its resources: a bucket's policy has 20 kB for all of them.
        """
        of_ours = {"StringEquals": {"aws:SourceAccount": self._accounts}}
        bucket = self._archive.bucket
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Looks",
                principals=[iam.ServicePrincipal(service) for service in _SERVICES],
                actions=["s3:GetBucketAcl", "s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions=of_ours,
            )
        )
        for service, folder in _SERVICES.items():
            bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=f"{service.split('.', maxsplit=1)[0].title()}Writes",
                    principals=[iam.ServicePrincipal(service)],
                    actions=["s3:PutObject"],
                    resources=[bucket.arn_for_objects(f"AWSLogs/*/{folder}*")],
                    conditions=of_ours,
                )
            )
