"""Check the data against its contract and split it; repair nothing (DAT-03).

A row's content decides its part, so that it stays there when more data comes, and equal rows
never stand on both sides of the split.
"""

import argparse
import hashlib
from pathlib import Path
from typing import Any

import contract
import job


def unmet_expectations(rows: list[job.Row], given: dict[str, Any]) -> list[str]:
    """Return what is wrong with the table as a whole."""
    expected, model = given["contract"], given["model"]
    problems = []
    if len(rows) < expected["rows"]["min"]:
        problems.append(f"got {len(rows)} rows; expected at least {expected['rows']['min']}")
        return problems
    share = sum(row[model["target"]] == model["positive_class"] for row in rows) / len(rows)
    low, high = expected["target_share"]["min"], expected["target_share"]["max"]
    if not low <= share <= high:
        problems.append(f"share of {model['positive_class']} is {share:.3f}; expected {low}-{high}")
    duplicates = len(rows) - len({tuple(row.values()) for row in rows})
    if duplicates / len(rows) > expected["max_duplicate_share"]:
        problems.append(f"{duplicates} rows repeat another one")
    return problems


def part(row: job.Row, split: dict[str, Any]) -> str:
    """Return the part that a row belongs to."""
    text = f"{split['seed']}|" + "|".join(row.values())
    place = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
    *before, last = split["parts"]
    end = 0.0
    for item in before:
        end += item["share"]
        if place < end:
            return str(item["name"])
    return str(last["name"])


def main() -> None:
    """Check and split."""
    root = job.base() / "processing"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=root / "input" / "data")
    parser.add_argument("--output", type=Path, default=root / "output")
    args = parser.parse_args()
    given = job.settings()
    rows = job.read_table(args.data)
    contract.require(
        contract.violations(rows, given["contract"]) or unmet_expectations(rows, given)
    )
    model = given["model"]
    split = {
        item["name"]: [row for row in rows if part(row, model["split"]) == item["name"]]
        for item in model["split"]["parts"]
    }
    names = [column["name"] for column in given["contract"]["columns"]]
    for name, chosen in split.items():
        job.write_table(args.output / name / f"{name}.csv", names, chosen)
    report = {
        "rows": {name: len(chosen) for name, chosen in split.items()},
        "positive_share": {
            name: sum(row[model["target"]] == model["positive_class"] for row in chosen)
            / max(1, len(chosen))
            for name, chosen in split.items()
        },
        "missing": {name: sum(row[name] == "" for row in rows) for name in names},
        "contract": "met",
    }
    job.write_json(args.output / "report" / "data_report.json", report)
    print(f"{len(rows)} rows meet the contract; split {report['rows']}")


if __name__ == "__main__":
    job.run(main)
