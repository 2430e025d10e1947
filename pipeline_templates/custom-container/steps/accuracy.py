"""How good estimates are: plain formulae over what was answered and what is true."""

from typing import Any

import numpy as np

from model import Vector


def mean_absolute_error(answers: Vector, truth: Vector) -> float:
    """Return the mean distance of answer and truth."""
    return float(np.abs(answers - truth).mean())


def error_ratio(answers: Vector, plain: Vector, truth: Vector) -> float:
    """Return the error relative to that of the plainest answer: below 1 it is worth having.

    Where the plainest answer is always right the ratio is 1, or 0 if ours is as well.
    """
    least, own = mean_absolute_error(plain, truth), mean_absolute_error(answers, truth)
    if least == 0:
        return 0.0 if own == 0 else 1.0
    return own / least


def report(answers: Vector, plain: Vector, truth: Vector, folds: int) -> dict[str, Any]:
    """Return the metrics in the format of SageMaker's model quality statistics."""
    residuals = truth - answers
    spread = ((truth - truth.mean()) ** 2).sum()
    values = {
        "mae": mean_absolute_error(answers, truth),
        "mse": float((residuals**2).mean()),
        "rmse": float(np.sqrt((residuals**2).mean())),
        "r2": float(1 - (residuals**2).sum() / spread) if spread else 0.0,
    }
    return {
        "regression_metrics": {
            name: {"value": value, "standard_deviation": "NaN"} for name, value in values.items()
        },
        "held_out": {
            "folds": folds,
            "records": len(truth),
            "plain_mae": mean_absolute_error(plain, truth),
            "error_ratio": error_ratio(answers, plain, truth),
            "bias": float((answers - truth).mean()),
        },
    }
