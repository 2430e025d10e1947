"""Is the order of the features' importance kept? As Clarify asks it, and which features changed.

A feature's importance is its mean absolute exact TreeSHAP value. Two orders are compared by the
normalized discounted cumulative gain: the baseline's importance, in the order of the window,
discounted by the logarithm of the place, over the same in the baseline's own order (Amazon
SageMaker AI Developer Guide, "Feature attribution drift for models in production"; Järvelin and
Kekäläinen, ACM Transactions on Information Systems 2002).
"""

from dataclasses import dataclass

import numpy as np

from mlzone_runtime.analyzer.significance import holm, normal_rise
from mlzone_runtime.analyzer.table import FloatArray

_SEED = 20261128
_DRAWS = 200


@dataclass(frozen=True, kw_only=True)
class Change:
    """One feature's importance, then and now.

    Attributes:
        place: Its column.
        baseline: Its importance in the baseline.
        current: Its importance in the window.
        error: The standard error of the change.
        ranks: Its places in both orders, from 1 on.
        p_adjusted: How probable so much is by chance, corrected for all features.
    """

    place: int
    baseline: float
    current: float
    error: float
    ranks: tuple[int, int]
    p_adjusted: float


def ndcg(baseline: FloatArray, current: FloatArray) -> float:
    """Return how well the order of the baseline's importance is kept: 1 if it is the same."""
    discounts = 1 / np.log2(np.arange(2, len(baseline) + 2))
    ideal = float((np.sort(baseline)[::-1] * discounts).sum())
    if ideal == 0:
        return 1.0
    return float((baseline[np.argsort(-current, kind="stable")] * discounts).sum()) / ideal


def ndcg_interval(baseline: FloatArray, values: FloatArray, level: float) -> tuple[float, float]:
    """Return an interval of the gain, from draws of the window's records with a fixed seed.

    Args:
        baseline: Importance by feature.
        values: Absolute contributions: a row a record.
        level: Probability of either side outside.
    """
    random = np.random.default_rng(_SEED)
    drawn = [
        ndcg(baseline, values[random.integers(0, len(values), len(values))].mean(axis=0))
        for _ in range(_DRAWS)
    ]
    low, high = np.quantile(drawn, [level, 1 - level])
    return float(low), float(high)


def changes(before: FloatArray, now: FloatArray) -> list[Change]:
    """Return the change of each feature's importance, the largest first.

    Args:
        before: Absolute contributions in the baseline: a row a record.
        now: The same in the window.
    """
    then, today = before.mean(axis=0), now.mean(axis=0)
    errors = np.sqrt(before.var(axis=0) / len(before) + now.var(axis=0) / len(now))
    chances = holm(
        [
            min(1.0, 2 * normal_rise(abs(float(change)), float(error)))
            for change, error in zip(today - then, errors, strict=True)
        ]
    )
    ranks = [_ranks(side) for side in (then, today)]
    found = [
        Change(
            place=place,
            baseline=float(then[place]),
            current=float(today[place]),
            error=float(errors[place]),
            ranks=(ranks[0][place], ranks[1][place]),
            p_adjusted=chances[place],
        )
        for place in range(len(then))
    ]
    return sorted(found, key=lambda item: -abs(item.current - item.baseline))


def _ranks(values: FloatArray) -> list[int]:
    order = np.argsort(-values, kind="stable")
    ranks = np.empty(len(values), dtype=int)
    ranks[order] = np.arange(1, len(values) + 1)
    return [int(rank) for rank in ranks]
