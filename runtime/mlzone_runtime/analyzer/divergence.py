"""How large is the difference? Effect sizes of two distributions over the same buckets."""

import numpy as np

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
