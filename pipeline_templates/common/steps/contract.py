"""The data contract: the columns of a table and what their cells may hold (DAT-03)."""

import math
from typing import Any

import job

_SHOWN = 20


def require(problems: list[str]) -> None:
    """Stop the step if the data breaks its contract.

    Raises:
        job.StepError: there is a problem; the message names the first ones.
    """
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" * (len(problems) > _SHOWN)
        raise job.StepError("the data breaks its contract: " + "; ".join(problems[:_SHOWN]) + more)


def violations(rows: list[job.Row], contract: dict[str, Any]) -> list[str]:
    """Return what is wrong with the columns' values, one line a column and kind of violation."""
    columns = contract["columns"]
    expected = [column["name"] for column in columns]
    found = list(rows[0]) if rows else []
    problems = [f"column {name} is not there" for name in expected if name not in found]
    problems += [f"column {name} is not in the contract" for name in found if name not in expected]
    if problems:
        return problems
    for column in columns:
        name = column["name"]
        kinds: dict[str, list[str]] = {}
        for number, row in enumerate(rows, start=1):
            problem = _problem(row[name], column)
            if problem:
                kinds.setdefault(problem.partition(":")[0], []).append(f"{problem} in row {number}")
        problems += [
            f"{name} {found[0]}" + f" and {len(found) - 1} more" * (len(found) > 1)
            for found in kinds.values()
        ]
    return problems


def _problem(value: str, column: dict[str, Any]) -> str:
    if value == "":
        return "" if column.get("missing") else "is missing"
    if column["type"] == "category":
        return "" if value in column["values"] else f"has an unknown value: {value!r}"
    try:
        number = float(value)
    except ValueError:
        return f"is no number: {value!r}"
    if not math.isfinite(number) or (column["type"] == "integer" and number != int(number)):
        return f"is no {column['type']}: {value!r}"
    if not column.get("min", -math.inf) <= number <= column.get("max", math.inf):
        return f"is out of range: {value}"
    return ""
