"""Places the people of a directory's export into teams, by rules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from mlzone.estate import Estate, team_members
from mlzone.estate.base import Name, PersonId, Record, Text

TeamPersona = Literal["data-scientist", "lead-data-scientist", "ml-engineer", "data-engineer"]
_PERSON: TypeAdapter[str] = TypeAdapter(PersonId)


class Placement(Record):
    """Where the people of a group of the directory belong."""

    group: Text
    """The group's name; `*` matches any part of it."""
    unit: Name
    """The business unit."""
    team: Name
    """The team."""
    persona: TeamPersona
    """What they are there."""


class PlacementRules(Record):
    """How a directory's groups become members of teams; the first rule that matches decides."""

    person: Text = "person"
    """The export's column with people's ids."""
    groups: Text = "groups"
    """The export's column with the groups of a person."""
    separator: Annotated[str, Field(min_length=1, max_length=3)] = ";"
    """What stands between groups."""
    rules: tuple[Placement, ...] = Field(min_length=1)
    """The rules, the most important first."""


@dataclass(frozen=True, kw_only=True, order=True)
class Joining:
    """A person who joins a team."""

    unit: str
    team: str
    persona: str
    person: str


@dataclass(frozen=True, kw_only=True, order=True)
class Unplaced:
    """A person who could not be placed, and why."""

    person: str
    line: int
    """The line of the export."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Migration:
    """What an export changes in an estate."""

    joining: tuple[Joining, ...]
    already: int
    """People who are in the team already."""
    unplaced: tuple[Unplaced, ...]


def place(rules: PlacementRules, rows: Iterable[Mapping[str, str]], estate: Estate) -> Migration:
    """Place every person of an export; nobody leaves a team by it."""
    members = {
        (unit.name, team.name): {person: persona.value for persona, person in team_members(team)}
        for unit in estate.units
        for team in unit.teams
    }
    joining: dict[tuple[str, str, str], Joining] = {}
    unplaced: list[Unplaced] = []
    already = 0
    # The first line of the export is the heading.
    for line, row in enumerate(rows, start=2):
        person = (row.get(rules.person) or "").strip().lower()
        reason = _unfit(person)
        found = list(_matching(rules, row)) if not reason else []
        if not reason and not found:
            reason = "no rule matches any of their groups"
        for rule in found:
            key = (rule.unit, rule.team)
            if key not in members:
                reason = f"there is no team {rule.unit}/{rule.team} in the estate"
            elif person in members[key]:
                already += 1
            elif (*key, person) not in joining:
                joining[*key, person] = Joining(
                    unit=rule.unit, team=rule.team, persona=rule.persona, person=person
                )
        if reason:
            unplaced.append(Unplaced(person=person or "(empty)", line=line, reason=reason))
    return Migration(
        joining=tuple(sorted(joining.values())), already=already, unplaced=tuple(sorted(unplaced))
    )


def _unfit(person: str) -> str:
    try:
        _PERSON.validate_python(person)
    except ValidationError:
        return "the id is no user name: use lower case, digits, dots and hyphens"
    return ""


def _matching(rules: PlacementRules, row: Mapping[str, str]) -> Iterator[Placement]:
    """Yield the rules that apply, one a team."""
    groups = [group.strip() for group in (row.get(rules.groups) or "").split(rules.separator)]
    teams: set[tuple[str, str]] = set()
    for rule in rules.rules:
        if (rule.unit, rule.team) not in teams and any(
            fnmatchcase(group, rule.group) for group in groups
        ):
            teams.add((rule.unit, rule.team))
            yield rule
