"""What all business units share: keys, images, events, evidence; no team and no model."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlzone.estate import Stage
from mlzone.image import IMAGES
from mlzone.persona import Place
from mlzone.risk import TIERS
from mlzone_constructs.change import EstateRepository, EstateRepositoryProps
from mlzone_constructs.foundation import (
    GovernedBucket,
    GovernedBucketProps,
    GovernedKey,
    GovernedKeyProps,
)
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import People, PeopleProps
from mlzone_constructs.images import (
    ImageBuilds,
    ImageBuildsProps,
    ImageRepository,
    ImageRepositoryProps,
)
from mlzone_constructs.platform import (
    ApprovalGuard,
    ApprovalGuardProps,
    EvidenceRecorder,
    EvidenceRecorderProps,
    KpiStore,
    KpiStoreProps,
    LifeCycleBus,
    LifeCycleBusProps,
    Notifications,
    NotificationsProps,
    OverdueDecisions,
    OverdueDecisionsProps,
)


class PlatformStack(cdk.Stack):
    """What all business units share, in the ML shared-services account.

    It knows the units by their accounts alone; what grows with their teams and models is in their
    own registry stacks.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, governance: Governance, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        self._governance = governance
        estate = governance.estate
        self._accounts = [unit.environments[s].account for unit in estate.units for s in Stage]
        self._key = GovernedKey(
            self,
            "Key",
            GovernedKeyProps(
                governance=governance,
                alias=governance.naming.key_alias("platform"),
                description="Artefacts, evidence, images and events of the platform",
                services=(
                    f"logs.{self.region}.amazonaws.com",
                    "events.amazonaws.com",
                    "sns.amazonaws.com",
                ),
                reader_accounts=self._accounts,
            ),
        )
        self._buckets()
        self._images()
        self._events()
        People(
            self,
            "People",
            PeopleProps(
                governance=governance, place=Place.SHARED_SERVICES, keys=(self._key.key.key_arn,)
            ),
        )
        if estate.organization.source.repository:
            EstateRepository(
                self, "Change", EstateRepositoryProps(governance=governance, key=self._key.key)
            )
        governance.tag(self)

    def _buckets(self) -> None:
        governance, naming = self._governance, self._governance.naming
        account = governance.shared_services
        logs = GovernedBucket(
            self,
            "Logs",
            GovernedBucketProps(
                governance=governance,
                bucket_name=naming.platform_log_bucket(account),
                key=None,
                lifecycle_rules=[
                    s3.LifecycleRule(id="retention", expiration=cdk.Duration.days(1826))
                ],
            ),
        )
        GovernedBucket(
            self,
            "Evidence",
            GovernedBucketProps(
                governance=governance,
                bucket_name=naming.evidence_bucket(account),
                key=self._key.key,
                access_logs=logs.bucket,
                lock_years=max(tier.retention_years for tier in TIERS.values()),
            ),
        )

    def _images(self) -> None:
        governance, key = self._governance, self._key.key
        repositories = {
            image: ImageRepository(
                self,
                f"Image-{image}",
                ImageRepositoryProps(
                    governance=governance,
                    name=governance.naming.ecr_repository(image),
                    key=key,
                    reader_accounts=self._accounts,
                ),
            )
            for image in IMAGES
        }
        ImageBuilds(
            self,
            "Images",
            ImageBuildsProps(governance=governance, key=key, repositories=repositories),
        )

    def _events(self) -> None:
        """The platform's bus, and what listens to it and to the registry."""
        governance, key = self._governance, self._key.key
        bus = LifeCycleBus(self, "Events", LifeCycleBusProps(governance=governance, key=key))
        kept = KpiStore(self, "Kpi", KpiStoreProps(governance=governance, key=key, bus=bus))
        EvidenceRecorder(
            self,
            "Recorder",
            EvidenceRecorderProps(governance=governance, key=key, bus=bus),
        )
        Notifications(
            self, "Notifications", NotificationsProps(governance=governance, key=key, bus=bus)
        )
        OverdueDecisions(
            self,
            "Overdue",
            OverdueDecisionsProps(governance=governance, key=key, bus=bus, kept=kept),
        )
        ApprovalGuard(
            self, "Approvals", ApprovalGuardProps(governance=governance, key=key, bus=bus)
        )
