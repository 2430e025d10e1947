"""How large the error of an answer is to be expected, as held-out records tell.

Errors often grow with what is answered. The held-out records are put into bins of equal size by
their answers, and the mean error of its bin is what is expected of an answer. As long as the
relation of inputs and outcomes holds, that also tells how good answers will turn out before any
outcome is known.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mlzone_runtime.analyzer.quality import Measure
from mlzone_runtime.analyzer.table import FloatArray

_MOST_BINS = 10
_LEAST_IN_BIN = 20


@dataclass(frozen=True)
class ExpectedError:
    """The mean size of errors in each bin of answers, its standard error, and their spread."""

    edges: FloatArray
    means: FloatArray
    errors: FloatArray
    spreads: FloatArray

    @classmethod
    def fit(cls, answers: FloatArray, sizes: FloatArray) -> Self:
        """Learn from held-out records.

        Args:
            answers: What was answered.
            sizes: Of each answer, how wrong it was, by any measure.
        """
        bins = int(np.clip(len(answers) // _LEAST_IN_BIN, 1, _MOST_BINS))
        edges = np.unique(np.quantile(answers, np.arange(1, bins) / bins))
        places = np.searchsorted(edges, answers, side="right")
        groups = [sizes[places == place] for place in range(len(edges) + 1)]
        whole = float(sizes.mean())
        return cls(
            edges,
            np.array([group.mean() if len(group) else whole for group in groups]),
            np.array([_spread(group) / np.sqrt(max(1, len(group))) for group in groups]),
            np.array([_spread(group) for group in groups]),
        )

    def apply(self, answers: FloatArray) -> FloatArray:
        """Return what is expected of each answer."""
        return self.means[self._places(answers)]

    def mean(self, answers: FloatArray) -> Measure:
        """Return what is expected of all of them together, as sure as the held-out records are."""
        return self._mean(answers, 0.0)

    def to_come(self, answers: FloatArray) -> Measure:
        """Return the same, with the chance that what becomes true brings."""
        return self._mean(answers, 1 / len(answers))

    def _mean(self, answers: FloatArray, chance: float) -> Measure:
        shares = np.bincount(self._places(answers), minlength=len(self.means)) / len(answers)
        variance = ((shares * self.errors) ** 2).sum() + chance * (shares @ self.spreads**2)
        error = float(np.sqrt(variance))
        return Measure(float(shares @ self.means), error, (0.0, np.inf))

    def _places(self, answers: FloatArray) -> NDArray[np.int64]:
        return np.searchsorted(self.edges, answers, side="right")


def _spread(group: FloatArray) -> float:
    return float(group.std()) if len(group) else 0.0
