"""Brings the people of a directory's export into the estate's files."""

import csv
import shutil
import tempfile
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlzone.directory import Joining, Migration, PlacementRules, place
from mlzone.errors import ConfigError
from mlzone.estate import Estate, Team, team_members
from mlzone.loading import EstateError, Problem, load_estate
from mlzone.loading.load import UNITS_FOLDER
from mlzone.loading.parse import parse
from mlzone.loading.shape import shape
from mlzone_tools.services import estate as estates

_WIDTH = 96


def migrate_users(location: Path, export: Path, rules_file: Path, *, write: bool) -> Migration:
    """Place the people of an export into teams, and write them into the units' files.

    All files are written or, if the estate would be invalid with them, none.

    Args:
        location: the estate's folder.
        export: a CSV file with a heading.
        rules_file: how groups become teams and personas.
        write: whether to write.

    Raises:
        ConfigError: rules or export cannot be read, or the estate would be invalid.
    """
    if not location.is_dir():
        raise ConfigError(f"{location} is no folder", hint="people are written into units' files")
    estate = estates.load(location)
    rules = _rules(rules_file)
    migration = place(rules, _rows(export, rules), estate)
    if write and migration.joining:
        _write(location, estate, migration.joining)
    return migration


def _rules(path: Path) -> PlacementRules:
    problems: list[Problem] = []
    document = parse(path, str(path))
    found = None if document.problems else shape(PlacementRules, document, (), problems)
    if found is None:
        listing = "\n".join(f"  {item}" for item in (*document.problems, *problems))
        raise ConfigError(f"the rules cannot be used:\n{listing}", hint="see docs/plan.md")
    return found


def _rows(export: Path, rules: PlacementRules) -> list[Mapping[str, str]]:
    try:
        with export.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows: list[Mapping[str, str]] = list(reader)
            heading = reader.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{export} is no CSV file in UTF-8: {error}") from error
    missing = [name for name in (rules.person, rules.groups) if name not in heading]
    if missing:
        raise ConfigError(
            f"{export} has no column {', '.join(missing)}; it has {', '.join(heading) or 'none'}",
            hint="name the columns in the rules: person, groups",
        )
    return rows


def _write(location: Path, estate: Estate, joining: Iterable[Joining]) -> None:
    by_unit: dict[str, list[Joining]] = {}
    for item in joining:
        by_unit.setdefault(item.unit, []).append(item)
    texts = {
        location / UNITS_FOLDER / f"{name}.yaml": _unit_text(location, estate, name, items)
        for name, items in by_unit.items()
    }
    with tempfile.TemporaryDirectory(prefix="mlzone-migrate-") as folder:
        copy = Path(shutil.copytree(location, Path(folder) / location.name))
        for path, text in texts.items():
            (copy / UNITS_FOLDER / path.name).write_text(text, encoding="utf-8")
        try:
            load_estate(copy)
        except EstateError as error:
            listing = "\n".join(f"  {item}" for item in error.problems)
            raise ConfigError(
                f"the estate would be invalid; nothing was written:\n{listing}",
                hint="mend the rules or the export",
            ) from error
    for path, text in texts.items():
        estates.write_text(path, text)


def _unit_text(location: Path, estate: Estate, name: str, joining: list[Joining]) -> str:
    """Return a unit's file with more members; all else stays as it was written."""
    path = location / UNITS_FOLDER / f"{name}.yaml"
    document = parse(path, str(path))
    lines = path.read_text(encoding="utf-8").splitlines()
    # From the end, so that the places of what comes before stay right.
    for index, team in reversed(list(enumerate(estate.unit(name).teams))):
        new = [item for item in joining if item.team == team.name]
        if not new:
            continue
        place_ = document.key_place(("teams", index, "members"))
        start, indent = place_.line - 1, place_.column - 1
        if lines[start][:indent].strip(" -"):
            raise ConfigError(
                f"{path}:{place_.line}: members share a line with another field",
                hint="give `members` a line of its own",
            )
        end = start + 1
        while end < len(lines) and (
            not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent
        ):
            end += 1
        lines[start:end] = [f"{lines[start][:indent]}members:", *_members(team, new, indent + 2)]
    return "\n".join(lines) + "\n"


def _members(team: Team, joining: list[Joining], indent: int) -> list[str]:
    people: dict[str, list[str]] = {}
    for persona, person in team_members(team):
        people.setdefault(persona.value, []).append(person)
    for item in joining:
        people.setdefault(item.persona, []).append(item.person)
    lines = []
    for name, persons in people.items():
        lines += textwrap.wrap(
            f"{name}: [{', '.join(persons)}]",
            width=_WIDTH,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
