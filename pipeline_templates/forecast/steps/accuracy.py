"""How good a forecast is: plain formulae over what was forecast and what came, as shares."""

from typing import Any

import numpy as np

from forecasting import Backtest
from model import Vector


def mean_absolute_error(forecast: Vector, truth: Vector) -> float:
    """Return the mean distance of forecast and truth."""
    return float(np.abs(forecast - truth).mean())


def root_mean_squared_error(forecast: Vector, truth: Vector) -> float:
    """Return the root of the mean squared distance: large errors weigh more."""
    return float(np.sqrt(((forecast - truth) ** 2).mean()))


def error_ratio(found: Backtest) -> float:
    """Return the error relative to that of a forecast of no change: below 1 it is worth having.

    A series that never changes has no such error; then the ratio is 1, or 0 if ours has none too.
    """
    naive = mean_absolute_error(found.naive, found.truth)
    own = mean_absolute_error(found.forecasts, found.truth)
    if naive == 0:
        return 0.0 if own == 0 else 1.0
    return own / naive


def report(found: Backtest) -> dict[str, Any]:
    """Return the metrics in the format of SageMaker's model quality statistics."""
    residuals = found.truth - found.forecasts
    spread = ((found.truth - found.truth.mean()) ** 2).sum()
    values = {
        "mae": mean_absolute_error(found.forecasts, found.truth),
        "mse": float((residuals**2).mean()),
        "rmse": root_mean_squared_error(found.forecasts, found.truth),
        "r2": float(1 - (residuals**2).sum() / spread) if spread else 0.0,
    }
    return {
        "regression_metrics": {
            name: {"value": value, "standard_deviation": "NaN"} for name, value in values.items()
        },
        "backtest": {
            "origins": len(set(found.origins)),
            "forecasts": len(found.forecasts),
            "naive_mae": mean_absolute_error(found.naive, found.truth),
            "error_ratio": error_ratio(found),
            "bias": float((found.forecasts - found.truth).mean()),
            "rows": [
                {"made_in": made, "known": known, "forecast": forecast, "truth": truth}
                for made, known, forecast, truth in zip(
                    found.periods,
                    found.origins,
                    found.forecasts.tolist(),
                    found.truth.tolist(),
                    strict=True,
                )
            ],
        },
    }
