"""Refuses deployments that lose data without an allowance, whatever was planned."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from mlzone.errors import GovernanceError
from mlzone.estate import Estate
from mlzone.plan import ResourceChange, Template
from mlzone.plan.allowance import allow, blocked
from mlzone.plan.resource_difference import resource_difference
from mlzone.planning import planned_stacks
from mlzone_tools.services.plan.making import replacing


def require_allowed(
    estate: Estate,
    before: Mapping[str, Template],
    assembly: Path,
    chosen: Iterable[str],
    today: date | None = None,
) -> tuple[ResourceChange, ...]:
    """Compare what is deployed with an assembly; return what the deployment does to resources.

    Args:
        estate: says what may be lost, in its allowances.
        before: the deployed stacks, by name.
        assembly: the folder of what is to be deployed.
        chosen: the stacks that are to be deployed.
        today: the day against which allowances are judged; the current day unless given.

    Raises:
        GovernanceError: a resource that holds something would go without an allowance.
    """
    today = today or date.today()  # noqa: DTZ011 - an expiry is a day of the calendar
    names = {name for name in chosen if name in before}
    after = [
        Template(
            stack=stack.name,
            account=stack.account,
            region=stack.region,
            content=json.loads(
                (assembly / f"{stack.name}.template.json").read_text(encoding="utf-8")
            ),
        )
        for stack in planned_stacks(estate)
        if stack.name in names
    ]
    changes = allow(
        resource_difference([before[item.stack] for item in after], after, replacing),
        estate.allowances,
        today,
    )
    found = blocked(changes, estate.allowances, today)
    if found:
        listing = "\n".join(f"  {item.what}" for item in found)
        raise GovernanceError(
            f"the deployment would lose data, and nothing was deployed:\n{listing}",
            hint=found[0].fix,
        )
    return changes
