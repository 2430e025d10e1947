"""What holds for a time only: waivers and allowances."""

from collections.abc import Iterator
from datetime import date, timedelta

from mlzone.estate.estate import Estate
from mlzone.loading.problem import Problem
from mlzone.loading.sources import Sources

_LONGEST_ALLOWANCE = timedelta(days=31)


def check_waivers(estate: Estate, sources: Sources, today: date) -> Iterator[Problem]:
    """Yield what is wrong with the waivers: one that has expired waives nothing."""
    seen: dict[tuple[str, str], int] = {}
    for index, waiver in enumerate(estate.waivers):
        if waiver.expires < today:
            yield sources.in_waiver(
                index,
                ("expires",),
                f"expired on {waiver.expires}; mend the finding, or renew the waiver in a "
                "pull request that its owner approves",
            )
        if waiver.granted > today:
            yield sources.in_waiver(
                index,
                ("granted",),
                f"{waiver.granted} is yet to come; name the day of the decision",
            )
        key = (waiver.rule, waiver.resource)
        if key in seen:
            yield sources.in_waiver(
                index, ("rule",), f"repeats waiver {seen[key]} of this file; remove one"
            )
        seen.setdefault(key, index)


def check_allowances(estate: Estate, sources: Sources, today: date) -> Iterator[Problem]:
    """Yield the allowances that hold too long; one that has expired only allows nothing more."""
    for index, allowance in enumerate(estate.allowances):
        if allowance.expires > today + _LONGEST_ALLOWANCE:
            yield sources.in_allowance(
                index,
                ("expires",),
                f"got {allowance.expires}; an allowance holds {_LONGEST_ALLOWANCE.days} days at "
                "most, since it is meant for one change",
            )
