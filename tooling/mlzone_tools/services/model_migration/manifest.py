"""The manifest: a CSV file with one model a row."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlzone.errors import ConfigError
from mlzone.estate import Estate, team_members

COLUMNS = (
    "model",
    "person",
    "artifact",
    "data",
    "target",
    "positive_class",
    "threshold",
    "trained_by",
    "features",
)
"""What a manifest has; `features` may be empty."""
TEMPLATE = "register-only"
_LEAST_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model to bring in."""

    line: int
    model: str
    """`unit/model`, as the estate declares it."""
    person: str
    """Who submits it: a member of the model's team."""
    artifact: Path
    data: Path
    """Records with their outcome, which its training did not see."""
    target: str
    positive_class: str
    threshold: float
    trained_by: str
    features: tuple[dict[str, Any], ...]
    """The model's input in order; empty where the booster names them and all are numbers."""
    problem: str = ""
    """Why it cannot be brought in, or an empty text."""


def read(file: Path, estate: Estate) -> list[Row]:
    """Return the rows of a manifest; what is wrong with one is said in it.

    Args:
        file: the manifest; its paths are relative to its folder.
        estate: declares the models.

    Raises:
        ConfigError: it is no CSV file with these columns.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            listed = list(reader)
            heading = reader.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file} is no CSV file in UTF-8: {error}") from error
    if missing := [name for name in COLUMNS if name not in heading]:
        raise ConfigError(
            f"{file} has no column {', '.join(missing)}", hint=f"columns: {', '.join(COLUMNS)}"
        )
    rows = [_row(number, item, file.parent, estate) for number, item in enumerate(listed, start=2)]
    return list(_once(rows))


def _once(rows: list[Row]) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for row in rows:
        first = seen.setdefault(row.model, row.line)
        again = f"line {first} brings the same model" if first != row.line else ""
        yield Row(**{**vars(row), "problem": row.problem or again})


def _row(line: int, item: dict[str, str], folder: Path, estate: Estate) -> Row:
    problems = []
    name = item["model"]
    try:
        unit, team, model = estate.model(name)
        name = f"{unit.name}/{model.name}"
        if model.template != TEMPLATE:
            problems.append(f"the estate says template {model.template}; expected {TEMPLATE}")
        if item["person"] not in {person for _, person in team_members(team)}:
            problems.append(f"{item['person']} is not in team {team.name}")
    except ConfigError as error:
        problems.append(error.message)
    artifact, data = folder / item["artifact"], folder / item["data"]
    for what, place in (("artifact", artifact), ("data", data)):
        if not item[what] or not place.exists():
            problems.append(f"{what} {place} does not exist")
    features, problem = _features(folder, item["features"])
    problems += [problem] if problem else []
    try:
        threshold = float(item["threshold"])
    except ValueError:
        threshold = -1.0
    if not 0 < threshold < 1:
        problems.append(f"threshold {item['threshold']!r}; expected a number between 0 and 1")
    if not problems:
        problems += _data_problems(data, item["target"], item["positive_class"])
    return Row(
        line=line,
        model=name,
        person=item["person"],
        artifact=artifact,
        data=data,
        target=item["target"],
        positive_class=item["positive_class"],
        threshold=threshold,
        trained_by=item["trained_by"] or "unknown",
        features=features,
        problem="; ".join(problems),
    )


def _features(folder: Path, name: str) -> tuple[tuple[dict[str, Any], ...], str]:
    if not name:
        return (), ""
    try:
        listed = json.loads((folder / name).read_text(encoding="utf-8"))
        found = tuple(listed["features"] if isinstance(listed, dict) else listed)
    except (OSError, ValueError, KeyError) as error:
        return (), f"features {folder / name}: {error}"
    for item in found:
        if item.get("type") not in ("number", "category") or (
            item["type"] == "category" and not item.get("categories")
        ):
            return (), f"features {folder / name}: {item.get('name')} is no number or category"
    return found, ""


def _data_problems(data: Path, target: str, positive: str) -> Iterator[str]:
    with data.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    if len(rows) < _LEAST_ROWS:
        yield f"data {data} has {len(rows)} records; expected at least {_LEAST_ROWS}"
    elif target not in rows[0]:
        yield f"data {data} has no column {target}"
    elif len({row[target] for row in rows}) < 2:  # noqa: PLR2004 - two classes
        yield f"data {data}: all records have the same {target}"
    elif positive not in {row[target] for row in rows}:
        yield f"data {data}: no record has the {target} {positive}"
