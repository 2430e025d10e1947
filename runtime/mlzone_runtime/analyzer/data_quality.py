"""The monitor of data quality: what moved in the requests and answers, and what it did."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mlzone_runtime.analyzer import segment
from mlzone_runtime.analyzer.attribution import MOST_RECORDS, Attribution, attribute, evenly
from mlzone_runtime.analyzer.baseline import CONSTRAINTS, SAMPLE, STATISTICS
from mlzone_runtime.analyzer.cause import diagnose
from mlzone_runtime.analyzer.comparison import compare
from mlzone_runtime.analyzer.constraints import suggest_constraints, violations
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.explanation import Analysis, differs, explain
from mlzone_runtime.analyzer.intake import Intake
from mlzone_runtime.analyzer.job import Job, document
from mlzone_runtime.analyzer.model import ARCHIVE, WatchedModel, read_schema
from mlzone_runtime.analyzer.plain import read_training
from mlzone_runtime.analyzer.repetition import Repetition
from mlzone_runtime.analyzer.report import render
from mlzone_runtime.analyzer.result import Result
from mlzone_runtime.analyzer.settings import PREDICTION, Settings
from mlzone_runtime.analyzer.statistics import (
    NumberSummary,
    Summary,
    parse_statistics,
    render_statistics,
    summarise,
)
from mlzone_runtime.analyzer.table import NumberColumn, Table
from mlzone_runtime.analyzer.window import read_window
from mlzone_runtime.tabular_schema import Feature


def monitor(job: Job, settings: Settings) -> Result:
    """Compare the requests and answers of a window with the baseline.

    Raises:
        AnalysisError: A file of the baseline is not what it must be.
    """
    statistics = document(job.statistics)
    baseline = parse_statistics(statistics)
    intake = read_window(job, _features(job, baseline))
    analysis, current = _analyse(job, settings, intake, baseline)
    enough = analysis.outcome not in {"no_records", "too_few_records"}
    found = (
        violations(analysis.comparisons, intake.missing_columns, intake.faults.extra)
        if enough
        else []
    )
    repeated = Repetition.count(intake.table) if intake.table.whole else None
    if enough and repeated:
        told = repeated.explain(Repetition.parse(statistics), settings.significance)
        analysis = replace(analysis, repetition=told)
    explanation = explain(analysis, found)
    summaries = list(current.values())
    return Result(
        explanation=explanation,
        violations=found,
        left_out={**intake.faults.left_out, **_of_another_version(analysis)},
        files={
            STATISTICS: render_statistics(summaries, intake.table.rows, repeated),
            CONSTRAINTS: suggest_constraints(summaries, settings),
        },
        page=render(explanation, analysis.comparisons),
        analysed=bool(intake.table.rows),
    )


def _of_another_version(analysis: Analysis) -> dict[str, int]:
    """Count the sampled answers that another version than the baseline's gave."""
    if not analysis.differing_answers:
        return {}
    sampled = min(analysis.intake.table.rows, MOST_RECORDS)
    return {"answers_of_another_version": round(analysis.differing_answers * sampled)}


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
