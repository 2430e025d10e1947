"""Judges answers that are classes by what became true: confusion, ROC, calibration."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlzone_runtime.analyzer import model_segment
from mlzone_runtime.analyzer.calibration import Calibration, chance_of_error, expected
from mlzone_runtime.analyzer.cases import Cases
from mlzone_runtime.analyzer.evaluation import Evaluation
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
from mlzone_runtime.analyzer.quality import Measure, measures, share, statistics
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.significance import holm, normal_rise
from mlzone_runtime.analyzer.statistics import VERSION
from mlzone_runtime.analyzer.table import FloatArray
from mlzone_runtime.tabular_schema import Schema

JUDGED = ("accuracy", "precision", "recall", "true_negative_rate", "auc", "brier")
"""The metrics that a violation can be of."""
LESS_IS_BETTER = frozenset({"brier", "false_positive_rate", "false_negative_rate"})
CALIBRATION = "calibration_gap"
"""How far the rate of the positive class is from what the answers lead to expect."""
LIMIT = "max_quality_loss"
"""The setting that says which losses count."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the outcomes of a window say.

    Attributes:
        losses: The judged metrics.
        current: All metrics of the window.
        error: The error rate: of the baseline, as expected for the window, and as it was.
        rate: The rate of the positive class: as expected, and as it was.
        concept: The relation of answers and outcomes itself changed.
        excesses: Of each record, errors and outcomes less what was expected of it.
        segment: Where that change is, if it is in one segment only.
    """

    losses: tuple[Loss, ...]
    current: Mapping[str, Measure]
    error: tuple[Measure, Measure, Measure]
    rate: tuple[Measure, Measure]
    concept: bool
    excesses: tuple[FloatArray, FloatArray]
    segment: Mapping[str, Any] | None = None


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
        schema: What the model decides.
        evaluation: The baseline's held-out records.
        cases: The window's requests, with their outcomes.
        judged: Whether there are enough of them to judge.
    """
    calibration = Calibration.fit(evaluation.probabilities, evaluation.outcomes)
    usable, answers = cases.usable, cases.intake.predictions
    outcomes, said = cases.outcomes[usable], answers[usable]
    found = None
    if judged:
        found = judge(evaluation, calibration, (outcomes, said), schema.threshold, settings)
        if found.concept:
            segment = model_segment.of_errors(job, cases, found.excesses, settings.significance)
            found = replace(found, segment=segment)
    current = found.current if found else {}
    return Verdict(
        losses=found.losses if found else (),
        limit=settings.max_quality_loss,
        performance=_performance(
            found,
            _estimate(calibration, answers[~np.isnan(answers)], schema.threshold),
            measures(evaluation.outcomes, evaluation.probabilities, schema.threshold),
        ),
        findings=_findings(found),
        violations=_violations(found, settings),
        statistics=published(outcomes, said, schema.threshold, current, job.about),
        constraints=constraints(current, settings),
    )


def published(
    outcomes: FloatArray,
    answers: FloatArray,
    threshold: float,
    found: Mapping[str, Measure],
    about: Mapping[str, str],
) -> dict[str, Any]:
    """Return `statistics.json` in the published schema of model quality."""
    dataset: dict[str, Any] = {"item_count": len(outcomes)}
    dataset |= {name: about[name] for name in ("start_time", "end_time") if about.get(name)}
    metrics = statistics(outcomes, answers, threshold, found) if found else {}
    return {"version": VERSION, "dataset": dataset, "binary_classification_metrics": metrics}


def constraints(found: Mapping[str, Measure], settings: Settings) -> dict[str, Any]:
    """Return `constraints.json` in the published schema: what these metrics allow later ones."""
    allowed = {}
    for name in JUDGED:
        if name in found:
            less = name in LESS_IS_BETTER
            margin = settings.max_quality_loss
            allowed[name] = {
                "threshold": found[name].value + (margin if less else -margin),
                "comparison_operator": "GreaterThanThreshold" if less else "LessThanThreshold",
            }
    return {"version": VERSION, "binary_classification_constraints": allowed}


