"""Bias of data and decisions between groups, by the formulae that SageMaker Clarify published.

For each facet, group d is the one named in `model.yaml` and group a everybody else. The label is
favourable when the row is not of the positive class, the decision when it is not the positive
one. A ratio without a denominator is None. Definitions: Amazon SageMaker AI Developer Guide,
"Pre-training bias metrics" and "Post-training data and model bias metrics".
"""

from typing import Any

import numpy as np
import numpy.typing as npt

import job
from model import Vector

Mask = npt.NDArray[np.bool_]
_RESAMPLES = 500
_INTERVAL = (2.5, 97.5)
_DESCRIPTIONS = {
    "CI": "Class Imbalance",
    "DPL": "Difference in Positive Proportions in Labels",
    "KL": "Kullback-Leibler Divergence",
    "JS": "Jensen-Shannon Divergence",
    "LP": "L-p Norm",
    "TVD": "Total Variation Distance",
    "KS": "Kolmogorov-Smirnov Distance",
    "DPPL": "Difference in Positive Proportions in Predicted Labels",
    "DI": "Disparate Impact",
    "DCAcc": "Difference in Conditional Acceptance",
    "DCR": "Difference in Conditional Rejection",
    "SD": "Specificity Difference",
    "RD": "Recall Difference",
    "DAR": "Difference in Acceptance Rates",
    "DRR": "Difference in Rejection Rates",
    "AD": "Accuracy Difference",
    "TE": "Treatment Equality",
}


def members(rows: list[job.Row], facet: dict[str, Any]) -> Mask:
    """Return which rows belong to the facet's group d.

    Raises:
        job.StepError: the group, or everybody else, has no row.
    """
    values = [row[facet["column"]] for row in rows]
    if "values" in facet:
        inside = np.array([value in facet["values"] for value in values])
    else:
        inside = np.array([value != "" and float(value) <= facet["at_most"] for value in values])
    if inside.all() or not inside.any():
        raise job.StepError(f"facet {facet['name']}: one of its two groups has no row")
    return inside


def pre_training(labels: Vector, inside: Mask) -> dict[str, float | None]:
    """Return the metrics of the data.

    Args:
        labels: 1 where the label is favourable.
        inside: whether a row belongs to group d.
    """
    a, d = labels[~inside], labels[inside]
    pa, pd = np.array([1 - a.mean(), a.mean()]), np.array([1 - d.mean(), d.mean()])
    middle = (pa + pd) / 2
    return {
        "CI": (len(a) - len(d)) / len(labels),
        "DPL": float(a.mean() - d.mean()),
        "KL": _divergence(pa, pd),
        "JS": ((_divergence(pa, middle) or 0.0) + (_divergence(pd, middle) or 0.0)) / 2,
        "LP": float(np.sqrt(((pa - pd) ** 2).sum())),
        "TVD": float(np.abs(pa - pd).sum() / 2),
        "KS": float(np.abs(pa - pd).max()),
    }


def post_training(labels: Vector, decisions: Vector, inside: Mask) -> dict[str, float | None]:
    """Return the metrics of the decisions.

    Args:
        labels: 1 where the label is favourable.
        decisions: 1 where the decision is favourable.
        inside: whether a row belongs to group d.
    """
    a, d = _Group(labels[~inside], decisions[~inside]), _Group(labels[inside], decisions[inside])
    return {
        "DPPL": _minus(a.acceptance, d.acceptance),
        "DI": _ratio(d.acceptance, a.acceptance),
        "DCAcc": _minus(_ratio(a.positive, a.accepted), _ratio(d.positive, d.accepted)),
        "DCR": _minus(_ratio(d.negative, d.rejected), _ratio(a.negative, a.rejected)),
        "SD": _minus(_ratio(d.tn, d.negative), _ratio(a.tn, a.negative)),
        "RD": _minus(_ratio(a.tp, a.positive), _ratio(d.tp, d.positive)),
        "DAR": _minus(_ratio(a.tp, a.accepted), _ratio(d.tp, d.accepted)),
        "DRR": _minus(_ratio(d.tn, d.rejected), _ratio(a.tn, a.rejected)),
        "AD": _minus((a.tp + a.tn) / a.size, (d.tp + d.tn) / d.size),
        "TE": _minus(_ratio(d.fn, d.fp), _ratio(a.fn, a.fp)),
    }


