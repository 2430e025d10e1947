"""The composition root: which stacks, in which account and Region, in which order."""

from dataclasses import dataclass, replace
from pathlib import Path

import aws_cdk as cdk

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Stage
from mlzone.loading import load_estate
from mlzone.planning import PlannedStack, StackKind, selected_stacks
from mlzone_constructs.governance import Governance, Place
from mlzone_constructs.validation import add_checks
from mlzone_stacks.delivery import DeliveryStack
from mlzone_stacks.environment_pipeline import EnvironmentPipelineStack
from mlzone_stacks.foundation import FoundationStack
from mlzone_stacks.guardrails import GuardrailsStack
from mlzone_stacks.log_archive import LogArchiveStack
from mlzone_stacks.monitoring import MonitoringStack
from mlzone_stacks.platform import PlatformStack
from mlzone_stacks.registry import RegistryStack
from mlzone_stacks.serving import ServingStack
from mlzone_stacks.team import TeamStack

DEFAULT_ESTATE = "organization"

FEATURE_FLAGS = {
    "aws:cdk:disable-stack-trace": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/core:checkSecretUsage": True,
    "@aws-cdk/core:enablePartitionLiterals": True,
    "@aws-cdk/core:target-partitions": ["aws", "aws-cn", "aws-us-gov"],
}
"""CDK behaviour that templates depend on; here, so that every way to synthesize has it."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The part of the estate that is built; all of it unless narrowed."""

    business_unit: str | None = None
    environment: Stage | None = None
    stacks: frozenset[str] = frozenset()
    """Only these; all if empty."""

    @classmethod
    def from_context(cls, app: cdk.App) -> "Selection":
        """Read `-c business_unit=…`, `-c environment=…` and `-c stacks=…,…`.

        Raises:
            ConfigError: there is no such environment.
        """
        environment = app.node.try_get_context("environment")
        if environment and environment not in set(Stage):
            raise ConfigError(
                f'got environment "{environment}"', hint=f"use one of {', '.join(Stage)}"
            )
        return cls(
            business_unit=app.node.try_get_context("business_unit") or None,
            environment=Stage(environment) if environment else None,
            stacks=frozenset(filter(None, (app.node.try_get_context("stacks") or "").split(","))),
        )

    def planned(self, estate: Estate) -> tuple[PlannedStack, ...]:
        """Return the selected stacks; those of the organization belong to every unit and stage."""
        return selected_stacks(
            estate, unit=self.business_unit, stage=self.environment, names=self.stacks
        )


_OF_THE_ORGANIZATION = {
    StackKind.GUARDRAILS: GuardrailsStack,
    StackKind.LOG_ARCHIVE: LogArchiveStack,
    StackKind.PLATFORM: PlatformStack,
}
_OF_A_UNIT = {
    StackKind.REGISTRY: RegistryStack,
    StackKind.FOUNDATION: FoundationStack,
    StackKind.ENVIRONMENT_PIPELINE: EnvironmentPipelineStack,
}
_OF_A_MODEL = {
    StackKind.SERVING: ServingStack,
    StackKind.MONITORING: MonitoringStack,
    StackKind.DELIVERY: DeliveryStack,
}


def build(app: cdk.App, organization: Governance, selection: Selection) -> None:
    """Add the selected stacks to an app, each after those that must be there first."""
    made: dict[str, cdk.Stack] = {}
    for planned in selection.planned(organization.estate):
        made[planned.name] = _stack(app, organization, planned)
        for name in planned.after:
            if name in made:
                made[planned.name].add_stack_dependency(made[name])


def _stack(app: cdk.App, organization: Governance, planned: PlannedStack) -> cdk.Stack:
    env = cdk.Environment(account=planned.account, region=planned.region)
    organization = replace(organization, at=Place(account=planned.account, region=planned.region))
    if planned.unit is None:
        kind = _OF_THE_ORGANIZATION[planned.kind]
        return kind(app, planned.name, governance=organization, env=env)
    unit = organization.estate.unit(planned.unit)
    governance = replace(organization, unit=unit, stage=planned.stage)
    if planned.kind in _OF_A_UNIT:
        return _OF_A_UNIT[planned.kind](app, planned.name, governance=governance, env=env)
    team = next(team for team in unit.teams if team.name == planned.team)
    if planned.kind is StackKind.TEAM:
        return TeamStack(app, planned.name, governance=governance, team=team, env=env)
    model = next(model for model in team.models if model.name == planned.subject)
    return _OF_A_MODEL[planned.kind](
        app, planned.name, governance=governance, team=team, model=model, env=env
    )


def synthesize(*, whole: bool = True) -> None:
    """Build what the context selects and write the cloud assembly.

    Args:
        whole: whether our own rules are asked here; otherwise by the caller, about all parts.
    """
    app = cdk.App(
        analytics_reporting=False,
        # Assemblies are compared byte by byte; the tree holds absolute paths.
        tree_metadata=False,
        stack_traces=False,
        context=FEATURE_FLAGS,
    )
    location = Path(app.node.try_get_context("estate") or DEFAULT_ESTATE)
    governance = Governance(estate=load_estate(location))
    build(app, governance, Selection.from_context(app))
    add_checks(app, governance, whole=whole)
    app.synth()
