"""Compares two estates, in the estate's own words."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from mlzone.estate import BusinessUnit, Estate, Model, Team, team_members
from mlzone.plan.change import Danger, EstateChange, Verb
from mlzone.plan.field_danger import danger_of, note_of

_KEEP_DATA = (
    "a new name makes everything anew and takes the old away. To keep the data, keep the name and "
    "change the title; or add the new one beside the old, copy the data, then remove the old"
)
_LIKE = 0.5
"""What share of its members and data zones a team must keep to count as renamed."""


def estate_difference(base: Estate, head: Estate) -> tuple[EstateChange, ...]:
    """Return every change between two estates, the dangerous first."""
    changes = [
        *_fields("organization", head.organization.name, base.organization, head.organization),
        *_units(base, head),
        *_people(base, head),
    ]
    return tuple(sorted(changes, key=_order))


def _order(change: EstateChange) -> tuple[Any, ...]:
    return (change.danger.rank, change.kind, change.subject, change.field, change.verb)


def _units(base: Estate, head: Estate) -> Iterator[EstateChange]:
    before = {unit.name: unit for unit in base.units}
    after = {unit.name: unit for unit in head.units}
    renamed = _renamed(before, after, _same_unit)
    yield from _whole("business unit", before, after, renamed)
    pairs = [(old, after.get(renamed.get(name, name))) for name, old in before.items()]
    for old, new in pairs:
        if new is None:
            yield from _gone(old)
            continue
        yield from _fields(
            "business unit", new.name, old, new, without={"name", "teams", "approvers"}
        )
        yield from _teams(old, new)
    for name, unit in after.items():
        if name not in before and name not in renamed.values():
            yield from _come(unit)


def _gone(unit: BusinessUnit) -> Iterator[EstateChange]:
    yield from _whole("team", _keyed(unit.name, unit.teams), {}, {})
    for team in unit.teams:
        yield from _whole("model", _keyed(unit.name, team.models), {}, {})


def _come(unit: BusinessUnit) -> Iterator[EstateChange]:
    yield from _whole("team", {}, _keyed(unit.name, unit.teams), {})
    for team in unit.teams:
        yield from _whole("model", {}, _keyed(unit.name, team.models), {})


def _teams(old: BusinessUnit, new: BusinessUnit) -> Iterator[EstateChange]:
    before, after = _keyed(new.name, old.teams), _keyed(new.name, new.teams)
    renamed = _renamed(before, after, _same_team)
    yield from _whole("team", before, after, renamed)
    models_before: dict[str, Model] = {}
    models_after: dict[str, Model] = {}
    home: dict[str, str] = {}
    for key, team in before.items():
        models_before |= _keyed(new.name, team.models)
        home |= {f"{new.name}/{model.name}": renamed.get(key, key) for model in team.models}
        other = after.get(renamed.get(key, key))
        if other:
            yield from _fields("team", f"{new.name}/{other.name}", team, other, without=_IN_TEAMS)
            for kind, attribute in (
                ("data zone", "data_zones"),
                ("feature group", "feature_groups"),
            ):
                yield from _parts(
                    kind,
                    _keyed(f"{new.name}/{other.name}", getattr(team, attribute)),
                    _keyed(f"{new.name}/{other.name}", getattr(other, attribute)),
                )
    for key, team in after.items():
        models_after |= _keyed(new.name, team.models)
        for model in team.models:
            name = f"{new.name}/{model.name}"
            if name in home and home[name] != key:
                yield EstateChange(
                    danger=Danger.CAUTION,
                    verb=Verb.MOVED,
                    kind="model",
                    subject=name,
                    field="team",
                    before=home[name],
                    after=key,
                    note="another team's roles and key now hold its project",
                )
    yield from _parts("model", models_before, models_after, _same_model)


_PARTS_OF_TEAMS = (("data zone", "data_zones"), ("feature group", "feature_groups"))
_IN_TEAMS = frozenset({"name", "members", "data_zones", "feature_groups", "models"})


def _parts(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], same: Any = None
) -> Iterator[EstateChange]:
    renamed = _renamed(before, after, same) if same else {}
    yield from _whole(kind, before, after, renamed)
    for key, record in before.items():
        other = after.get(renamed.get(key, key))
        if other is not None:
            yield from _fields(kind, renamed.get(key, key), record, other, without={"name"})


def _keyed(owner: str, records: tuple[Any, ...]) -> dict[str, Any]:
    return {f"{owner}/{record.name}": record for record in records}


def _whole(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], renamed: Mapping[str, str]
) -> Iterator[EstateChange]:
    for key in sorted(before.keys() - after.keys()):
        if key in renamed:
            yield EstateChange(
                danger=Danger.DANGER,
                verb=Verb.RENAMED,
                kind=kind,
                subject=key,
                before=key,
                after=renamed[key],
                note=_KEEP_DATA,
            )
        else:
            yield EstateChange(
                danger=Danger.DANGER,
                verb=Verb.REMOVED,
                kind=kind,
                subject=key,
                note=note_of(kind, "", Verb.REMOVED),
            )
    for key in sorted(after.keys() - before.keys() - set(renamed.values())):
        yield EstateChange(danger=Danger.NOTE, verb=Verb.ADDED, kind=kind, subject=key)


def _renamed(before: Mapping[str, Any], after: Mapping[str, Any], same: Any) -> dict[str, str]:
    """Return which removed parts came back under another name."""
    found: dict[str, str] = {}
    for old in sorted(before.keys() - after.keys()):
        for new in sorted(after.keys() - before.keys()):
            if new not in found.values() and same(before[old], after[new]):
                found[old] = new
                break
    return found


def _same_unit(old: BusinessUnit, new: BusinessUnit) -> bool:
    return old.environments.prod.account == new.environments.prod.account


def _same_team(old: Team, new: Team) -> bool:
    def marks(team: Team) -> set[str]:
        members = {f"person {person}" for _, person in team_members(team)}
        return members | {f"zone {zone.name}" for zone in team.data_zones}

    mine, theirs = marks(old), marks(new)
    return len(mine & theirs) >= _LIKE * max(len(mine), len(theirs))


def _same_model(old: Model, new: Model) -> bool:
    return (old.purpose, old.template, old.data_zone) == (new.purpose, new.template, new.data_zone)


def _fields(
    kind: str,
    subject: str,
    old: BaseModel,
    new: BaseModel,
    *,
    without: frozenset[str] | set[str] = frozenset(),
) -> Iterator[EstateChange]:
    before = _flat(old.model_dump(mode="json", by_alias=True, exclude=set(without)))
    after = _flat(new.model_dump(mode="json", by_alias=True, exclude=set(without)))
    for field in sorted({*before, *after}):
        if before.get(field) != after.get(field):
            was, now = before.get(field), after.get(field)
            yield EstateChange(
                danger=danger_of(kind, field, was, now),
                verb=Verb.CHANGED,
                kind=kind,
                subject=subject,
                field=field,
                before=_text(was),
                after=_text(now),
                note=note_of(kind, field, Verb.CHANGED, was, now),
            )


def _flat(value: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        flat |= _flat(item, where) if isinstance(item, dict) else {where: item}
    return {key: item for key, item in flat.items() if item is not None}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(
            str(item["name"]) if isinstance(item, dict) and "name" in item else str(item)
            for item in value
        )
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- people -------------------------------------------------------------------------------------


def _people(base: Estate, head: Estate) -> Iterator[EstateChange]:
    before, after = _duties(base), _duties(head)
    for person in sorted({*before, *after}):
        gone = sorted(before.get(person, set()) - after.get(person, set()))
        come = sorted(after.get(person, set()) - before.get(person, set()))
        if gone and come:
            yield EstateChange(
                danger=Danger.CAUTION,
                verb=Verb.MOVED,
                kind="person",
                subject=person,
                before=", ".join(gone),
                after=", ".join(come),
                note="",
            )
        elif come:
            yield EstateChange(
                danger=Danger.NOTE if person in before else Danger.CAUTION,
                verb=Verb.ADDED,
                kind="person",
                subject=person,
                after=", ".join(come),
            )
        elif gone:
            yield EstateChange(
                danger=Danger.CAUTION,
                verb=Verb.REMOVED,
                kind="person",
                subject=person,
                before=", ".join(gone),
                note=note_of("person", "", Verb.REMOVED),
            )


def _duties(estate: Estate) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in estate.assignments():
        where = "/".join(filter(None, (item.unit, item.team))) or "the organization"
        found.setdefault(item.person, set()).add(f"{item.persona.value} of {where}")
    return found
