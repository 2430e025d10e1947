"""A run of a monitor: reads its settings from the environment, analyses, writes all outputs."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from mlzone_runtime.analyzer.baseline import write_json
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.job import DATA_QUALITY, Job, document
from mlzone_runtime.analyzer.result import Result
from mlzone_runtime.analyzer.settings import OWN_KEY, Settings

VIOLATIONS = "constraint_violations.json"
EXPLANATION = "explanation.json"
REPORT = "report.html"
NOT_ANALYSED = "not_analysed"
"""The outcome of a run whose settings or baseline were not what they must be."""

MONITORS = {
    DATA_QUALITY: "data_quality",
    "model-quality": "model_quality",
    "bias": "bias",
    "explainability": "explainability",
}
"""The kinds of monitor, and the modules that do their work; only the one that is needed loads."""


class _Monitor(Protocol):
    def monitor(self, job: Job, settings: Settings) -> Result: ...


def run_monitor(environment: Mapping[str, str]) -> int:
    """Analyse a window and write all outputs.

    Returns:
        The process's exit code: 0 if there was something to analyse, 1 if there was not.

    Raises:
        AnalysisError: A setting or a file of the baseline is not what it must be; the file of
            violations says so as well, where it can be written.
    """
    try:
        return _run(environment)
    except AnalysisError as error:
        if output := environment.get("output_path"):
            folder = Path(output)
            folder.mkdir(parents=True, exist_ok=True)
            own = {"outcome": NOT_ANALYSED, "reason": str(error)}
            write_json(folder / VIOLATIONS, {"violations": [], OWN_KEY: own})
        raise


def _run(environment: Mapping[str, str]) -> int:
    kind = environment.get("MLZONE_MONITOR", DATA_QUALITY)
    if kind not in MONITORS:
        known = ", ".join(MONITORS)
        raise AnalysisError(f"MLZONE_MONITOR is {kind!r}; expected one of {known}")
    job = Job.parse(environment)
    settings = Settings.from_constraints(document(job.constraints)).overridden(environment)
    module = importlib.import_module(f"mlzone_runtime.analyzer.{MONITORS[kind]}")
    result = cast("_Monitor", module).monitor(job, settings)
    _write(job.output, result)
    found = len(result.violations)
    message = (
        f"CompletedWithViolations: Job completed successfully with {found} violations."
        if found
        else "Completed: Job completed successfully with no violations."
    )
    sentences = result.explanation["sentences"]
    if not result.analysed:
        message = f"Failed: {sentences[0]}"
    _leave_message(job.message, message)
    sys.stdout.write("".join(f"{line}\n" for line in (*sentences, message)))
    return 0 if result.analysed else 1


def _write(folder: Path, result: Result) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in result.files.items():
        write_json(folder / name, content)
    write_json(folder / VIOLATIONS, _violations(result))
    write_json(folder / EXPLANATION, result.explanation)
    (folder / REPORT).write_text(result.page, encoding="utf-8")


def _violations(result: Result) -> dict[str, Any]:
    """Return the published document, with the outcome under the one key that is ours."""
    version = {} if result.version is None else {"version": result.version}
    own = {"outcome": result.explanation["outcome"], "left_out": dict(result.left_out)}
    return {**version, "violations": list(result.violations), OWN_KEY: own}


def _leave_message(file: Path, message: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(message, encoding="utf-8")
