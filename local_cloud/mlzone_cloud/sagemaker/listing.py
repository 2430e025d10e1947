"""Filters and orders of SageMaker's listings."""

from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]


def select(
    items: list[Record],
    params: dict[str, Any],
    name: str,
    *,
    moments: tuple[str, ...] = ("CreationTime",),
) -> list[Record]:
    """Return the items that a listing's filters by name and by time let through.

    Args:
        items: the items.
        params: the parameters of the listing.
        name: the field that `NameContains` is about.
        moments: the fields that `<field>After` and `<field>Before` are about.
    """
    contains = params.get("NameContains")
    if contains:
        items = [item for item in items if contains in str(item.get(name, ""))]
    for moment in moments:
        after, before = params.get(f"{moment}After"), params.get(f"{moment}Before")
        if after:
            items = [item for item in items if item[moment] > _in_utc(after)]
        if before:
            items = [item for item in items if item[moment] < _in_utc(before)]
    return items


def in_order(
    items: list[Record], params: dict[str, Any], name: str, *, default: str = "Ascending"
) -> list[Record]:
    """Return the items of a listing in the order that is asked for.

    Args:
        items: the items.
        params: the parameters; `SortBy` is `Name` or the field itself, time of creation unless
            given.
        name: the field that `Name` means.
        default: the direction unless one is asked for.
    """
    wanted = params.get("SortBy") or "CreationTime"
    field = name if wanted == "Name" else wanted
    # Sorting is stable: what was made at the same moment keeps the order of its making.
    return sorted(
        items,
        key=lambda item: item.get(field, ""),
        reverse=params.get("SortOrder", default) == "Descending",
    )


def _in_utc(moment: datetime) -> datetime:
    """Return a moment of a request, which has no time zone after parsing."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
