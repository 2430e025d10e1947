"""A feature's distribution in little space: a KLL sketch as Model Monitor stores it.

An item of level h stands for 2**h values (Karnin, Lang, Liberty: "Optimal quantile approximation in
streams", 2016). We have all values at hand, sorted, so no random compaction is needed: the sketch
takes the middle of each run of 2**h values, its weights add up to the number of values exactly, and
a rank read from it is at most half a run off. Up to 2,048 values it is the data themselves.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mlzone_runtime.analyzer.table import FloatArray

SIZE = 2048
"""Most items of the highest level: Model Monitor's `k`."""

_SHRINKING = 0.64


@dataclass(frozen=True)
class Sketch:
    """Sorted points and how many values each stands for."""

    points: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, ordered: FloatArray) -> Self:
        """Sketch values that are sorted already."""
        level = 0
        while len(ordered) >> level > SIZE:
            level += 1
        points, weights = [], []
        start = 0
        # Whole runs of the highest level first, then the rest by its binary digits.
        for height in range(level, -1, -1):
            run = 1 << height
            runs = (len(ordered) - start) >> height
            middles = start + run // 2 + run * np.arange(runs)
            points.append(ordered[middles])
            weights.append(np.full(runs, float(run)))
            start += runs * run
        return cls._sorted(np.concatenate(points), np.concatenate(weights))

    @classmethod
    def _sorted(cls, points: FloatArray, weights: FloatArray) -> Self:
        order = np.argsort(points, kind="stable")
        return cls(points[order], weights[order])

    @classmethod
    def parse(cls, sketch: dict[str, Any]) -> Self:
        """Read the published form."""
        points = [np.asarray(level, dtype=np.float64) for level in sketch["data"]]
        weights = [np.full(len(level), float(1 << height)) for height, level in enumerate(points)]
        return cls._sorted(np.concatenate(points), np.concatenate(weights))

    def render(self) -> dict[str, Any]:
        """Return the published form: items by level."""
        highest = int(self.weights.max()).bit_length() if len(self.weights) else 1
        levels = [self.points[self.weights == 1 << height].tolist() for height in range(highest)]
        return {"parameters": {"c": _SHRINKING, "k": SIZE}, "data": levels}

    def quantile(self, shares: FloatArray) -> FloatArray:
        """Return the values below which the given shares lie."""
        reached = np.cumsum(self.weights) / self.weights.sum()
        places = np.searchsorted(reached, shares, side="left")
        found: FloatArray = self.points[np.minimum(places, len(self.points) - 1)]
        return found

    def share_up_to(self, values: FloatArray) -> FloatArray:
        """Return the shares of values that are at most each of the given ones."""
        reached = np.concatenate(([0.0], np.cumsum(self.weights) / self.weights.sum()))
        found: FloatArray = reached[np.searchsorted(self.points, values, side="right")]
        return found

    def count_of(self, value: float) -> float:
        """Return about how many values are exactly this one."""
        return float(self.weights[self.points == value].sum())
