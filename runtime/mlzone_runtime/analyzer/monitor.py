"""A run of the monitor: reads its settings from the environment, analyses, writes all outputs."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from mlzone_runtime.analyzer import segment
from mlzone_runtime.analyzer.attribution import Attribution, attribute, evenly
from mlzone_runtime.analyzer.baseline import (
    CONSTRAINTS,
    SAMPLE,
    STATISTICS,
    write_json,
)
from mlzone_runtime.analyzer.capture import Window, read_capture
from mlzone_runtime.analyzer.cause import diagnose
from mlzone_runtime.analyzer.comparison import compare
from mlzone_runtime.analyzer.constraints import suggest_constraints, violations
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.explanation import Analysis, differs, explain
from mlzone_runtime.analyzer.intake import Intake
from mlzone_runtime.analyzer.model import ARCHIVE, WatchedModel, read_schema
from mlzone_runtime.analyzer.plain import read_csv, read_training
from mlzone_runtime.analyzer.report import render
from mlzone_runtime.analyzer.settings import PREDICTION, Settings
from mlzone_runtime.analyzer.statistics import (
    NumberSummary,
    Summary,
    parse_statistics,
    render_statistics,
    summarise,
)
from mlzone_runtime.analyzer.table import NumberColumn, Table
from mlzone_runtime.tabular_schema import Feature

VIOLATIONS = "constraint_violations.json"
EXPLANATION = "explanation.json"
REPORT = "report.html"
DATA_QUALITY = "data-quality"

_CAPTURE: dict[str, Any] = {"sagemakerCaptureJson": {}}


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the environment tells, by the names that Model Monitor gives.

    Attributes:
        source: Folder of the window's data.
        data_format: What `dataset_format` says.
        output: Folder to write.
        baseline: Folder of the baseline.
        window: The time to look at.
        about: What reports say of the run.
        message: File for the job's exit message.
    """

    source: Path
    data_format: Mapping[str, Any]
    output: Path
    baseline: Path
    statistics: Path
    constraints: Path
    window: Window
    about: Mapping[str, str]
    message: Path

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises:
            AnalysisError: A variable is missing or is not what it must be.
        """
        statistics = _file(_required(environment, "baseline_statistics"), STATISTICS)
        constraints = _file(_required(environment, "baseline_constraints"), CONSTRAINTS)
        about = {
            "endpoint": environment.get("sagemaker_endpoint_name", ""),
            "schedule": environment.get("sagemaker_monitoring_schedule_name", ""),
            "release": environment.get("MLZONE_RELEASE", ""),
            "start_time": environment.get("start_time", ""),
            "end_time": environment.get("end_time", ""),
        }
        base = Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
        return cls(
            source=Path(_required(environment, "dataset_source")),
            data_format=_format(environment.get("dataset_format", "")),
            output=Path(_required(environment, "output_path")),
            baseline=statistics.parent,
            statistics=statistics,
            constraints=constraints,
            window=Window(
                start=_time(environment, "start_time"), end=_time(environment, "end_time")
            ),
            about=about,
            message=base / "output" / "message",
        )


def run_monitor(environment: Mapping[str, str]) -> int:
    """Analyse a window and write all outputs.

    Returns:
        The process's exit code: 0 if there was something to analyse, 1 if there was not.

    Raises:
        AnalysisError: A setting or a file of the baseline is not what it must be.
    """
    kind = environment.get("MLZONE_MONITOR", DATA_QUALITY)
    if kind != DATA_QUALITY:
        raise AnalysisError(f"MLZONE_MONITOR is {kind!r}; this analyzer knows {DATA_QUALITY} alone")
    job = Job.parse(environment)
    baseline = parse_statistics(_document(job.statistics))
    settings = Settings.from_constraints(_document(job.constraints)).overridden(environment)
    features = _features(job, baseline)
    intake = _read(job, features)
    analysis, current = _analyse(job, settings, intake, baseline)
    enough = analysis.outcome not in {"no_records", "too_few_records"}
    found = (
        violations(analysis.comparisons, intake.missing_columns, intake.faults.extra)
        if enough
        else []
    )
    explanation = explain(analysis, found)
    _write(job, settings, list(current.values()), explanation, found, analysis)
    message = (
        f"CompletedWithViolations: Job completed successfully with {len(found)} violations."
        if found
        else "Completed: Job completed successfully with no violations."
    )
    if not intake.table.rows:
        message = f"Failed: {explanation['sentences'][0]}"
    _leave_message(job.message, message)
    sys.stdout.write("".join(f"{line}\n" for line in (*explanation["sentences"], message)))
    return 0 if intake.table.rows else 1


def _analyse(
    job: Job, settings: Settings, intake: Intake, baseline: Mapping[str, Summary]
) -> tuple[Analysis, dict[str, Summary]]:
    table = with_predictions(intake)
    current = {summary.name: summary for summary in summarise(table, baseline)}
    analysis = Analysis(monitor=job.about, settings=settings, intake=intake)
    if analysis.outcome in {"no_records", "too_few_records"}:
        reason = "there were too few records to analyse"
        return replace(analysis, no_attribution=reason), current
    comparisons = compare(baseline, table, current, settings)
    inputs = [item for item in comparisons if item.feature.name != PREDICTION]
    diagnoses = diagnose(inputs, table, intake.missing_columns)
    analysis = replace(analysis, comparisons=comparisons, diagnoses=diagnoses)
    if analysis.outcome == "no_drift":
        return replace(analysis, no_attribution="nothing moved"), current
    try:
        sample = _sample(job, intake.table.features)
        thinned = intake.table.select(evenly(intake.table.rows, segment.MOST_RECORDS))
        segments = segment.find_segments(diagnoses, sample, thinned, settings.significance)
        analysis = replace(analysis, segments=segments)
        attribution, differing = _attribute(job, intake, sample)
    except AnalysisError as error:
        return replace(analysis, no_attribution=str(error)), current
    return replace(analysis, attribution=attribution, differing_answers=differing), current


def _sample(job: Job, features: tuple[Feature, ...]) -> Table:
    if not (job.baseline / SAMPLE).is_file():
        raise AnalysisError(f"the baseline has no {SAMPLE}")
    return read_training(job.baseline / SAMPLE, features)


def _attribute(job: Job, intake: Intake, sample: Table) -> tuple[Attribution, float | None]:
    if not (job.baseline / ARCHIVE).is_file():
        raise AnalysisError(f"the baseline has no {ARCHIVE}")
    model = WatchedModel.load(job.baseline / ARCHIVE)
    rows = evenly(intake.table.rows)
    thinned = intake.table.select(rows)
    differing = differs(intake.predictions[rows], model.probabilities(thinned))
    return attribute(model, sample, thinned), differing


def with_predictions(intake: Intake) -> Table:
    """Return the table with the captured answers as one more column, if there are any."""
    table = intake.table
    if np.isnan(intake.predictions).all():
        return table
    feature = Feature(name=PREDICTION, kind="number", title="prediction")
    return Table(
        features=(*table.features, feature),
        columns={**table.columns, PREDICTION: NumberColumn(numbers=intake.predictions)},
        rows=table.rows,
    )


def _features(job: Job, baseline: Mapping[str, Summary]) -> tuple[Feature, ...]:
    """Return the model's inputs: as its schema says, else as the statistics do."""
    archive = job.baseline / ARCHIVE
    if archive.is_file():
        features = read_schema(archive).features
    else:
        features = tuple(
            Feature(name=name, kind="number" if isinstance(item, NumberSummary) else "category")
            for name, item in baseline.items()
            if name != PREDICTION
        )
    absent = [feature.name for feature in features if feature.name not in baseline]
    if absent or not features:
        raise AnalysisError(f"{job.statistics}: no statistics of {', '.join(absent) or 'features'}")
    return features


