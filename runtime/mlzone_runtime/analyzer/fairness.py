"""Bias between a group and everybody else, by the formulae that SageMaker Clarify published.

Group d is the group, group a everybody else. An outcome is favourable when it is not of the
positive class, a decision when it is not the positive one. Definitions: Amazon SageMaker AI
Developer Guide, "Pre-training bias metrics" and "Post-training data and model bias metrics". Errors
come from draws of the two groups' confusion matrices with a fixed seed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from mlzone_runtime.analyzer.table import FloatArray

DESCRIPTIONS = {
    "CI": "Class Imbalance (CI)",
    "DPL": "Difference in Positive Proportions in Labels (DPL)",
    "KL": "Kullback-Leibler Divergence (KL)",
    "JS": "Jensen-Shannon Divergence (JS)",
    "LP": "L-p Norm (LP)",
    "TVD": "Total Variation Distance (TVD)",
    "KS": "Kolmogorov-Smirnov Distance (KS)",
    "DPPL": "Difference in Positive Proportions in Predicted Labels (DPPL)",
    "DI": "Disparate Impact (DI)",
    "DCAcc": "Difference in Conditional Acceptance (DCAcc)",
    "DCR": "Difference in Conditional Rejection (DCR)",
    "SD": "Specificity Difference (SD)",
    "RD": "Recall Difference (RD)",
    "DAR": "Difference in Acceptance Rates (DAR)",
    "DRR": "Difference in Rejection Rates (DRR)",
    "AD": "Accuracy Difference (AD)",
    "TE": "Treatment Equality (TE)",
}

PRE_TRAINING = ("CI", "DPL", "KL", "JS", "LP", "TVD", "KS")
POST_TRAINING = ("DPPL", "DI", "DCAcc", "DCR", "SD", "RD", "DAR", "DRR", "AD", "TE")
RATIOS = frozenset({"DI"})
"""The metrics whose even value is 1."""

_SEED = 20261128
_DRAWS = 1000
_INTERVAL = (2.5, 97.5)
_SMOOTHING = 0.5

Cells: TypeAlias = FloatArray
"""Counts of favourable and unfavourable decisions, true and false: tp, fp, fn, tn; then draws."""


@dataclass(frozen=True)
class Gap:
    """A bias metric: its value, its standard error and its 95 % interval; none without a value."""

    value: float | None
    error: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The confusion matrices of a group and of everybody else."""

    group: FloatArray
    others: FloatArray

    @classmethod
    def of(cls, outcomes: FloatArray, decisions: FloatArray, members: FloatArray) -> "Sides":
        """Count, in terms of the positive class; whoever's membership is not known is left out."""
        return cls(
            group=_cells(outcomes[members == 1], decisions[members == 1]),
            others=_cells(outcomes[members == 0], decisions[members == 0]),
        )

    @property
    def sizes(self) -> tuple[int, int]:
        """How many records belong to the group, and how many do not."""
        return int(self.group.sum()), int(self.others.sum())

    @property
    def least(self) -> int:
        """The fewest favourable or unfavourable outcomes or decisions on either side."""
        return int(
            min(
                value
                for tp, fp, fn, tn in (self.group, self.others)
                for value in (tp + fn, fp + tn, tp + fp, fn + tn)
            )
        )


def gaps(sides: Sides) -> dict[str, Gap]:
    """Return all metrics of a group."""
    random = np.random.default_rng(_SEED)
    drawn = [_drawn(cells, random) for cells in (sides.group, sides.others)]
    found = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, metric in _METRICS.items():
            value = float(metric(sides.group, sides.others))
            if not np.isfinite(value):
                found[name] = Gap(None)
                continue
            values = metric(*drawn)
            values = values[np.isfinite(values)]
            low, high = np.percentile(values, _INTERVAL)
            found[name] = Gap(value, float(values.std()), (float(low), float(high)))
    return found


def from_even(name: str, value: float) -> float:
    """Return a value as a signed distance from even treatment; of a ratio, its logarithm."""
    return float(np.log(max(value, np.finfo(float).tiny))) if name in RATIOS else value


