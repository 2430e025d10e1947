"""The monitor of explainability: do the answers still rest on the same features?

The model is asked for exact contributions to the answers of the baseline's sample and of the
window. No outcome is needed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlzone_runtime.analyzer import explainability_report, explainability_wording, importance
from mlzone_runtime.analyzer.attribution import evenly
from mlzone_runtime.analyzer.baseline import CONSTRAINTS, SAMPLE
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.importance import Change
from mlzone_runtime.analyzer.job import Job
from mlzone_runtime.analyzer.model import ARCHIVE, WatchedModel
from mlzone_runtime.analyzer.plain import read_training
from mlzone_runtime.analyzer.result import Result, of_answers
from mlzone_runtime.analyzer.segment import large_enough, rules_of
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.table import FloatArray, Table
from mlzone_runtime.analyzer.window import read_window
from mlzone_runtime.tabular_schema import Feature, Schema

ANALYSIS = "analysis.json"
CLARIFY_VERSION = "1.0"

_FULL_EFFECT = 4
_MOST_FINDINGS = 5
_MOST_SEGMENTS = 5


def monitor(job: Job, settings: Settings) -> Result:
    """Compare what the answers of a window rest on with the baseline.

    Raises:
        AnalysisError: A file of the baseline is not what it must be.
    """
    for name in (ARCHIVE, SAMPLE):
        if not (job.baseline / name).is_file():
            raise AnalysisError(f"the baseline has no {name}")
    model = WatchedModel.load(job.baseline / ARCHIVE)
    features = model.schema.features
    unit = "log odds" if model.schema.link == "logit" else "the unit of the answer"
    sample = read_training(job.baseline / SAMPLE, features)
    intake = read_window(job, features)
    before = np.abs(model.contributions(sample)[:, :-1])
    thinned = intake.table.select(evenly(intake.table.rows))
    now = model.contributions(thinned) if thinned.rows else np.empty((0, len(features) + 1))
    absolute = np.abs(now[:, :-1])
    outcome = "no_records"
    if intake.table.rows:
        outcome = "too_few_records" if intake.table.rows < settings.min_records else ""
    order = None
    found: list[Change] = []
    if not outcome:
        order = order_of(before, absolute, settings)
        found = importance.changes(before, absolute) if order["holds"] else []
        outcome = "drift" if order["holds"] else "no_drift"
    changed = [item for item in found if item.p_adjusted < settings.significance]
    explanation = {
        **of_answers(
            job,
            settings,
            outcome=outcome,
            limits=("min_attribution_ndcg",),
            records={**intake.records, "without_outcome": 0, "unknown_ground_truth": 0},
            violations=1 if order and order["holds"] else 0,
            effect=_effect(order, settings),
            drifted_features=len(changed[:_MOST_FINDINGS]),
        ),
        "attributions": {
            "quantity": f"mean absolute {model.attribution} value, in {unit}",
            "baseline_records": len(before),
            "current_records": len(absolute),
            "order": order,
            "features": _features(features, before, absolute) if order else [],
            "segments": _segments(sample, thinned, before, absolute, settings) if order else [],
        },
        "findings": [
            _finding(rank, item, features[item.place])
            for rank, item in enumerate(changed[:_MOST_FINDINGS], start=1)
        ],
    }
    explanation["sentences"] = explainability_wording.sentences(explanation)
    document = analysis(model.schema, absolute, float(now[:, -1].mean()) if len(now) else 0.0)
    return Result(
        explanation=explanation,
        violations=_violations(order),
        left_out=intake.faults.left_out,
        files={ANALYSIS: document, CONSTRAINTS: document},
        page=explainability_report.render(explanation),
        analysed=bool(intake.table.rows),
        version=CLARIFY_VERSION,
    )


def analysis(schema: Schema, absolute: FloatArray, expected: float) -> dict[str, Any]:
    """Return the importance as Clarify's `analysis.json` has it."""
    means = absolute.mean(axis=0).tolist() if len(absolute) else [0.0] * len(schema.names)
    return {
        "version": CLARIFY_VERSION,
        "explanations": {
            "kernel_shap": {
                "label0": {
                    "global_shap_values": dict(zip(schema.names, means, strict=True)),
                    "expected_value": expected,
                }
            }
        },
    }


def order_of(before: FloatArray, now: FloatArray, settings: Settings) -> dict[str, Any]:
    """Judge how well the order of importance is kept."""
    baseline = before.mean(axis=0)
    value = importance.ndcg(baseline, now.mean(axis=0))
    low, high = importance.ndcg_interval(baseline, now, settings.significance)
    return {
        "ndcg": value,
        "low": low,
        "high": high,
        "threshold": settings.min_attribution_ndcg,
        "holds": max(value, high) < settings.min_attribution_ndcg,
    }


def _features(
    features: Sequence[Feature], before: FloatArray, now: FloatArray
) -> list[dict[str, Any]]:
    found = [
        {
            "feature": features[item.place].name,
            "title": features[item.place].label,
            "baseline": item.baseline,
            "current": item.current,
            "standard_error": item.error,
            "baseline_rank": item.ranks[0],
            "current_rank": item.ranks[1],
            "p_adjusted": item.p_adjusted,
        }
        for item in importance.changes(before, now)
    ]
    return sorted(found, key=lambda item: item["current_rank"])


def _segments(
    sample: Table, window: Table, before: FloatArray, now: FloatArray, settings: Settings
) -> list[dict[str, Any]]:
    """Return the segments whose order is kept worst, of those that a rule of one value names."""
    found = []
    for feature in window.features:
        for rule in rules_of(feature, sample, window):
            few = min(int(rule.before.sum()), int(rule.now.sum())) < settings.min_records // 2
            if few or not large_enough(rule):
                continue
            kept = importance.ndcg(before[rule.before].mean(axis=0), now[rule.now].mean(axis=0))
            found.append(
                {
                    "rule": rule.words,
                    "feature": rule.feature,
                    "value": rule.value,
                    "current_share": float(rule.now.mean()),
                    "ndcg": kept,
                }
            )
    return sorted(found, key=lambda item: float(str(item["ndcg"])))[:_MOST_SEGMENTS]


def _finding(rank: int, change: Change, feature: Feature) -> dict[str, Any]:
    action, reason = explainability_wording.ADVICE
    finding: dict[str, Any] = {
        "rank": rank,
        "feature": feature.name,
        "title": feature.label,
        "kind": "attribution_drift",
        "cause": "other_importance",
        "evidence": {
            "baseline": change.baseline,
            "current": change.current,
            "baseline_rank": change.ranks[0],
            "current_rank": change.ranks[1],
            "p_adjusted": change.p_adjusted,
        },
        "segment": None,
        "action": action,
        "reason": reason,
    }
    finding["sentence"] = explainability_wording.sentence(finding)
    return finding


def _effect(order: Mapping[str, Any] | None, settings: Settings) -> float:
    if order is None or not order["holds"]:
        return 0.0
    allowed = max(1e-6, 1 - settings.min_attribution_ndcg)
    return min(1.0, (1 - float(order["ndcg"])) / allowed / _FULL_EFFECT)


def _violations(order: Mapping[str, Any] | None) -> list[dict[str, str]]:
    if order is None or not order["holds"]:
        return []
    return [
        {
            "label": "label0",
            "metric_name": "shap",
            "constraint_check_type": "feature_attribution_drift_check",
            "description": (
                f"Feature attribution drift {order['ndcg']:.4f} exceeds threshold "
                f"{order['threshold']:g}; the interval goes up to {order['high']:.4f}"
            ),
        }
    ]
