"""The analyzer's command line.

`baseline` makes a baseline folder. Without arguments it monitors, with its settings in the
environment as Model Monitor sets them.

Exit codes: 0 the analysis was made, whatever it found; 1 there was no record to analyse, which the
outputs say too; 2 a setting or an input file is not what it must be.
"""

import argparse
import os
import sys
from pathlib import Path

from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.tuning import tune


def main(arguments: list[str] | None = None) -> int:
    """Run the analyzer; return the exit code."""
    tune()
    options = _parser().parse_args(arguments)
    try:
        return _baseline(options) if options.command == "baseline" else _monitor()
    except AnalysisError as error:
        sys.stderr.write(f"analyzer: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlzone_runtime.analyzer", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    baseline = commands.add_parser("baseline", help="make a baseline folder")
    baseline.add_argument("--dataset", type=Path, required=True, help="folder of CSV files")
    baseline.add_argument("--model", type=Path, required=True, help="folder with model.tar.gz")
    baseline.add_argument("--output", type=Path, required=True, help="folder to write")
    baseline.add_argument(
        "--evaluation", type=Path, help="folder of held-out CSV files, with outcomes and groups"
    )
    baseline.add_argument(
        "--answers",
        default="",
        help="column of the held-out records with answers that were given without knowing the "
        "outcome, as in a back-test; the model is asked unless given",
    )
    baseline.add_argument(
        "--groups", type=Path, help="JSON file with the groups to compare, as 'facets'"
    )
    defaults = Settings()
    baseline.add_argument("--max-psi", type=float, default=defaults.max_psi)
    baseline.add_argument("--min-records", type=int, default=defaults.min_records)
    return parser


def _baseline(options: argparse.Namespace) -> int:
    from mlzone_runtime.analyzer.baseline import make_baseline  # noqa: PLC0415 - start quickly

    settings = Settings(max_psi=options.max_psi, min_records=options.min_records)
    more = None
    if options.evaluation:
        from mlzone_runtime.analyzer.outcome_baseline import OutcomeBaseline  # noqa: PLC0415

        more = OutcomeBaseline(options.evaluation, options.groups, settings, options.answers)
    made = make_baseline(options.dataset, options.model, options.output, settings, more=more)
    sys.stdout.write(f"baseline of {made.rows} records; manifest sha256 {made.manifest_sha256}\n")
    return 0


def _monitor() -> int:
    from mlzone_runtime.analyzer.monitor import run_monitor  # noqa: PLC0415 - start quickly

    return run_monitor(os.environ)


if __name__ == "__main__":
    sys.exit(main())
