"""What answers are worth: how often the positive class follows an answer, as held-out records tell.

Two parameters over the log odds (Platt, "Probabilistic outputs for support vector machines", 1999)
say it well even for few hundred records. As long as the relation of inputs and outcomes holds, they
also tell how good answers will turn out before any outcome is known: confidence-based performance
estimation (Guillory et al., "Predicting with confidence on unseen distributions", ICCV 2021).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mlzone_runtime.analyzer.quality import Measure
from mlzone_runtime.analyzer.table import FloatArray

_ROUNDS = 50
_RIDGE = 1e-3
_NEAR = 1e-9
_LEAST = 1e-6


@dataclass(frozen=True)
class Calibration:
    """The log odds of an outcome: `offset` + `slope` times the log odds of the answer."""

    offset: float
    slope: float

    @classmethod
    def fit(cls, probabilities: FloatArray, outcomes: FloatArray) -> Self:
        """Learn from held-out records, by Newton's method with a slight pull to the identity."""
        inputs = np.column_stack((np.ones(len(probabilities)), _log_odds(probabilities)))
        start = np.array([0.0, 1.0])
        weights = start.copy()
        for _ in range(_ROUNDS):
            chances = _probability(inputs @ weights)
            gradient = inputs.T @ (chances - outcomes) + _RIDGE * (weights - start)
            curvature = (inputs.T * (chances * (1 - chances))) @ inputs + _RIDGE * np.eye(2)
            step = np.linalg.solve(curvature, gradient)
            weights -= step
            if np.abs(step).max() < _NEAR:
                break
        return cls(float(weights[0]), float(weights[1]))

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Return how likely the positive class follows each answer."""
        return _probability(self.offset + self.slope * _log_odds(probabilities))


def chance_of_error(chances: FloatArray, probabilities: FloatArray, threshold: float) -> FloatArray:
    """Return how likely each decision turns out wrong."""
    return np.where(probabilities >= threshold, 1 - chances, chances)


def expected(chances: FloatArray) -> Measure:
    """Return the mean of chances that come true or not, and the error of what comes true."""
    variance = float((chances * (1 - chances)).sum())
    return Measure(float(chances.mean()), float(np.sqrt(variance)) / len(chances))


def _log_odds(probabilities: FloatArray) -> FloatArray:
    inside = np.clip(probabilities, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)


def _probability(log_odds: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)
