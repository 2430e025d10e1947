"""What an environment of a business unit stands on."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_accessanalyzer as accessanalyzer
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone.estate import Stage
from mlzone.persona import PERSONAS, Persona, Place, Scope
from mlzone.surroundings import Surroundings
from mlzone_constructs.foundation import (
    ClosedDefaultGroup,
    ClosedDefaultGroupProps,
    ConfigRules,
    ConfigRulesProps,
    GovernedBucket,
    GovernedBucketProps,
    GovernedKey,
    GovernedKeyProps,
    PrivateNetwork,
    PrivateNetworkProps,
    WorkloadGroup,
    WorkloadGroupProps,
)
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import PersonaRole, PersonaRoleProps
from mlzone_constructs.identity.break_glass import BreakGlass, BreakGlassProps
from mlzone_constructs.serving import capture_retention


class FoundationStack(cdk.Stack):
    """Network, keys, buckets, trail, identity provider and unit-wide persona roles."""

    def __init__(
        self, scope: Construct, construct_id: str, *, governance: Governance, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        self._governance = governance
        self._unit, self._stage = governance.of_unit()
        self._key = self._make_key()
        self._identity_provider()
        self._network()
        self._buckets()
        self._platform_events()
        self._persona_roles()
        if self._stage is Stage.PROD:
            self._break_glass()
        accessanalyzer.CfnAnalyzer(self, "AccessAnalyzer", type="ACCOUNT")
        governance.tag(self)

    def _make_key(self) -> GovernedKey:
        naming = self._governance.naming
        key = GovernedKey(
            self,
            "Key",
            GovernedKeyProps(
                governance=self._governance,
                alias=naming.key_alias(self._unit.name, self._stage, "foundation"),
                description=f"Logs, events and releases of {self._unit.title} {self._stage}",
                services=(
                    f"logs.{self.region}.amazonaws.com",
                    "events.amazonaws.com",
                    "sns.amazonaws.com",
                ),
            ),
        )
        self._parameter("keys/foundation", key.arn)
        return key

    def _parameter(self, name: str, value: str) -> None:
        ssm.CfnParameter(
            self,
            "Parameter-" + name.replace("/", "-"),
            name=self._governance.naming.parameter(name),
            type="String",
            value=value,
        )

    def _identity_provider(self) -> None:
        estate = self._governance.estate
        identity = estate.organization.identity
        metadata = (estate.folder / identity.saml_metadata).read_text(encoding="utf-8")
        self._provider = iam.CfnSAMLProvider(
            self, "IdentityProvider", name=identity.saml_provider, saml_metadata_document=metadata
        )

    def _network(self) -> None:
        environment = self._unit.environments[self._stage]
        if environment.network.create:
            network = PrivateNetwork(
                self,
                "Network",
                PrivateNetworkProps(
                    governance=self._governance,
                    network=environment.network.create,
                    region=self._governance.estate.region(self._unit, self._stage),
                ),
            )
            vpc_id = network.vpc.ref
            subnets = [subnet.ref for subnet in network.subnets]
            group = network.workload_group_id
            ClosedDefaultGroup(
                self,
                "DefaultGroup",
                ClosedDefaultGroupProps(
                    governance=self._governance, vpc_id=vpc_id, key=self._key.key
                ),
            )
        else:
            imported = environment.network.import_
            assert imported is not None  # noqa: S101 - the estate has exactly one of the two
            vpc_id, subnets = imported.vpc_id, list(imported.subnet_ids)
            group = WorkloadGroup(
                self,
                "Workloads",
                WorkloadGroupProps(
                    vpc_id=vpc_id, endpoint_group_id=imported.endpoint_security_group_id
                ),
            ).group_id
        self._parameter("network/vpc-id", vpc_id)
        self._parameter("network/subnet-ids", cdk.Fn.join(",", subnets))
        self._parameter("network/workload-security-group-id", group)

    def _buckets(self) -> None:
        naming, account = self._governance.naming, self._unit.environments[self._stage].account
        self._logs = GovernedBucket(
            self,
            "Logs",
            GovernedBucketProps(
                governance=self._governance,
                bucket_name=naming.log_bucket(self._unit.name, account),
                key=None,
                lifecycle_rules=[
                    s3.LifecycleRule(id="retention", expiration=cdk.Duration.days(1826))
                ],
            ),
        )
        self._archive_logs()
        self._bucket(
            "Pipelines",
            naming.pipeline_bucket(self._unit.name, account),
            # What stages hand to each other; what lasts is in the registry and the release bucket.
            lifecycle_rules=[s3.LifecycleRule(id="handed-on", expiration=cdk.Duration.days(90))],
        )
        if self._stage is not Stage.DEV:
            self._bucket(
                "Releases",
                naming.release_bucket(self._unit.name, account),
                emits_events=True,
            )
            self._bucket(
                "Capture",
                naming.capture_bucket(self._unit.name, account),
                lifecycle_rules=capture_retention(self._unit),
            )

    def _archive_logs(self) -> None:
        """Write down who did what, and how everything is set, into the log archive."""
        governance = self._governance
        naming = governance.naming
        account = governance.estate.organization.accounts.log_archive
        archive = naming.log_archive_bucket(account)
        cloudtrail.CfnTrail(
            self,
            "CloudTrail",
            trail_name=naming.name(self._unit.name, self._stage),
            s3_bucket_name=archive,
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            advanced_event_selectors=[
                _logged({"eventCategory": "Management"}),
                _logged(
                    {"eventCategory": "Data", "resources.type": "AWS::S3::Object"},
                    starts_with=f"arn:{self.partition}:s3:::{naming.name(self._unit.name)}-",
                ),
                _logged(
                    {"eventCategory": "Data", "resources.type": "AWS::SageMaker::FeatureGroup"}
                ),
            ],
            kms_key_id=governance.arn(
                self,
                "kms",
                naming.key_alias("log-archive"),
                account=account,
                region=governance.home_region,
            ),
        )
        ConfigRules(self, "Config", ConfigRulesProps(governance=governance, archive=archive))

    def _bucket(
        self,
        construct_id: str,
        name: str,
        *,
        emits_events: bool = False,
        lifecycle_rules: Sequence[s3.LifecycleRule] = (),
    ) -> GovernedBucket:
        return GovernedBucket(
            self,
            construct_id,
            GovernedBucketProps(
                governance=self._governance,
                bucket_name=name,
                key=self._key.key,
                access_logs=self._logs.bucket,
                emits_events=emits_events,
                lifecycle_rules=lifecycle_rules,
            ),
        )

    def _platform_events(self) -> None:
        """Let the platform's account send events here, and nobody else."""
        events.CfnEventBusPolicy(
            self,
            "PlatformEvents",
            statement_id="platform-events",
            event_bus_name="default",
            statement={
                "Effect": "Allow",
                "Principal": {
                    "AWS": f"arn:{self.partition}:iam::{self._governance.shared_services}:root"
                },
                "Action": "events:PutEvents",
                "Resource": self._governance.arn(self, "events", "event-bus/default"),
            },
        )

    def _break_glass(self) -> None:
        """The role for emergencies, where models serve."""
        glass = BreakGlass(
            self,
            "BreakGlass",
            BreakGlassProps(
                governance=self._governance,
                surroundings=self._surroundings(Persona.MODEL_APPROVER),
                key=self._key.key,
            ),
        )
        glass.node.add_dependency(self._provider)

    def _persona_roles(self) -> None:
        place = Place(self._stage.value)
        for persona, profile in PERSONAS.items():
            if place not in profile.places or profile.scope is Scope.TEAM:
                continue
            role = PersonaRole(
                self,
                persona.title().replace("-", ""),
                PersonaRoleProps(
                    governance=self._governance,
                    persona=persona,
                    surroundings=self._surroundings(persona),
                ),
            )
            role.node.add_dependency(self._provider)

    def _surroundings(self, persona: Persona) -> Surroundings:
        scope = PERSONAS[persona].scope
        return Surroundings(
            naming=self._governance.naming,
            partition=self.partition,
            account=self.account,
            region=self.region,
            shared_services=self._governance.shared_services,
            home_region=self._governance.home_region,
            title=self._unit.title if scope is Scope.UNIT else "the whole organization",
            unit=self._unit.name if scope is Scope.UNIT else "",
            stage=self._stage,
        )


def _logged(
    fields: Mapping[str, str], *, starts_with: str | None = None
) -> cloudtrail.CfnTrail.AdvancedEventSelectorProperty:
    """Return which events a trail writes down: those whose fields have these values.

    Args:
        fields: the value of each field.
        starts_with: what the ARN of the resource begins with.
    """
    selectors = [
        cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(field=field, equal_to=[value])
        for field, value in fields.items()
    ]
    if starts_with:
        selectors.append(
            cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(
                field="resources.ARN", starts_with=[starts_with]
            )
        )
    return cloudtrail.CfnTrail.AdvancedEventSelectorProperty(field_selectors=selectors)