def metrics(found: Mapping[str, Gap], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return metrics as Clarify lists them."""
    return [
        {"name": name, "description": DESCRIPTIONS[name], "value": found[name].value}
        for name in names
    ]


def _cells(outcomes: FloatArray, decisions: FloatArray) -> FloatArray:
    # In terms of what is favourable: not of the positive class.
    true, said = 1 - outcomes, 1 - decisions
    tp = float((true * said).sum())
    fp, fn = float(said.sum()) - tp, float(true.sum()) - tp
    return np.array([tp, fp, fn, len(true) - tp - fp - fn])


def _drawn(cells: FloatArray, random: np.random.Generator) -> Cells:
    # Smoothed, so that a cell that happens to be empty is not taken for impossible.
    chances = (cells + _SMOOTHING) / (cells + _SMOOTHING).sum()
    drawn = random.multinomial(int(cells.sum()), chances, _DRAWS).T
    return np.asarray(drawn, dtype=np.float64)


def _labels(cells: Cells) -> tuple[FloatArray, FloatArray]:
    tp, fp, fn, tn = cells
    total = tp + fp + fn + tn
    return (fp + tn) / total, (tp + fn) / total


def _divergence(first: tuple[FloatArray, ...], second: tuple[FloatArray, ...]) -> FloatArray:
    parts = [
        np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / q), 0.0)
        for p, q in zip(first, second, strict=True)
    ]
    return np.asarray(parts[0] + parts[1], dtype=np.float64)


def _js(group: Cells, others: Cells) -> FloatArray:
    d, a = _labels(group), _labels(others)
    middle = tuple((one + two) / 2 for one, two in zip(d, a, strict=True))
    return (_divergence(a, middle) + _divergence(d, middle)) / 2


def _apart(group: Cells, others: Cells) -> FloatArray:
    return np.abs(_labels(others)[1] - _labels(group)[1])


def _size(cells: Cells) -> FloatArray:
    return np.asarray(cells.sum(axis=0), dtype=np.float64)


def _accepted(cells: Cells) -> FloatArray:
    tp, fp, _, _ = cells
    return np.asarray((tp + fp) / _size(cells), dtype=np.float64)


def _rate(cells: Cells, above: tuple[int, ...], below: tuple[int, ...]) -> FloatArray:
    """Return a ratio of sums of cells, by their places: 0 tp, 1 fp, 2 fn, 3 tn."""
    return np.asarray(cells[list(above)].sum(axis=0) / cells[list(below)].sum(axis=0))


def _difference(
    above: tuple[int, ...], below: tuple[int, ...], *, of_group: bool = False
) -> Callable[[Cells, Cells], FloatArray]:
    """Return a metric: the others' rate less the group's, or the other way round."""

    def metric(group: Cells, others: Cells) -> FloatArray:
        found = _rate(others, above, below) - _rate(group, above, below)
        return -found if of_group else found

    return metric


_METRICS: Mapping[str, Callable[[Cells, Cells], FloatArray]] = {
    "CI": lambda d, a: (_size(a) - _size(d)) / (_size(a) + _size(d)),
    "DPL": _difference((0, 2), (0, 1, 2, 3)),
    "KL": lambda d, a: _divergence(_labels(a), _labels(d)),
    "JS": _js,
    "LP": lambda d, a: np.sqrt(2) * _apart(d, a),
    "TVD": _apart,
    "KS": _apart,
    "DPPL": _difference((0, 1), (0, 1, 2, 3)),
    "DI": lambda d, a: _accepted(d) / _accepted(a),
    "DCAcc": _difference((0, 2), (0, 1)),
    "DCR": _difference((1, 3), (2, 3), of_group=True),
    "SD": _difference((3,), (1, 3), of_group=True),
    "RD": _difference((0,), (0, 2)),
    "DAR": _difference((0,), (0, 1)),
    "DRR": _difference((3,), (2, 3), of_group=True),
    "AD": _difference((0, 3), (0, 1, 2, 3)),
    "TE": lambda d, a: d[2] / d[1] - a[2] / a[1],
}
