"""Shapley values of any model, by sampling the orders in which features become known.

A feature's value for a row is the mean change of the model's output when the feature takes the
row's value, over background records and over orders in which the features change from the one to
the other. Each order is taken forwards and backwards, which cancels much of the chance.

Sources: Strumbelj and Kononenko, "Explaining prediction models and individual predictions with
feature contributions", Knowledge and Information Systems 41, 2014, algorithm 1; Mitchell, Cooper,
Frank and Holmes, "Sampling permutations for Shapley value estimation", JMLR 23, 2022 (antithetic
orders).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_SEED = 1


def sampled_contributions(
    output: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float64]],
    rows: npt.NDArray[np.float32],
    background: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """Return the Shapley values of rows; the same rows give the same values.

    Args:
        output: the model's output of some rows.
        rows: what to explain, a column a feature.
        background: what to compare with, of the same columns.

    Returns:
        One row each, one column a feature, and last the mean output of the background; a row's sum
        is its output.
    """
    orders = np.random.default_rng(_SEED)
    width = rows.shape[1]
    found = np.zeros((len(rows), width + 1))
    starts = output(background)
    for record, start in zip(background, starts, strict=True):
        order = orders.permutation(width)
        for way in (order, order[::-1]):
            mixed = np.repeat(record[None], len(rows), axis=0)
            before = np.full(len(rows), start)
            for feature in way:
                mixed[:, feature] = rows[:, feature]
                after = output(mixed)
                found[:, feature] += after - before
                before = after
    found /= 2 * len(background)
    found[:, -1] = starts.mean()
    return found
