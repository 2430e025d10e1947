"""Could it be chance? Tests of one difference, and the correction for testing many.

The tests hold whatever the distribution is. SciPy's special functions are used, its tests are not:
importing `scipy.stats` alone would cost as long as analysing a hundred thousand records.
"""

from collections.abc import Sequence

import numpy as np
from scipy import special

from mlzone_runtime.analyzer.sketch import Sketch
from mlzone_runtime.analyzer.table import FloatArray


def kolmogorov_smirnov(baseline: Sketch, current: FloatArray) -> float:
    """Return the largest distance between two cumulative distributions.

    Args:
        baseline: The one, as a sketch.
        current: The other, as sorted values.
    """
    weights = np.cumsum(baseline.weights) / baseline.weights.sum()
    # At each point of either side, with its equals: cumulative shares only jump there.
    points = np.unique(baseline.points)
    ours = weights[np.searchsorted(baseline.points, points, side="right") - 1]
    before = np.concatenate(([0.0], ours[:-1]))
    up_to = np.searchsorted(current, points, side="right") / len(current)
    below = np.searchsorted(current, points, side="left") / len(current)
    return float(max(np.abs(ours - up_to).max(), np.abs(before - below).max()))


def kolmogorov_smirnov_p(distance: float, first: int, second: int) -> float:
    """Return how probable at least this distance is for samples of one distribution.

    Kolmogorov's limit with Stephens' correction for small samples (1970).
    """
    root = np.sqrt(first * second / (first + second))
    return float(special.kolmogorov((root + 0.12 + 0.11 / root) * distance))


def chi_squared(baseline: FloatArray, current: FloatArray) -> tuple[float, float]:
    """Test whether two rows of counts have the same shares.

    Returns:
        Pearson's statistic and its p-value.
    """
    table = np.vstack((baseline, current))
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:  # noqa: PLR2004 - one category on both sides: nothing can differ
        return 0.0, 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, float(special.chdtrc(table.shape[1] - 1, statistic))


def fisher_rise(baseline: int, of_baseline: int, current: int, of_current: int) -> float:
    """Return how probable at least so many hits among the current records are.

    Fisher's exact test, one-sided: given how many hits there are in both samples together.

    Args:
        baseline: Hits in the baseline.
        of_baseline: Records of the baseline.
        current: Hits in the window.
        of_current: Records of the window.
    """
    hits = baseline + current
    if current == 0 or hits == of_baseline + of_current:
        return 1.0
    possible = np.arange(current, min(hits, of_current) + 1, dtype=np.float64)
    logs = (
        _log_choose(of_current, possible)
        + _log_choose(of_baseline, hits - possible)
        - _log_choose(of_baseline + of_current, np.float64(hits))
    )
    return float(min(1.0, np.exp(special.logsumexp(logs))))


def _log_choose(total: int, part: FloatArray | np.float64) -> FloatArray:
    part = np.asarray(part)
    whole = special.gammaln(total + 1.0)
    # The impossible has no logarithm.
    with np.errstate(invalid="ignore"):
        logs = whole - special.gammaln(part + 1.0) - special.gammaln(total - part + 1.0)
    return np.where((part < 0) | (part > total), -np.inf, logs)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that the probability of any false alarm among them keeps its bound.

    Holm's step-down method (1979); it holds however the tests depend on each other.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    factors = len(values) - np.arange(len(values))
    adjusted = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return [float(value) for value in result]


def normal_rise(rise: float, error: float) -> float:
    """Return how probable at least so large a rise is by chance, given its standard error."""
    if error <= 0:
        return 0.0 if rise > 0 else 1.0
    return float(special.ndtr(-rise / error))
