"""Which losses of data an estate allows, and which it does not."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from mlzone.estate import Allowance
from mlzone.plan.change import Blocker, Effect, ResourceChange
from mlzone.waiving import matches


def loses_data(change: ResourceChange) -> bool:
    """Say whether a change takes away something that cannot be made again."""
    return change.effect in (Effect.DELETED, Effect.REPLACED) and bool(change.loss)


def allow(
    changes: Iterable[ResourceChange], allowances: Iterable[Allowance], today: date
) -> tuple[ResourceChange, ...]:
    """Return the changes with the ticket of the allowance that covers each."""
    valid = [item for item in allowances if item.expires >= today]
    return tuple(
        replace(change, allowed=_ticket(change, valid)) if loses_data(change) else change
        for change in changes
    )


def _ticket(change: ResourceChange, allowances: Iterable[Allowance]) -> str:
    place = f"{change.stack}/{change.type}/{change.logical_id}"
    return next((item.ticket for item in allowances if matches(item.resource, place)), "")


def blocked(
    changes: Iterable[ResourceChange], allowances: Iterable[Allowance], today: date
) -> tuple[Blocker, ...]:
    """Return a blocker for each stack that loses data without an allowance."""
    stacks: dict[str, list[ResourceChange]] = {}
    for change in changes:
        if loses_data(change) and not change.allowed:
            stacks.setdefault(change.stack, []).append(change)
    expired = {item.ticket: item for item in allowances if item.expires < today}
    found = []
    for stack, lost in sorted(stacks.items()):
        names = ", ".join(sorted({f"{item.type.rsplit('::', 1)[-1]}" for item in lost}))
        late = ", ".join(
            f"{ticket} expired on {item.expires}"
            for ticket, item in sorted(expired.items())
            if any(_ticket(change, [item]) for change in lost)
        )
        found.append(
            Blocker(
                what=f"{stack}: {len(lost)} resources are lost with what they hold ({names})"
                + (f"; {late}" if late else ""),
                fix=f"if that is meant, add an allowance for {stack}/** to allowances.yaml, with "
                "reason, owner, ticket and expiry; else keep what holds the data",
            )
        )
    return tuple(found)
