"""What the model looks at, whatever it is: Shapley values by sampling, in the answer's own unit.

Source: Strumbelj and Kononenko, "Explaining prediction models and individual predictions with
feature contributions", Knowledge and Information Systems 41, 2014, algorithm 1; each order is taken
both ways (Mitchell et al., JMLR 23, 2022).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from model import Vector

_SEED = 1


def contributions(
    output: Callable[[pd.DataFrame], Vector], rows: pd.DataFrame, background: pd.DataFrame
) -> Vector:
    """Return Shapley values: a row a record, a column a feature, and last the expected answer."""
    orders = np.random.default_rng(_SEED)
    found = np.zeros((len(rows), rows.shape[1] + 1))
    for place in range(len(background)):
        order = orders.permutation(rows.shape[1])
        for way in (order, order[::-1]):
            stages = output(_stages(rows, background.iloc[place], way)).reshape(-1, len(rows))
            found[:, way] += np.diff(stages, axis=0).T
    found /= 2 * len(background)
    found[:, -1] = output(background).mean()
    return found


def _stages(rows: pd.DataFrame, record: pd.Series, order: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Return a record as often as there are rows, then with feature after feature of the rows."""
    stages, columns = len(order) + 1, {}
    for place, feature in enumerate(order):
        name = rows.columns[feature]
        of_rows = rows[name].to_numpy()
        of_record = np.array([record[name]] * len(rows) * (place + 1), dtype=of_rows.dtype)
        columns[name] = np.concatenate([of_record, np.tile(of_rows, stages - place - 1)])
    return pd.DataFrame({name: columns[name] for name in rows.columns})
