"""Networks in ONNX: probabilities, and Shapley values by sampling, as the platform serves them.

`model.onnx` takes either one matrix of numbers, encoded as `schema.json` says, or a column a
feature, by its name: numbers, and categories as their text (missing ones and those that training
never saw are empty). Its output `probability` is the probability of the positive class.

Source of the sampling: Strumbelj and Kononenko, "Explaining prediction models and individual
predictions with feature contributions", Knowledge and Information Systems 41, 2014, algorithm 1;
each order is taken both ways (Mitchell et al., JMLR 23, 2022).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from model import Matrix, Vector

_SEED = 1
_NEAREST = 1e-6


def session(content: bytes) -> Any:
    """Return what runs a network."""
    import onnxruntime  # noqa: PLC0415 - boosters need not wait for it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def probabilities(network: Any, matrix: Matrix, features: Sequence[dict[str, Any]]) -> Vector:
    """Return the probability of the positive class of each row."""
    inputs = network.get_inputs()
    names = [feature["name"] for feature in features]
    if len(inputs) == 1 and inputs[0].name not in names:
        given = {inputs[0].name: matrix.astype(_numbers(inputs[0]))}
    else:
        given = {item.name: _column(item, matrix, features, names) for item in inputs}
    (found,) = network.run(["probability"], given)
    return np.asarray(found, dtype=float).reshape(len(matrix))


def log_odds(chances: Vector) -> Vector:
    """Return log odds; probabilities count as no nearer to none and all than a millionth."""
    inside = np.clip(chances, _NEAREST, 1 - _NEAREST)
    return np.asarray(np.log(inside / (1 - inside)))


def sampled_contributions(
    output: Callable[[Matrix], Vector], rows: Matrix, background: Matrix
) -> Vector:
    """Return Shapley values of rows, and last the mean output of the background."""
    orders = np.random.default_rng(_SEED)
    found = np.zeros((len(rows), rows.shape[1] + 1))
    starts = output(background)
    for record, start in zip(background, starts, strict=True):
        order = orders.permutation(rows.shape[1])
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


def _numbers(item: Any) -> type[np.floating[Any]]:
    return np.float64 if item.type == "tensor(double)" else np.float32


def _column(item: Any, matrix: Matrix, features: Sequence[dict[str, Any]], names: list[str]) -> Any:
    feature, values = features[names.index(item.name)], matrix[:, names.index(item.name)]
    if feature["type"] == "category":
        words = np.array([*feature["categories"], ""], dtype=object)
        given = words[np.nan_to_num(values, nan=-1).astype(int)]
    else:
        given = values.astype(_numbers(item))
    return given.reshape(-1, 1) if len(item.shape) > 1 else given
