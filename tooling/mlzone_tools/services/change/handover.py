"""What is planned once and deployed into each environment: a plan, and the templates it is of."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone.plan import Plan
from mlzone.planning import planned_stacks
from mlzone_tools.cloud import cdk
from mlzone_tools.services import deployed, losses, protection, removal
from mlzone_tools.services.change import build
from mlzone_tools.services.change.approval import require_approval
from mlzone_tools.services.plan import making, saved
from mlzone_tools.services.plan.saved import SavedPlan
from mlzone_tools.services.synthesis import require_clean, synthesize

_PLAN, _ASSEMBLY = "plan.json", "cdk.out"


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What was deployed, or compared."""

    environment: str
    stacks: tuple[str, ...]
    approved_by: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    """The stacks that the plan took away."""


def make(estate_path: Path, estate: Estate, unit: str, folder: Path, *, base: str | None) -> Plan:
    """Plan what would be deployed since the last time, and write it with its templates.

    Args:
        estate_path: the estate's folder or file.
        estate: the same, loaded.
        unit: the business unit.
        folder: where to write; made.
        base: what to compare with; what the unit's pipeline has deployed last unless given, and
            before its first time the commit's parent.

    Raises:
        GovernanceError: a finding is open.
    """
    estate.unit(unit)
    base = base or build.last_deployed(_pipeline(estate, unit)) or _parent(estate_path)
    plan = making.plan_against(estate_path, base=base)
    folder.mkdir(parents=True, exist_ok=True)
    saved.save(plan, folder / _PLAN)
    changed = {stack.stack for stack in plan.stacks if stack.digest}
    stacks = [item.name for item in planned_stacks(estate, unit) if item.name in changed]
    if stacks and not plan.blockers:
        require_clean(synthesize(output=folder / _ASSEMBLY, estate=estate_path, stacks=stacks))
    return plan


def deploy(
    estate: Estate, unit: str, stage: Stage, folder: Path, *, talk: Callable[[str], None]
) -> Deployed:
    """Deploy what was planned into one environment, with the credentials of this shell.

    What is deployed is compared once more: data are only lost under an allowance that holds today.

    Raises:
        GovernanceError: the plan is blocked or not of this estate, code and templates, data would
            be lost, or nobody whom it names has agreed; nothing was deployed.
        DeploymentError: a stack failed and was rolled back, or could not be removed.
    """
    plan = saved.read(folder / _PLAN)
    saved.require_current(plan, estate)
    saved.require_same(plan, estate, folder / _ASSEMBLY)
    people: tuple[str, ...] = ()
    if stage is not Stage.DEV:
        of = build.execution(_pipeline(estate, unit))
        people = require_approval(of, stage, plan.approvals, build.actions(of))
    stacks = _of(plan, estate, unit, stage)
    if stacks:
        _deploy(estate, unit, stage, stacks, folder, talk)
    removed = _remove(plan, _place(estate, unit, stage), talk)
    return Deployed(environment=stage.value, stacks=stacks, approved_by=people, removed=removed)


def _deploy(
    estate: Estate,
    unit: str,
    stage: Stage,
    stacks: tuple[str, ...],
    folder: Path,
    talk: Callable[[str], None],
) -> None:
    place = _place(estate, unit, stage)
    client = build.stacks_client(*place)

    def client_of(_account: str, _region: str) -> Any:
        return client

    before = deployed.known(client, place, stacks)
    changes = losses.require_allowed(estate, before, folder / _ASSEMBLY, stacks)
    with protection.lifted(changes, before, client_of):
        _cdk(["deploy", *stacks, "--require-approval=never", "--progress=events"], folder, talk)
    protection.protect([(stack, *place) for stack in stacks], client_of)


def _remove(
    plan: SavedPlan, place: tuple[str, str], talk: Callable[[str], None]
) -> tuple[str, ...]:
    """Remove the stacks of one environment that a plan says go, if they are there."""
    going = [stack for stack, *where in plan.removals if tuple(where) == place]
    if not going:
        return ()
    client = build.stacks_client(*place)
    there = deployed.known(client, place, going)
    for stack in going:
        if stack in there:
            client.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
            removal.delete(client, stack, talk=talk)
    return tuple(stack for stack in going if stack in there)


def _place(estate: Estate, unit: str, stage: Stage) -> tuple[str, str]:
    """Return account and Region of an environment."""
    of = estate.unit(unit)
    return of.environments[stage].account, estate.region(of, stage)


def verify(
    estate: Estate, unit: str, stage: Stage, folder: Path, *, talk: Callable[[str], None]
) -> Deployed:
    """Compare an environment with what was to be deployed into it; change nothing.

    Raises:
        DeploymentError: a deployed template differs.
    """
    stacks = _of(saved.read(folder / _PLAN), estate, unit, stage)
    if stacks:
        _cdk(["diff", *stacks, "--fail", "--method=template"], folder, talk)
    return Deployed(environment=stage.value, stacks=stacks)


def _cdk(arguments: list[str], folder: Path, talk: Callable[[str], None]) -> None:
    app = ["--exclusively", "--app", str(folder / _ASSEMBLY)]
    cdk.run([*arguments, *app], build.credentials(), talk=talk)


def _of(plan: SavedPlan, estate: Estate, unit: str, stage: Stage) -> tuple[str, ...]:
    """Return the stacks of a plan that belong to an environment, in the order of deployment."""
    return tuple(
        stack.name
        for stack in planned_stacks(estate, unit)
        if stack.stage is stage and stack.name in plan.stacks
    )


def _pipeline(estate: Estate, unit: str) -> str:
    return Naming(prefix=estate.organization.prefix).environment_pipeline(unit)


def _parent(estate_path: Path) -> str:
    folder = estate_path if estate_path.is_dir() else estate_path.parent
    found = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD~1"],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        raise ConfigError(
            "nothing was deployed yet, and the commit has no parent to compare with",
            hint="deploy the first time by hand, or name the commit that is deployed: --base",
        )
    return found.stdout.strip()
