"""Which stacks an estate has, each with its account and Region, in the order of deployment."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from mlzone.estate import BusinessUnit, Estate, Stage
from mlzone.naming import Naming


class StackKind(StrEnum):
    """The kinds of stack, from the organization down to a model."""

    GUARDRAILS = "guardrails"
    LOG_ARCHIVE = "log-archive"
    PLATFORM = "platform"
    REGISTRY = "registry"
    FOUNDATION = "foundation"
    TEAM = "team"
    SERVING = "serving"
    MONITORING = "monitoring"
    DELIVERY = "delivery"
    ENVIRONMENT_PIPELINE = "environment-pipeline"


@dataclass(frozen=True, kw_only=True)
class PlannedStack:
    """One stack; `unit` and `stage` are None for the organization's own.

    A unit's part of the shared services, and the pipeline that deploys it, belong to the unit and
    to none of its environments.
    """

    name: str
    kind: StackKind
    account: str
    region: str
    unit: str | None = None
    stage: Stage | None = None
    subject: str | None = None
    """The team or the model, where the stack belongs to one."""
    team: str | None = None
    """The team, or the team of the model."""
    after: tuple[str, ...] = ()
    """The stacks that must be there first."""


def planned_stacks(estate: Estate, unit: str | None = None) -> tuple[PlannedStack, ...]:
    """Return the stacks of the organization and of all units, or of one.

    Raises:
        ConfigError: there is no such unit.
    """
    naming = Naming(prefix=estate.organization.prefix)
    home = estate.organization.home_region
    accounts = estate.organization.accounts
    units = (estate.unit(unit),) if unit else estate.units
    return (
        PlannedStack(
            name=naming.guardrails_stack(),
            kind=StackKind.GUARDRAILS,
            account=accounts.management,
            region=home,
        ),
        PlannedStack(
            name=naming.log_archive_stack(),
            kind=StackKind.LOG_ARCHIVE,
            account=accounts.log_archive,
            region=home,
        ),
        PlannedStack(
            name=naming.platform_stack(),
            kind=StackKind.PLATFORM,
            account=accounts.shared_services,
            region=home,
        ),
        *(stack for each in units for stack in _unit(estate, naming, each)),
    )


def selected_stacks(
    estate: Estate,
    *,
    unit: str | None = None,
    stage: Stage | None = None,
    names: Collection[str] = (),
) -> tuple[PlannedStack, ...]:
    """Return a part of the estate's stacks; those of the organization belong to every part.

    Args:
        estate: the estate.
        unit: only this business unit.
        stage: only this environment, and what the unit has in the shared services.
        names: only these, if any are given.

    Raises:
        ConfigError: there is no such unit.
    """
    return tuple(
        stack
        for stack in planned_stacks(estate, unit)
        if (not names or stack.name in names)
        and (stage in (None, stack.stage) or stack.unit is None or stack.kind is StackKind.REGISTRY)
    )


def _unit(estate: Estate, naming: Naming, unit: BusinessUnit) -> Iterator[PlannedStack]:
    def shared(kind: StackKind, name: str) -> PlannedStack:
        return PlannedStack(
            name=name,
            kind=kind,
            account=estate.organization.accounts.shared_services,
            region=estate.organization.home_region,
            unit=unit.name,
            after=(naming.platform_stack(),),
        )

    yield shared(StackKind.REGISTRY, naming.registry_stack(unit.name))
    for stage in Stage:
        yield from _environment(estate, naming, unit, stage)
    if estate.organization.source.repository:
        yield shared(StackKind.ENVIRONMENT_PIPELINE, naming.environment_pipeline_stack(unit.name))


def _environment(
    estate: Estate, naming: Naming, unit: BusinessUnit, stage: Stage
) -> Iterator[PlannedStack]:
    def stack(
        kind: StackKind, name: str, subject: str | None = None, team: str | None = None,
        *, after: tuple[str, ...],
    ) -> PlannedStack:  # fmt: skip
        return PlannedStack(
            name=name,
            kind=kind,
            account=unit.environments[stage].account,
            region=estate.region(unit, stage),
            unit=unit.name,
            stage=stage,
            subject=subject,
            team=team,
            after=after,
        )

    foundation = naming.foundation_stack(unit.name, stage)
    yield stack(
        StackKind.FOUNDATION,
        foundation,
        after=(naming.log_archive_stack(), naming.platform_stack()),
    )
    for team in unit.teams:
        name = naming.team_stack(unit.name, stage, team.name)
        yield stack(StackKind.TEAM, name, team.name, team.name, after=(foundation,))
    for team in unit.teams:
        data = naming.team_stack(unit.name, stage, team.name)
        for model in team.models:
            serving = naming.serving_stack(unit.name, stage, model.name)
            monitoring = naming.monitoring_stack(unit.name, stage, model.name)
            if stage is not Stage.DEV:
                # Batches are answered in the team's data; an endpoint knows nothing of them.
                first = data if model.serving.batch else foundation
                yield stack(StackKind.SERVING, serving, model.name, team.name, after=(first,))
                # A monitor watches an endpoint, and reads what became true.
                yield stack(
                    StackKind.MONITORING, monitoring, model.name, team.name, after=(serving, data)
                )
            yield stack(
                StackKind.DELIVERY,
                naming.delivery_stack(unit.name, stage, model.name),
                model.name,
                team.name,
                # In dev, the repository is encrypted with the team's key, and a build registers;
                # elsewhere, a promotion updates stacks that must be there first.
                after=(naming.registry_stack(unit.name), data)
                if stage is Stage.DEV
                else (monitoring,),
            )
