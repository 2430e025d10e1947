"""How good a binary classifier's answers were: metrics with the standard error of each.

Records count as independent. The error of a share follows the binomial law, with Laplace's rule, so
that none out of few is not taken for certain; that of the area under the ROC curve is DeLong's
(DeLong, DeLong, Clarke-Pearson, Biometrics 1988, with the ranks of Sun and Xu, 2014); that of F
scores comes from draws of the confusion matrix with a fixed seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mlzone_runtime.analyzer.table import FloatArray

_SEED = 20261128
_DRAWS = 500
_POINTS = 100
_NORMAL_95 = 1.959964
_BETAS = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}


@dataclass(frozen=True)
class Measure:
    """A metric's value and its standard error.

    Attributes:
        value: The metric.
        error: Its standard error.
        bounds: What it can be at least and at most.
        freedom: Degrees of freedom of the error, where they are few.
    """

    value: float
    error: float
    bounds: tuple[float, float] = (0.0, 1.0)
    freedom: int | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        reach = _NORMAL_95 if self.freedom is None else float(special.stdtrit(self.freedom, 0.975))
        least, most = self.bounds
        return (
            max(least, self.value - reach * self.error),
            min(most, self.value + reach * self.error),
        )


@dataclass(frozen=True)
class Confusion:
    """How many answers were right and wrong, by what became true."""

    tp: float
    fp: float
    fn: float
    tn: float

    @classmethod
    def of(cls, outcomes: FloatArray, decisions: FloatArray) -> "Confusion":
        """Count decisions and outcomes, both 1 or 0."""
        tp = float((outcomes * decisions).sum())
        fp, fn = float(decisions.sum()) - tp, float(outcomes.sum()) - tp
        return cls(tp, fp, fn, len(outcomes) - tp - fp - fn)


def measures(
    outcomes: FloatArray, probabilities: FloatArray, threshold: float
) -> dict[str, Measure]:
    """Return all metrics of some records; those that have no value for them are left out.

    Args:
        outcomes: 1 for the positive class, 0 for another one.
        probabilities: The answers.
        threshold: From this probability on the decision is the positive one.
    """
    count = Confusion.of(outcomes, (probabilities >= threshold).astype(np.float64))
    positive, negative = count.tp + count.fn, count.fp + count.tn
    shares = {
        "accuracy": (count.tp + count.tn, positive + negative),
        "precision": (count.tp, count.tp + count.fp),
        "recall": (count.tp, positive),
        "true_positive_rate": (count.tp, positive),
        "true_negative_rate": (count.tn, negative),
        "false_positive_rate": (count.fp, negative),
        "false_negative_rate": (count.fn, positive),
    }
    found = {name: share(hits, of) for name, (hits, of) in shares.items() if of}
    if count.tp:
        found |= _f_scores(count)
    if positive and negative:
        found["auc"] = area(outcomes, probabilities)
    squares = (probabilities - outcomes) ** 2
    found["brier"] = Measure(float(squares.mean()), float(squares.std() / np.sqrt(len(squares))))
    return found


def share(hits: float, of: float) -> Measure:
    """Return a share and its standard error."""
    smoothed = (hits + 1) / (of + 2)
    return Measure(hits / of, float(np.sqrt(smoothed * (1 - smoothed) / of)))


def area(outcomes: FloatArray, probabilities: FloatArray) -> Measure:
    """Return the area under the ROC curve, with DeLong's error."""
    positive, negative = probabilities[outcomes == 1], probabilities[outcomes == 0]
    m, n = len(positive), len(negative)
    together = _ranks(np.concatenate((positive, negative)))
    above = (together[:m] - _ranks(positive)) / n
    below = 1 - (together[m:] - _ranks(negative)) / m
    variance = _variance(above) / m + _variance(below) / n
    return Measure(float(above.mean()), float(np.sqrt(variance)))


def statistics(
    outcomes: FloatArray, probabilities: FloatArray, threshold: float, found: Mapping[str, Measure]
) -> dict[str, Any]:
    """Return metrics as `binary_classification_metrics` of Model Monitor's published schema."""
    count = Confusion.of(outcomes, (probabilities >= threshold).astype(np.float64))
    metrics: dict[str, Any] = {
        "confusion_matrix": {
            "0": {"0": int(count.tn), "1": int(count.fp)},
            "1": {"0": int(count.fn), "1": int(count.tp)},
        },
        **{
            name: {"value": item.value, "standard_deviation": item.error}
            for name, item in found.items()
        },
    }
    if "auc" in found:
        false, true, precision = _curves(outcomes, probabilities)
        metrics["receiver_operating_characteristic_curve"] = {
            "false_positive_rates": false,
            "true_positive_rates": true,
        }
        metrics["precision_recall_curve"] = {"precisions": precision, "recalls": true}
    return metrics


def _f_scores(count: Confusion) -> dict[str, Measure]:
    cells = np.array([count.tp, count.fp, count.fn, count.tn])
    total = int(cells.sum())
    drawn = np.random.default_rng(_SEED).multinomial(total, cells / total, _DRAWS)
    return {
        name: Measure(float(_f_score(cells, beta)), float(_f_score(drawn.T, beta).std()))
        for name, beta in _BETAS.items()
    }


def _f_score(cells: NDArray[Any], beta: float) -> FloatArray:
    tp, fp, fn, _ = cells
    weight = beta**2
    below = (1 + weight) * tp + weight * fn + fp
    return np.asarray((1 + weight) * tp / np.maximum(below, 1), dtype=np.float64)


def _ranks(values: FloatArray) -> FloatArray:
    """Return ranks from 1 on; equals share the middle of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middles: FloatArray = np.cumsum(counts) - (counts - 1) / 2
    return middles[inverse]


def _variance(values: FloatArray) -> float:
    """Return the variance over samples; of one value alone, that of an even chance."""
    return float(values.var(ddof=1)) if len(values) > 1 else 0.25


def _curves(
    outcomes: FloatArray, probabilities: FloatArray
) -> tuple[list[float], list[float], list[float]]:
    """Return false and true positive rates and precisions, from the strictest threshold on."""
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order], np.cumsum(outcomes[order])
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, _POINTS).astype(int))]
    true, marked = hits[ends], ends + 1.0
    false = (marked - true) / max(1.0, float(len(outcomes) - hits[-1]))
    return (
        false.tolist(),
        (true / max(1.0, float(hits[-1]))).tolist(),
        (true / marked).tolist(),
    )
