"""Judges answers that are numbers, such as forecasts, by what became true.

Errors are held against the baseline's in parts of them. The mean error says whether answers are too
high or too low. R2 is told and not judged: it falls where outcomes spread less, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlzone_runtime.analyzer import model_segment
from mlzone_runtime.analyzer.cases import Cases
from mlzone_runtime.analyzer.evaluation import Evaluation
from mlzone_runtime.analyzer.expected_error import ExpectedError
from mlzone_runtime.analyzer.job import Job
from mlzone_runtime.analyzer.loss import (
    Loss,
    Verdict,
    findings,
    interval,
    render,
    violated,
    violation,
)
from mlzone_runtime.analyzer.number_measure import (
    MAE,
    MEAN_ERROR,
    RMSE,
    Answered,
    difference_by_chance,
    measures,
    rise_by_chance,
    statistics,
)
from mlzone_runtime.analyzer.quality import Measure
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.significance import holm, normal_rise
from mlzone_runtime.analyzer.statistics import VERSION
from mlzone_runtime.analyzer.table import FloatArray, Table
from mlzone_runtime.tabular_schema import Schema

LIMIT = "max_error_rise"
"""The setting that says which losses count."""
LEAST_CASES = 10
"""Fewer different cases allow no judgement, however often each was asked about."""

_ALMOST_NONE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the outcomes of a window say.

    Attributes:
        losses: The judged metrics.
        baseline: All metrics of the held-out records.
        current: All metrics of the window.
        expected: The mean absolute error that the baseline leads to expect of these answers.
        concept: The relation of answers and outcomes itself changed.
        excesses: Of each record, the size of its error and the error, less what was expected.
        segment: Where that change is, if it is in one segment only.
    """

    losses: tuple[Loss, ...]
    baseline: Mapping[str, Measure]
    current: Mapping[str, Measure]
    expected: Measure
    concept: bool
    excesses: tuple[FloatArray, FloatArray]
    segment: Mapping[str, Any] | None = None


def enough(cases: Cases, schema: Schema) -> bool:
    """Tell whether there are enough different cases to judge."""
    return answered(cases, schema).cases[1] >= LEAST_CASES


def answered(cases: Cases, schema: Schema) -> Answered:
    """Return the window's answers whose outcome is known."""
    usable = cases.usable
    same = no_change(cases.intake.table, schema)
    return Answered(
        outcomes=cases.outcomes[usable],
        answers=cases.intake.predictions[usable],
        no_change=None if same is None or np.isnan(same[usable]).any() else same[usable],
    )


def no_change(table: Table, schema: Schema) -> FloatArray | None:
    """Return what a forecast of no change would be of each record, if the model says how."""
    if schema.no_change is None:
        return None
    feature, factor = schema.no_change
    return table.number(feature).numbers * factor


def held_out(evaluation: Evaluation, schema: Schema) -> Answered:
    """Return the baseline's answers; those of a back-test are in the order of time."""
    return Answered(
        outcomes=evaluation.outcomes,
        answers=evaluation.probabilities,
        no_change=evaluation.no_change,
        horizon=schema.horizon,
    )


def verdict(
    job: Job,
    settings: Settings,
    schema: Schema,
    evaluation: Evaluation,
    cases: Cases,
    *,
    judged: bool,
) -> Verdict:
    """Return what is to be told of the answers of a window.

    Args:
        job: What runs.
        settings: From when a loss counts.
        schema: What the model answers.
        evaluation: The baseline's held-out records.
        cases: The window's requests, with their outcomes.
        judged: Whether there are enough of them to judge.
    """
    before, answers = held_out(evaluation, schema), cases.intake.predictions
    found = None
    if judged:
        found = judge(before, answered(cases, schema), settings)
        if found.concept:
            segment = model_segment.of_errors(job, cases, found.excesses, settings.significance)
            found = replace(found, segment=segment)
    current = found.current if found else {}
    return Verdict(
        losses=found.losses if found else (),
        limit=settings.max_error_rise,
        performance=_performance(found, before, answers[~np.isnan(answers)]),
        findings=_findings(found),
        violations=_violations(found, settings),
        statistics=published(int(cases.usable.sum()), current, job.about),
        constraints=constraints(current, settings),
    )


def published(
    records: int, found: Mapping[str, Measure], about: Mapping[str, str]
) -> dict[str, Any]:
    """Return `statistics.json` in the published schema of model quality."""
    dataset: dict[str, Any] = {"item_count": records}
    dataset |= {name: about[name] for name in ("start_time", "end_time") if about.get(name)}
    return {"version": VERSION, "dataset": dataset, "regression_metrics": statistics(found)}


