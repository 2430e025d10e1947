"""How good answers were that are numbers, such as forecasts: metrics with the error of each.

A metric is a function of means; how much each record moves it (its influence) gives the standard
error. Requests that are alike with the same outcome are one piece of evidence, not many: they make
one cluster (Liang and Zeger, Biometrika 1986). The errors of forecasts over several periods in a
row are related: where records are in the order of time, that is in the error (Newey and West,
Econometrica 1987, as in Diebold and Mariano's test of forecasts, 1995).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mlzone_runtime.analyzer.quality import Measure
from mlzone_runtime.analyzer.table import FloatArray

MAE, RMSE, MEAN_ERROR = "mae", "rmse", "mean_error"
ERROR_RATIO = "error_ratio"
"""The error in parts of that of a forecast of no change."""
PUBLISHED = ("mae", "mse", "rmse", "r2")
"""The metrics that Model Monitor's schema has for regression."""

_NONE = 1e-12
_ANY = (-np.inf, np.inf)
_FROM_ZERO = (0.0, np.inf)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Answers and what became true of them.

    Attributes:
        outcomes: What became true.
        answers: What was answered.
        no_change: What a forecast of no change would have been, if that is known.
        horizon: Records are in the order of time, and the errors of so many in a row are related;
            1 if records have no order.
    """

    outcomes: FloatArray
    answers: FloatArray
    no_change: FloatArray | None = None
    horizon: int = 1

    @property
    def errors(self) -> FloatArray:
        """Answers less outcomes."""
        return self.answers - self.outcomes

    @property
    def cases(self) -> tuple[NDArray[np.int64], int]:
        """Of each record the case that it is of, and how many cases there are."""
        pairs = self.answers + 1j * self.outcomes
        found, places = np.unique(pairs, return_inverse=True)
        return places, len(found)


def measures(known: Answered) -> dict[str, Measure]:
    """Return all metrics; those that have no value for these records are left out."""
    outcomes, errors = known.outcomes, known.errors
    size, square = np.abs(errors), errors**2
    mae, mse = float(size.mean()), float(square.mean())
    rmse = float(np.sqrt(mse))
    influences: dict[str, tuple[float, FloatArray, tuple[float, float]]] = {
        MAE: (mae, size - mae, _FROM_ZERO),
        "mse": (mse, square - mse, _FROM_ZERO),
        RMSE: (rmse, (square - mse) / max(2 * rmse, _NONE), _FROM_ZERO),
        MEAN_ERROR: (float(errors.mean()), errors - errors.mean(), _ANY),
    }
    distances = (outcomes - outcomes.mean()) ** 2
    if (spread := float(distances.mean())) > _NONE:
        moved = mse * (distances - spread) / spread**2 - (square - mse) / spread
        influences["r2"] = (1 - mse / spread, moved, (-np.inf, 1.0))
    amounts = np.abs(outcomes)
    if (amount := float(amounts.mean())) > 0:
        # Of answers that are single numbers this is also the weighted quantile loss at the median.
        influences["wape"] = _ratio(mae, size, amount, amounts)
    if amounts.min() > 0:
        parts = size / amounts
        influences["mape"] = (float(parts.mean()), parts - parts.mean(), _FROM_ZERO)
    if known.no_change is not None:
        same = np.abs(known.no_change - outcomes)
        if (naive := float(same.mean())) > 0:
            influences[ERROR_RATIO] = _ratio(mae, size, naive, same)
    places, cases = known.cases
    return {
        name: Measure(value, _error(influence, places, cases, known.horizon), bounds, cases - 1)
        for name, (value, influence, bounds) in influences.items()
    }


def rise_by_chance(before: Measure, now: Measure) -> float:
    """Return how probable at least so large a ratio of two sizes of errors is by chance."""
    if now.value <= before.value:
        return 1.0
    reach = np.hypot(now.error / now.value, before.error / max(before.value, _NONE))
    rise = np.log(now.value / max(before.value, _NONE))
    return _tail(rise / max(float(reach), _NONE), before, now)


def difference_by_chance(before: Measure, now: Measure) -> float:
    """Return how probable at least so large a difference is by chance, in either direction."""
    reach = max(float(np.hypot(before.error, now.error)), _NONE)
    return min(1.0, 2 * _tail(abs(now.value - before.value) / reach, before, now))


def statistics(found: Mapping[str, Measure]) -> dict[str, Any]:
    """Return metrics as `regression_metrics` of Model Monitor's published schema."""
    return {
        name: {"value": found[name].value, "standard_deviation": found[name].error}
        for name in PUBLISHED
        if name in found
    }


def _ratio(
    above: float, tops: FloatArray, below: float, bottoms: FloatArray
) -> tuple[float, FloatArray, tuple[float, float]]:
    value = above / below
    return value, (tops - value * bottoms) / below, _FROM_ZERO


def _error(influence: FloatArray, places: NDArray[np.int64], cases: int, horizon: int) -> float:
    """Return the standard error of a mean of influences."""
    count = len(influence)
    sums = np.bincount(places, influence, minlength=cases)
    variance = float((sums**2).sum()) * cases / max(1, cases - 1)
    if horizon > 1:
        in_time = float((influence**2).sum())
        for lag in range(1, min(horizon, count)):
            weight = 1 - lag / horizon
            in_time += 2 * weight * float((influence[lag:] * influence[:-lag]).sum())
        variance = max(variance, in_time)
    return float(np.sqrt(variance)) / count


def _tail(score: float, before: Measure, now: Measure) -> float:
    """Return the upper tail; of few cases, Student's."""
    few = min(item.freedom or 1 for item in (before, now))
    return float(special.stdtr(few, -score))
