"""Check the series against their contract and make examples of them; repair nothing (DAT-03)."""

import argparse
from pathlib import Path

import contract
import job
import series


def main() -> None:
    """Check and derive."""
    root = job.base() / "processing"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=root / "input" / "data")
    parser.add_argument("--output", type=Path, default=root / "output")
    args = parser.parse_args()
    given = job.settings()
    rows = job.read_table(args.data)
    contract.require(contract.violations(rows, given["contract"]))
    least = given["contract"]["rows"]["min"]
    if len(rows) < least:
        contract.require([f"got {len(rows)} periods; expected at least {least}"])
    contract.require(series.gaps(rows, given))
    made = series.examples(rows, given)
    known = [row for row in made if row[series.OUTCOME]]
    names = list(made[0])
    job.write_table(args.output / "examples" / "examples.csv", names, known)
    open_ = [row for row in made if not row[series.OUTCOME]]
    job.write_table(args.output / "latest" / "latest.csv", names, open_)
    report = {
        "periods": len(rows),
        "first": known[0]["period"],
        "last": made[-1]["period"],
        "examples": len(known),
        "not_known_yet": len(open_),
        "contract": "met",
    }
    job.write_json(args.output / "report" / "data_report.json", report)
    print(f"{len(rows)} periods meet the contract; {len(known)} examples")


if __name__ == "__main__":
    job.run(main)
