"""How large is the difference? Effect sizes of two distributions over the same buckets."""

import numpy as np

from mlzone_runtime.analyzer.sketch import Sketch
from mlzone_runtime.analyzer.table import FloatArray

LEAST_SHARE = 1e-4
"""Share that stands for an empty bucket: the index is infinite without it."""

_LEAST_EXPECTED = 5.0


def population_stability_index(baseline: FloatArray, current: FloatArray) -> float:
    """Return the sum of (current - baseline) * log(current / baseline) over the buckets' shares.

    The customary reading in credit risk: from 0.1 a moderate shift, from 0.2 or 0.25 a large one
    (Siddiqi, "Credit Risk Scorecards", 2006).

    Args:
        baseline: Counts by bucket.
        current: Counts by the same buckets.
    """
    if not baseline.sum() or not current.sum():
        return 0.0
    expected = np.maximum(baseline / baseline.sum(), LEAST_SHARE)
    found = np.maximum(current / current.sum(), LEAST_SHARE)
    return float(((found - expected) * np.log(found / expected)).sum())


def jensen_shannon(baseline: FloatArray, current: FloatArray) -> float:
    """Return the Jensen-Shannon distance of two rows of counts, from 0 to 1 (base 2).

    It is the square root of the divergence (Endres and Schindelin, IEEE Transactions on Information
    Theory 49, 2003); it needs no share that stands for an empty bucket.
    """
    if not baseline.sum() or not current.sum():
        return 0.0
    before, now = baseline / baseline.sum(), current / current.sum()
    middle = (before + now) / 2
    divergence = (_relative_entropy(before, middle) + _relative_entropy(now, middle)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def _relative_entropy(found: FloatArray, expected: FloatArray) -> float:
    there = found > 0
    return float((found[there] * np.log2(found[there] / expected[there])).sum())


def wasserstein(baseline: Sketch, current: Sketch) -> float:
    """Return the first Wasserstein distance, in the values' own unit.

    So far a value has to be moved on average to make the one distribution of the other: the area
    between the two cumulative distributions.
    """
    points = np.sort(np.concatenate((baseline.points, current.points)))
    if len(points) < 2:  # noqa: PLR2004 - nothing to move from, or nowhere to move to
        return 0.0
    shares = [side.share_up_to(points[:-1]) for side in (baseline, current)]
    return float((np.abs(shares[0] - shares[1]) * np.diff(points)).sum())


def pool_rare(baseline: FloatArray, current: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Put categories together that are too rare to judge one by one.

    A category stays if at least five of its records are expected in each sample, were both samples
    alike: the usual condition of the chi-squared test.
    """
    together = baseline + current
    smaller = min(baseline.sum(), current.sum()) / max(together.sum(), 1.0)
    rare = together * smaller < _LEAST_EXPECTED
    if not rare.any():
        return baseline, current
    return (
        np.append(baseline[~rare], baseline[rare].sum()),
        np.append(current[~rare], current[rare].sum()),
    )
