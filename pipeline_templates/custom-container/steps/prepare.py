"""Check the data against their contract; repair nothing (DAT-03)."""

import argparse
from pathlib import Path

import contract
import job


def main() -> None:
    """Check and hand on."""
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
        contract.require([f"got {len(rows)} rows; expected at least {least}"])
    job.write_table(args.output / "examples" / "examples.csv", list(rows[0]), rows)
    report = {"rows": len(rows), "contract": "met"}
    job.write_json(args.output / "report" / "data_report.json", report)
    print(f"{len(rows)} rows meet the contract")


if __name__ == "__main__":
    job.run(main)