def impact_interval(decisions: Vector, inside: Mask, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the disparate impact: small groups say little."""
    random = np.random.default_rng(seed)
    a, d = decisions[~inside], decisions[inside]
    ratios = [
        d[random.integers(0, len(d), len(d))].mean() / rate
        for _ in range(_RESAMPLES)
        if (rate := a[random.integers(0, len(a), len(a))].mean()) > 0
    ]
    low, high = np.percentile(ratios, _INTERVAL) if ratios else (0.0, 0.0)
    return float(low), float(high)


def report(
    rows: list[job.Row], labels: Vector, decisions: Vector, given: dict[str, Any]
) -> dict[str, Any]:
    """Return the report in the format of SageMaker Clarify's `analysis.json`.

    Args:
        rows: with the facets' columns.
        labels: 1 where the label is favourable.
        decisions: 1 where the decision is favourable.
        given: the build's settings.
    """
    model = given["model"]
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for facet in model["facets"]:
        inside = members(rows, facet)
        group = ", ".join(facet["values"]) if "values" in facet else f"up to {facet['at_most']}"
        low, high = impact_interval(decisions, inside, model["split"]["seed"])
        common = {
            "value_or_threshold": group,
            "title": facet["title"],
            "rows": {"d": int(inside.sum()), "a": int((~inside).sum())},
        }
        before[facet["name"]] = [common | {"metrics": _listed(pre_training(labels, inside))}]
        after[facet["name"]] = [
            common
            | {
                "metrics": _listed(post_training(labels, decisions, inside)),
                "disparate_impact_interval_95": [low, high],
            }
        ]
    favourable = f"not {model['positive_class']}"
    return {
        "version": "1.0",
        "pre_training_bias_metrics": {
            "label": model["target"],
            "label_value_or_threshold": favourable,
            "facets": before,
        },
        "post_training_bias_metrics": {
            "label": model["target"],
            "label_value_or_threshold": favourable,
            "facets": after,
        },
    }


def impacts(document: dict[str, Any]) -> dict[str, float | None]:
    """Return the disparate impact of each facet of a report."""
    facets = document["post_training_bias_metrics"]["facets"]
    return {
        name: next(item["value"] for item in groups[0]["metrics"] if item["name"] == "DI")
        for name, groups in facets.items()
    }


def gap(document: dict[str, Any]) -> float:
    """Return the largest |1 - disparate impact|; 0 without facets.

    Where nobody of group a is accepted it is 1.
    """
    found = impacts(document).values()
    return max((1.0 if value is None else abs(1 - value) for value in found), default=0.0)


class _Group:
    def __init__(self, labels: Vector, decisions: Vector) -> None:
        self.size = len(labels)
        self.positive = float((labels == 1).sum())
        self.negative = self.size - self.positive
        self.accepted = float((decisions == 1).sum())
        self.rejected = self.size - self.accepted
        self.acceptance = self.accepted / self.size
        self.tp = float(((labels == 1) & (decisions == 1)).sum())
        self.fp = self.accepted - self.tp
        self.fn = self.positive - self.tp
        self.tn = self.negative - self.fp


def _divergence(p: Vector, q: Vector) -> float | None:
    if ((q == 0) & (p > 0)).any():
        return None
    used = p > 0
    return float((p[used] * np.log(p[used] / q[used])).sum())


def _ratio(above: float, below: float) -> float | None:
    return above / below if below else None


def _minus(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _listed(values: dict[str, float | None]) -> list[dict[str, Any]]:
    return [
        {"name": name, "description": _DESCRIPTIONS[name], "value": value}
        for name, value in values.items()
    ]
