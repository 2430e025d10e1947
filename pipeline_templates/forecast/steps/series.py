"""From series to examples: what was known in a period, and what became of the target later.

A feature of a period looks at that period and those before, never at later ones.
"""

import itertools
import math
from typing import Any

import job

OUTCOME = "outcome"
"""The target so many periods later, as a share; empty where it is not known yet."""
PERCENT = 100


def gaps(rows: list[job.Row], given: dict[str, Any]) -> list[str]:
    """Return where a period does not follow the one before."""
    model = given["model"]
    numbers = [_number(row, model) for row in rows]
    return [
        f"row {index + 2} is {period(rows[index + 1], model)}, which does not follow "
        f"{period(rows[index], model)}"
        for index, (before, after) in enumerate(itertools.pairwise(numbers))
        if after != before + 1
    ]


def examples(rows: list[job.Row], given: dict[str, Any]) -> list[job.Row]:
    """Return one example a period, from the first whose features are all known.

    Args:
        rows: of the contract's columns, one a period, oldest first.
        given: the build's settings.
    """
    model = given["model"]
    first = max(_reach(feature) for feature in model["features"])
    target = [float(row[model["target"]]) for row in rows]
    made = []
    for place in range(first, len(rows)):
        later = place + model["horizon"]
        known = later < len(rows)
        made.append(
            {"period": period(rows[place], model)}
            | {f["name"]: _text(_value(rows, place, f)) for f in model["features"]}
            | {OUTCOME: _text(target[later] / PERCENT) if known else ""}
        )
    return made


def features(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the model's features as the artefact describes them."""
    return [
        {"name": feature["name"], "title": feature["title"], "type": "number"}
        for feature in given["model"]["features"]
    ]


def period(row: job.Row, model: dict[str, Any]) -> str:
    """Return how to call a row's period."""
    return "-".join(row[name] for name in model["period"])


def _number(row: job.Row, model: dict[str, Any]) -> int:
    year, part = (int(float(row[name])) for name in model["period"])
    return year * int(model["periods_per_year"]) + part


def _reach(feature: dict[str, Any]) -> int:
    return int(feature.get("change") or feature.get("growth") or 0)


def _value(rows: list[job.Row], place: int, feature: dict[str, Any]) -> float:
    now = float(rows[place][feature["of"]])
    if not _reach(feature):
        return now
    before = float(rows[place - _reach(feature)][feature["of"]])
    return now - before if "change" in feature else PERCENT * math.log(now / before)


def _text(value: float) -> str:
    return f"{value:.8g}"
