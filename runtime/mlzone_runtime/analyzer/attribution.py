"""How much of the shift of the mean prediction does each feature account for?

A tree model's log odds are the sum of its features' exact TreeSHAP values and a constant (Lundberg,
Erion, Lee: "Consistent individualized feature attribution for tree ensembles", 2018; Lundberg et
al., Nature Machine Intelligence 2, 2020). So the change of the mean log odds between two sets of
records is the sum of the changes of the features' mean values, with nothing left over. That is the
ranking. It answers, for the model's output, the question that Budhathoki et al. ("Why did the
distribution change?", AISTATS 2021) ask of causes and Zhang et al. ("Why did the model fail?", ICML
2023) of performance.

Where answers are any numbers, they take the place of log odds throughout: their mean is then itself
the sum of its parts.

Limits: dependent features share the credit; a feature that did not move can get some of it, because
another one moved that it interacts with.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlzone_runtime.analyzer.model import WatchedModel
from mlzone_runtime.analyzer.table import FloatArray, Table

MOST_RECORDS = 2000
"""Records of the window that are asked: the baseline's sample is smaller and sets the error."""

_NOTEWORTHY = 3.0


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """One feature's part.

    Attributes:
        feature: Column name.
        unit: What it is counted in: log odds, or of any numbers the answer.
        log_odds: Change of its mean Shapley value, in the unit; over all features they add up to
            the shift.
        standard_error: Of `log_odds`, from the spread of the values in both samples.
        share: Part of the shift, signed; none if the shift itself could be chance.
        movement: Part of all movement: absolute change over the sum of absolute changes.
        probability: Part of the shift of the mean answer, in proportion to `share`; none if there
            is no `share`. Of probabilities an approximation: they do not add up.
    """

    feature: str
    unit: str
    log_odds: float
    standard_error: float
    share: float | None
    movement: float
    probability: float | None


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """The shift of the mean prediction, and its parts.

    Attributes:
        method: How contributions are computed, for people.
        unit: What contributions are counted in: log odds, or of any numbers the answer.
        baseline_log_odds: Mean over the baseline's sample.
        current_log_odds: Mean over the window's sample.
        baseline_probability: Mean over the baseline's sample.
        current_probability: Mean over the window's sample.
        baseline_records: Size of the baseline's sample.
        current_records: Size of the window's sample.
        standard_error: Of the shift of the mean log odds.
        contributions: By feature, the largest first.
    """

    method: str
    unit: str
    baseline_log_odds: float
    current_log_odds: float
    baseline_probability: float
    current_probability: float
    baseline_records: int
    current_records: int
    standard_error: float
    contributions: tuple[Contribution, ...]

    @property
    def shift(self) -> float:
        """The shift of the mean log odds."""
        return self.current_log_odds - self.baseline_log_odds

    @property
    def clear(self) -> bool:
        """The shift is too large to be chance: its parts can be told as shares of it."""
        return abs(self.shift) > _NOTEWORTHY * self.standard_error

    def of(self, feature: str) -> Contribution:
        """Return one feature's part."""
        return next(part for part in self.contributions if part.feature == feature)


def evenly(rows: int, most: int = MOST_RECORDS) -> NDArray[np.int64]:
    """Return the places of evenly spaced records, at most so many."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(np.int64)


def attribute(model: WatchedModel, baseline: Table, current: Table) -> Attribution:
    """Decompose the shift of the mean prediction from one table to the other."""
    before, now = model.contributions(baseline), model.contributions(current)
    odds_before, odds_now = before.sum(axis=1), now.sum(axis=1)
    schema = model.schema
    chances = [float(_answers(odds, schema.link).mean()) for odds in (odds_before, odds_now)]
    shift = float(odds_now.mean() - odds_before.mean())
    error = float(_standard_error(odds_before[:, None], odds_now[:, None])[0])
    clear = abs(shift) > _NOTEWORTHY * error
    changes = now[:, :-1].mean(axis=0) - before[:, :-1].mean(axis=0)
    errors = _standard_error(before[:, :-1], now[:, :-1])
    movement = max(float(np.abs(changes).sum()), 1e-12)
    parts = [
        Contribution(
            feature=feature.name,
            unit=schema.unit,
            log_odds=change,
            standard_error=spread,
            share=change / shift if clear else None,
            movement=abs(change) / movement,
            probability=change / shift * (chances[1] - chances[0]) if clear else None,
        )
        for feature, change, spread in zip(
            schema.features, changes.tolist(), errors.tolist(), strict=True
        )
    ]
    return Attribution(
        method=model.attribution,
        unit=schema.unit,
        baseline_log_odds=float(odds_before.mean()),
        current_log_odds=float(odds_now.mean()),
        baseline_probability=chances[0],
        current_probability=chances[1],
        baseline_records=len(before),
        current_records=len(now),
        standard_error=error,
        contributions=tuple(sorted(parts, key=lambda part: -abs(part.log_odds))),
    )


def _answers(sums: FloatArray, link: str) -> FloatArray:
    """Return the answers that contributions add up to."""
    if link == "identity":
        return sums
    return np.asarray(1 / (1 + np.exp(-sums)), dtype=np.float64)


def _standard_error(before: FloatArray, now: FloatArray) -> FloatArray:
    variance = before.var(axis=0) / len(before) + now.var(axis=0) / len(now)
    return np.asarray(np.sqrt(variance), dtype=np.float64)