def judge(
    evaluation: Evaluation,
    calibration: Calibration,
    known: tuple[FloatArray, FloatArray],
    threshold: float,
    settings: Settings,
) -> Judgement:
    """Judge answers by what became true.

    Args:
        evaluation: The baseline's held-out records.
        calibration: What answers are worth, as these tell.
        known: Outcomes and answers of the window.
        threshold: From this probability on the decision is the positive one.
        settings: From when a loss counts.
    """
    outcomes, answers = known
    before = measures(evaluation.outcomes, evaluation.probabilities, threshold)
    now = measures(outcomes, answers, threshold)
    chances = calibration.apply(answers)
    errors = chance_of_error(chances, answers, threshold)
    wrong = ((answers >= threshold) != (outcomes == 1)).astype(np.float64)
    wrong_before = _complement(before["accuracy"])
    error = (wrong_before, expected(errors), share(float(wrong.sum()), len(wrong)))
    rate = (expected(chances), share(float(outcomes.sum()), len(outcomes)))
    # The held-out records say how much of a difference the calibration itself may be off.
    rate_before = share(float(evaluation.outcomes.sum()), len(evaluation.outcomes))
    pairs = [
        (name, before[name], now[name], _loss(name, before[name].value, now[name].value))
        for name in JUDGED
        if name in before and name in now
    ]
    even = Measure(0.0, rate_before.error)
    gap = Measure(abs(rate[1].value - rate[0].value), rate[0].error)
    pairs.append((CALIBRATION, even, gap, gap.value))
    adjusted = holm([_chance(*pair) for pair in pairs])
    losses = tuple(
        Loss(
            metric=name,
            baseline=then,
            current=today,
            loss=loss,
            p_adjusted=chance,
            holds=loss >= settings.max_quality_loss and chance < settings.significance,
        )
        for (name, then, today, loss), chance in zip(pairs, adjusted, strict=True)
    )
    excess = error[2].value - error[1].value
    beyond = normal_rise(excess, float(np.hypot(error[1].error, wrong_before.error)))
    concept = losses[-1].holds or (
        beyond < settings.significance
        and excess >= settings.max_quality_loss
        and any(item.holds for item in losses)
    )
    return Judgement(
        losses=losses,
        current=now,
        error=error,
        rate=rate,
        concept=concept,
        excesses=(wrong - errors, outcomes - chances),
    )


def _complement(accuracy: Measure) -> Measure:
    return Measure(1 - accuracy.value, accuracy.error)


def _loss(name: str, before: float, now: float) -> float:
    return now - before if name in LESS_IS_BETTER else before - now


def _chance(name: str, before: Measure, now: Measure, loss: float) -> float:
    chance = normal_rise(loss, float(np.hypot(before.error, now.error)))
    return min(1.0, 2 * chance) if name == CALIBRATION else chance


def _estimate(
    calibration: Calibration, answers: FloatArray, threshold: float
) -> dict[str, Any] | None:
    """Return the quality to expect of all answers, whether their outcome is known or not."""
    if not len(answers):
        return None
    chances = calibration.apply(answers)
    right = expected(1 - chance_of_error(chances, answers, threshold))
    return {
        "estimate": True,
        "method": "confidence-based: answers calibrated on the held-out records",
        "records": len(answers),
        "accuracy": interval(right),
        "positive_rate": interval(expected(chances)),
    }


def _performance(
    judged: Judgement | None, estimate: dict[str, Any] | None, before: Mapping[str, Measure]
) -> dict[str, Any]:
    performance: dict[str, Any] = {
        "baseline": {name: interval(item) for name, item in before.items()},
        "estimated": estimate,
        "metrics": [],
        "decomposition": None,
    }
    if judged is None:
        return performance
    performance["metrics"] = render(judged.losses)
    before_error, expected_error, now_error = judged.error
    performance["decomposition"] = {
        "quantity": "share of wrong decisions",
        "baseline": before_error.value,
        "expected": expected_error.value,
        "current": now_error.value,
        "population": expected_error.value - before_error.value,
        "concept": now_error.value - expected_error.value,
        "expected_positive_rate": judged.rate[0].value,
        "positive_rate": judged.rate[1].value,
        "concept_drift": judged.concept,
    }
    return performance


def _findings(judged: Judgement | None) -> list[dict[str, Any]]:
    if judged is None:
        return []
    evidence = {
        "population": judged.error[1].value - judged.error[0].value,
        "concept": judged.error[2].value - judged.error[1].value,
        "expected_positive_rate": judged.rate[0].value,
        "positive_rate": judged.rate[1].value,
    }
    return findings(judged.losses, evidence, concept=judged.concept, segment=judged.segment)


def _violations(judged: Judgement | None, settings: Settings) -> list[dict[str, str]]:
    if judged is None:
        return []
    found = []
    for item in violated(judged.losses):
        less = item.metric in LESS_IS_BETTER or item.metric == CALIBRATION
        margin = settings.max_quality_loss if less else -settings.max_quality_loss
        found.append(violation(item, item.baseline.value + margin, less_is_better=less))
    return found