def _read(job: Job, features: tuple[Feature, ...]) -> Intake:
    match job.data_format:
        case {"sagemakerCaptureJson": _}:
            return read_capture(job.source, features, job.window)
        case {"csv": {**options}}:
            header = str(options.get("header", "true")).lower() == "true"
            return read_csv(job.source, features, header=header)
    raise AnalysisError(
        f"dataset_format {json.dumps(job.data_format)} is not supported; expected "
        "sagemakerCaptureJson or csv"
    )


def _write(
    job: Job,
    settings: Settings,
    summaries: list[Summary],
    explanation: dict[str, Any],
    found: list[dict[str, str]],
    analysis: Analysis,
) -> None:
    job.output.mkdir(parents=True, exist_ok=True)
    rows = analysis.intake.table.rows
    write_json(job.output / STATISTICS, render_statistics(summaries, rows))
    write_json(job.output / CONSTRAINTS, suggest_constraints(summaries, settings))
    write_json(job.output / VIOLATIONS, {"violations": found})
    write_json(job.output / EXPLANATION, explanation)
    page = render(explanation, analysis.comparisons)
    (job.output / REPORT).write_text(page, encoding="utf-8")


def _leave_message(file: Path, message: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(message, encoding="utf-8")


def _required(environment: Mapping[str, str], name: str) -> str:
    if not (value := environment.get(name)):
        raise AnalysisError(f"the environment variable {name} is not set")
    return value


def _file(place: str, name: str) -> Path:
    """Return a file of the baseline, given itself or its folder."""
    path = Path(place)
    file = path / name if path.is_dir() else path
    if not file.is_file():
        raise AnalysisError(f"no such file: {file}")
    return file


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AnalysisError(f"{file} is no JSON: {error}") from error
    if not isinstance(document, dict) or "features" not in document:
        raise AnalysisError(f"{file}: expected an object with the key 'features'")
    return document


def _format(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text) if text else _CAPTURE
    except ValueError as error:
        raise AnalysisError(f"dataset_format is no JSON: {text!r}") from error
    if not isinstance(document, dict):
        raise AnalysisError(f"dataset_format is {text!r}; expected an object")
    return document


def _time(environment: Mapping[str, str], name: str) -> datetime | None:
    if not (text := environment.get(name)):
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", ""))
    except ValueError as error:
        raise AnalysisError(f"{name} is {text!r}; expected a time in ISO 8601") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
