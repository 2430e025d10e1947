"""Check the data against its contract and split it; repair nothing (DAT-03).

A row's content decides its part, so that it stays there when more data comes, and equal rows
never stand on both sides of the split.
"""

import argparse
import hashlib
import math
from pathlib import Path
from typing import Any

import job

_SHOWN = 20
PARTS = ("train", "validation", "test")


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


def unmet_expectations(rows: list[job.Row], given: dict[str, Any]) -> list[str]:
    """Return what is wrong with the table as a whole."""
    contract, model = given["contract"], given["model"]
    problems = []
    if len(rows) < contract["rows"]["min"]:
        problems.append(f"got {len(rows)} rows; expected at least {contract['rows']['min']}")
        return problems
    share = sum(row[model["target"]] == model["positive_class"] for row in rows) / len(rows)
    low, high = contract["target_share"]["min"], contract["target_share"]["max"]
    if not low <= share <= high:
        problems.append(f"share of {model['positive_class']} is {share:.3f}; expected {low}-{high}")
    duplicates = len(rows) - len({tuple(row.values()) for row in rows})
    if duplicates / len(rows) > contract["max_duplicate_share"]:
        problems.append(f"{duplicates} rows repeat another one")
    return problems


def part(row: job.Row, split: dict[str, Any]) -> str:
    """Return the part that a row belongs to."""
    text = f"{split['seed']}|" + "|".join(row.values())
    place = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
    if place < split["train"]:
        return "train"
    return "validation" if place < split["train"] + split["validation"] else "test"


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


def main() -> None:
    """Check and split."""
    root = job.base() / "processing"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=root / "input" / "data")
    parser.add_argument("--output", type=Path, default=root / "output")
    args = parser.parse_args()
    given = job.settings()
    rows = job.read_table(args.data)
    problems = violations(rows, given["contract"]) or unmet_expectations(rows, given)
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" * (len(problems) > _SHOWN)
        raise job.StepError("the data breaks its contract: " + "; ".join(problems[:_SHOWN]) + more)
    model = given["model"]
    parts = {name: [row for row in rows if part(row, model["split"]) == name] for name in PARTS}
    names = [column["name"] for column in given["contract"]["columns"]]
    for name in PARTS:
        job.write_table(args.output / name / f"{name}.csv", names, parts[name])
    report = {
        "rows": {name: len(parts[name]) for name in PARTS},
        "positive_share": {
            name: sum(row[model["target"]] == model["positive_class"] for row in parts[name])
            / max(1, len(parts[name]))
            for name in PARTS
        },
        "missing": {name: sum(row[name] == "" for row in rows) for name in names},
        "contract": "met",
    }
    job.write_json(args.output / "report" / "data_report.json", report)
    print(f"{len(rows)} rows meet the contract; split {report['rows']}")


if __name__ == "__main__":
    job.run(main)
