"""Compares what is deployed with the estate as it lies on the disk."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from mlzone.estate import Stage
from mlzone.plan import Assembly, Deployed, Plan, Template, plan_over_deployed
from mlzone.planning import selected_stacks
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.services import deployed
from mlzone_tools.services import estate as estates
from mlzone_tools.services.assembly.code import code_digest
from mlzone_tools.services.plan.assembly import Revision, assemble, digest
from mlzone_tools.services.plan.making import WORKING_TREE, replacing, side


def plan_deployed(
    endpoint: Endpoint,
    location: Path,
    *,
    unit: str | None = None,
    stage: str | None = None,
    today: date | None = None,
    talk: Callable[[str], None] = lambda _: None,
) -> Plan:
    """Plan what deploying an estate, as it lies on the disk, does to what is deployed.

    Args:
        endpoint: the cloud.
        location: the estate's folder or file.
        unit: only this business unit and the organization's stacks; stacks that the estate does not
            have any more are then looked for in these accounts alone.
        stage: only this environment.
        today: the day against which allowances are judged; the current day unless given.
        talk: is told how far it is.

    Raises:
        ConfigError: the estate is invalid, there is no such unit, or an account cannot be read.
    """
    today = today or date.today()  # noqa: DTZ011 - an expiry is a day of the calendar
    estate = estates.load(location)
    stacks = selected_stacks(estate, unit=unit, stage=Stage(stage) if stage else None)
    found = deployed.find(endpoint, estate, stacks)
    talk(f"{len(found.ours)} of {len(stacks)} stacks are deployed")
    revision = Revision(
        estate=estate, location=location, code=None, code_digest=code_digest(Path()), today=today
    )
    names = [stack.name for stack in stacks]
    return plan_over_deployed(
        Deployed(
            assembly=Assembly(
                templates=tuple(found.ours.values()),
                digests={
                    stack.name: digest(stack, found.ours[stack.name].content)
                    for stack in stacks
                    if stack.name in found.ours
                },
                findings=(),
            ),
            orphans=_of_unit(found.orphans, [item.account for item in stacks if item.unit], unit),
        ),
        (side(WORKING_TREE, revision), estate, assemble(revision, names, talk=talk)),
        replacing=replacing,
        today=today,
    )


def _of_unit(
    orphans: tuple[Template, ...], accounts: list[str], unit: str | None
) -> tuple[Template, ...]:
    """Leave the shared accounts' orphans out of a unit's plan: they may be other units'."""
    if unit is None:
        return orphans
    return tuple(item for item in orphans if item.account in accounts and f"-{unit}-" in item.stack)
