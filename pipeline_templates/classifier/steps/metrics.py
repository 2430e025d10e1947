"""How good a binary classifier is; plain formulae over labels and probabilities."""

from typing import Any

import numpy as np

from model import Vector

_POINTS = 100


def auc(labels: Vector, probabilities: Vector) -> float:
    """Return the area under the ROC curve: the chance that a positive row ranks above another."""
    positives, negatives = labels.sum(), (1 - labels).sum()
    _, inverse, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    above = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def brier(labels: Vector, probabilities: Vector) -> float:
    """Return the mean squared error of the probabilities."""
    return float(np.mean((probabilities - labels) ** 2))


def kolmogorov_smirnov(labels: Vector, probabilities: Vector) -> float:
    """Return the largest distance of the two classes' distributions of probability."""
    rates = roc(labels, probabilities)
    return float(np.max(rates[1] - rates[0]))


def roc(labels: Vector, probabilities: Vector) -> tuple[Vector, Vector]:
    """Return false and true positive rates over all thresholds, from the strictest on."""
    thresholds = np.unique(probabilities)[::-1]
    marked = probabilities[None, :] >= thresholds[:, None]
    true = (marked & (labels == 1)).sum(axis=1) / labels.sum()
    false = (marked & (labels == 0)).sum(axis=1) / (1 - labels).sum()
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def choose_threshold(labels: Vector, probabilities: Vector, most: float) -> float | None:
    """Return the highest threshold that keeps the positives among the rows below it rare.

    Args:
        labels: 1 for the positive class.
        probabilities: of the positive class.
        most: largest share of positives among the rows below the threshold.

    Returns:
        A threshold half-way between two probabilities, or None if there is none.
    """
    order = np.argsort(probabilities, kind="stable")
    ranked, sorted_labels = probabilities[order], labels[order]
    share = np.cumsum(sorted_labels) / np.arange(1, len(labels) + 1)
    distinct = np.append(ranked[1:] > ranked[:-1], False)
    allowed = np.nonzero(distinct & (share <= most))[0]
    if not len(allowed):
        return None
    last = allowed[-1]
    return float((ranked[last] + ranked[last + 1]) / 2)


def confusion(labels: Vector, decisions: Vector) -> dict[str, int]:
    """Return the counts of true and false positives and negatives."""
    return {
        "tp": int(((decisions == 1) & (labels == 1)).sum()),
        "fp": int(((decisions == 1) & (labels == 0)).sum()),
        "tn": int(((decisions == 0) & (labels == 0)).sum()),
        "fn": int(((decisions == 0) & (labels == 1)).sum()),
    }


def report(labels: Vector, probabilities: Vector, threshold: float) -> dict[str, Any]:
    """Return the metrics in the format of SageMaker's model quality statistics."""
    decisions = (probabilities >= threshold).astype(float)
    counts = confusion(labels, decisions)
    tp, fp, tn, fn = counts["tp"], counts["fp"], counts["tn"], counts["fn"]
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn)
    false, true = roc(labels, probabilities)
    step = max(1, len(false) // _POINTS)
    values = {
        "accuracy": (tp + tn) / len(labels),
        "precision": precision,
        "recall": recall,
        "true_negative_rate": tn / (tn + fp),
        "false_positive_rate": fp / (tn + fp),
        "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "auc": auc(labels, probabilities),
        "brier": brier(labels, probabilities),
        "ks": kolmogorov_smirnov(labels, probabilities),
    }
    return {
        "binary_classification_metrics": {
            "confusion_matrix": {"0": {"0": tn, "1": fp}, "1": {"0": fn, "1": tp}},
            **{
                name: {"value": value, "standard_deviation": "NaN"}
                for name, value in values.items()
            },
            "receiver_operating_characteristic_curve": {
                "false_positive_rates": [*false[::step].tolist(), 1.0],
                "true_positive_rates": [*true[::step].tolist(), 1.0],
            },
        },
        "threshold": threshold,
        "rows": len(labels),
    }