def constraints(found: Mapping[str, Measure], settings: Settings) -> dict[str, Any]:
    """Return `constraints.json` in the published schema: what these metrics allow later ones."""
    allowed = {
        name: {
            "threshold": found[name].value * (1 + settings.max_error_rise),
            "comparison_operator": "GreaterThanThreshold",
        }
        for name in (MAE, RMSE)
        if name in found
    }
    return {"version": VERSION, "regression_constraints": allowed}


def judge(before: Answered, known: Answered, settings: Settings) -> Judgement:
    """Judge answers by what became true.

    Args:
        before: The baseline's held-out answers.
        known: The window's.
        settings: From when a loss counts.
    """
    then, now = measures(before), measures(known)
    size = max(then[MAE].value, _ALMOST_NONE)
    pairs = [
        (name, now[name].value / max(then[name].value, _ALMOST_NONE) - 1, rise_by_chance)
        for name in (MAE, RMSE)
    ]
    gap = abs(now[MEAN_ERROR].value - then[MEAN_ERROR].value) / size
    pairs.append((MEAN_ERROR, gap, difference_by_chance))
    adjusted = holm([chance(then[name], now[name]) for name, _, chance in pairs])
    losses = tuple(
        Loss(
            metric=name,
            baseline=then[name],
            current=now[name],
            loss=loss,
            p_adjusted=chance,
            holds=loss >= settings.max_error_rise and chance < settings.significance,
        )
        for (name, loss, _), chance in zip(pairs, adjusted, strict=True)
    )
    sizes = ExpectedError.fit(before.answers, np.abs(before.errors))
    squares = ExpectedError.fit(before.answers, before.errors**2)
    signed = ExpectedError.fit(before.answers, before.errors)
    least = 1 + settings.max_error_rise
    beyond = {
        MAE: _beyond(now[MAE], sizes.mean(known.answers), least, settings),
        RMSE: _beyond(now["mse"], squares.mean(known.answers), least**2, settings),
        MEAN_ERROR: True,
    }
    return Judgement(
        losses=losses,
        baseline=then,
        current=now,
        expected=sizes.mean(known.answers),
        concept=any(item.holds and beyond[item.metric] for item in losses),
        excesses=(
            np.abs(known.errors) - sizes.apply(known.answers),
            known.errors - signed.apply(known.answers),
        ),
    )


def _beyond(now: Measure, expected: Measure, least: float, settings: Settings) -> bool:
    """Tell whether errors are larger than the baseline leads to expect of these answers."""
    error = float(np.hypot(now.error, expected.error))
    by_chance = normal_rise(now.value - expected.value, error)
    return now.value >= least * expected.value and by_chance < settings.significance


def _performance(judged: Judgement | None, before: Answered, answers: FloatArray) -> dict[str, Any]:
    sizes = ExpectedError.fit(before.answers, np.abs(before.errors))
    estimate = None
    if len(answers):
        estimate = {
            "estimate": True,
            "method": "errors of the held-out records, by what was answered",
            "records": len(answers),
            MAE: interval(sizes.to_come(answers)),
        }
    performance: dict[str, Any] = {
        "baseline": {name: interval(item) for name, item in measures(before).items()},
        "estimated": estimate,
        "metrics": [],
        "decomposition": None,
    }
    if judged is None:
        return performance
    performance["metrics"] = render(judged.losses)
    performance["told"] = {
        name: interval(item)
        for name, item in judged.current.items()
        if name not in {MAE, RMSE, MEAN_ERROR}
    }
    then, now, expected = judged.baseline[MAE], judged.current[MAE], judged.expected
    performance["decomposition"] = {
        "quantity": "mean absolute error",
        "baseline": then.value,
        "expected": expected.value,
        "current": now.value,
        "population": expected.value - then.value,
        "concept": now.value - expected.value,
        "concept_drift": judged.concept,
    }
    return performance


def _findings(judged: Judgement | None) -> list[dict[str, Any]]:
    if judged is None:
        return []
    evidence = {
        "population": judged.expected.value - judged.baseline[MAE].value,
        "concept": judged.current[MAE].value - judged.expected.value,
        "mean_error": judged.current[MEAN_ERROR].value,
    }
    return findings(judged.losses, evidence, concept=judged.concept, segment=judged.segment)


def _violations(judged: Judgement | None, settings: Settings) -> list[dict[str, str]]:
    found = []
    for item in violated(judged.losses) if judged else []:
        threshold = item.baseline.value * (1 + settings.max_error_rise)
        less = True
        if judged and item.metric == MEAN_ERROR:
            reach = settings.max_error_rise * judged.baseline[MAE].value
            less = item.current.value > item.baseline.value
            threshold = item.baseline.value + (reach if less else -reach)
        found.append(violation(item, threshold, less_is_better=less))
    return found
