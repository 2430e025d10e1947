"""The composition root: which stacks, in which account and Region, in which order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import aws_cdk as cdk

from mlzone.errors import ConfigError
from mlzone.estate import BusinessUnit, Estate, Model, Stage, Team
from mlzone.loading import load_estate
from mlzone_constructs.governance import Governance
from mlzone_constructs.validation import add_checks
from mlzone_stacks.delivery import DeliveryStack
from mlzone_stacks.foundation import FoundationStack
from mlzone_stacks.guardrails import GuardrailsStack
from mlzone_stacks.log_archive import LogArchiveStack
from mlzone_stacks.monitoring import MonitoringStack
from mlzone_stacks.platform import PlatformStack
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

    @classmethod
    def from_context(cls, app: cdk.App) -> "Selection":
        """Read `-c business_unit=…` and `-c environment=…`.

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
        )

    def units(self, estate: Estate) -> tuple[BusinessUnit, ...]:
        """Return the selected business units."""
        return (estate.unit(self.business_unit),) if self.business_unit else estate.units

    def stages(self) -> tuple[Stage, ...]:
        """Return the selected environments."""
        return (self.environment,) if self.environment else tuple(Stage)


def build(app: cdk.App, organization: Governance, selection: Selection) -> None:
    """Add the selected stacks to an app; those of the organization are always there."""
    estate = organization.estate
    naming, home = organization.naming, organization.home_region
    accounts = estate.organization.accounts
    GuardrailsStack(
        app,
        naming.guardrails_stack(),
        governance=organization,
        env=cdk.Environment(account=accounts.management, region=home),
    )
    log_archive = LogArchiveStack(
        app,
        naming.log_archive_stack(),
        governance=organization,
        env=cdk.Environment(account=accounts.log_archive, region=home),
    )
    platform = PlatformStack(
        app,
        naming.platform_stack(),
        governance=organization,
        env=cdk.Environment(account=accounts.shared_services, region=home),
    )
    for unit in selection.units(estate):
        for stage in selection.stages():
            _build_environment(app, organization, unit, stage, (log_archive, platform))


def _build_environment(
    app: cdk.App,
    organization: Governance,
    unit: BusinessUnit,
    stage: Stage,
    after: Sequence[cdk.Stack],
) -> None:
    governance = replace(organization, unit=unit, stage=stage)
    estate = organization.estate
    environment = cdk.Environment(
        account=unit.environments[stage].account, region=estate.region(unit, stage)
    )
    foundation = FoundationStack(
        app,
        governance.naming.foundation_stack(unit.name, stage),
        governance=governance,
        env=environment,
    )
    for stack in after:
        foundation.add_stack_dependency(stack)
    for team in unit.teams:
        stack = TeamStack(
            app,
            governance.naming.team_stack(unit.name, stage, team.name),
            governance=governance,
            team=team,
            env=environment,
        )
        stack.add_stack_dependency(foundation)
        for model in team.models:
            if stage is Stage.DEV:
                # The repository is encrypted with the team's key.
                _build_delivery(app, governance, team, model, after=stack)
            else:
                monitoring = _build_serving(app, governance, team, model, (foundation, stack))
                # A promotion updates stacks that must be there first.
                _build_delivery(app, governance, team, model, after=monitoring)


def _build_delivery(
    app: cdk.App, governance: Governance, team: Team, model: Model, *, after: cdk.Stack
) -> None:
    unit, stage = governance.of_unit()
    delivery = DeliveryStack(
        app,
        governance.naming.delivery_stack(unit.name, stage, model.name),
        governance=governance,
        team=team,
        model=model,
        env=cdk.Environment(account=after.account, region=after.region),
    )
    delivery.add_stack_dependency(after)


def _build_serving(
    app: cdk.App,
    governance: Governance,
    team: Team,
    model: Model,
    after: tuple[cdk.Stack, cdk.Stack],
) -> cdk.Stack:
    foundation, data = after
    unit, stage = governance.of_unit()
    environment = cdk.Environment(account=foundation.account, region=foundation.region)
    serving = ServingStack(
        app,
        governance.naming.serving_stack(unit.name, stage, model.name),
        governance=governance,
        team=team,
        model=model,
        env=environment,
    )
    serving.add_stack_dependency(foundation)
    monitoring = MonitoringStack(
        app,
        governance.naming.monitoring_stack(unit.name, stage, model.name),
        governance=governance,
        team=team,
        model=model,
        env=environment,
    )
    # A monitor watches an endpoint, and reads what became true; both must be there first.
    monitoring.add_stack_dependency(serving)
    monitoring.add_stack_dependency(data)
    return monitoring


def synthesize() -> None:
    """Build what the context selects and write the cloud assembly."""
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
    add_checks(app, governance)
    app.synth()
