"""How far the answers of a release on trial are from those of the release that serves."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_ALL = 100
_TWO_SIDED_95 = 1.96
"""Quantile of the normal distribution: 95 % of it lie between minus and plus this."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far the answers are apart."""

    requests: int
    """So many answers of the release on trial were compared."""
    percent: float
    """On average: points of a probability, or percent of the number answered; not finite where an
    answer was none."""
    margin: float = 0.0
    """Of an A/B test: chance alone may make as much of it, in 95 of 100 tests."""

    def exceeds(self, limit: float) -> bool:
        """Tell whether it is surely more than a limit, in percent."""
        return not self.percent - self.margin <= limit


@dataclass(kw_only=True)
class Comparison:
    """Collects answers of both.

    In a shadow test both were asked the same: answers to equal requests are compared one by one,
    whatever either of them has called the request. In an A/B test each answered other callers, whom
    chance has chosen: averages are compared.
    """

    paired: bool
    """Whether both were asked the same."""
    relative: bool
    """Whether answers are numbers of any size, rather than probabilities."""
    _champion: dict[str, Sequence[float]] = field(default_factory=dict)
    _challenger: list[tuple[str, Sequence[float]]] = field(default_factory=list)

    def add_champion(self, rows: Any, answers: Sequence[float]) -> None:
        """Add an answer of the release that serves to a request, which may ask about many rows."""
        # Those who ask the same again get the same answer.
        self._champion[_key(rows)] = answers

    def add_challenger(self, rows: Any, answers: Sequence[float]) -> None:
        """Add an answer of the release on trial."""
        self._challenger.append((_key(rows), answers))

    def difference(self) -> Difference:
        """Return how far they are apart, as far as they can be compared yet."""
        return self._of_pairs() if self.paired else self._of_averages()

    def _of_pairs(self) -> Difference:
        pairs = [
            (before, answers)
            for key, answers in self._challenger
            if (before := self._champion.get(key)) is not None
        ]
        apart = [
            abs(one - other)
            for before, answers in pairs
            # Another number of answers than of rows was given: it cannot be compared.
            for one, other in (zip(before, answers, strict=False) if before else ())
        ]
        scale = self._scale([one for before, _ in pairs for one in before])
        return Difference(
            requests=len(pairs), percent=_ALL * _mean(apart) / scale if apart else 0.0
        )

    def _of_averages(self) -> Difference:
        champion = [answer for answers in self._champion.values() for answer in answers]
        challenger = [answer for _, answers in self._challenger for answer in answers]
        if not champion or not challenger:
            return Difference(requests=0, percent=0.0)
        scale = self._scale(champion)
        apart = abs(_mean(challenger) - _mean(champion))
        # Welch's standard error: neither as many nor as widely spread in both.
        error = math.sqrt(_variance(champion) + _variance(challenger))
        return Difference(
            requests=len(self._challenger),
            percent=_ALL * apart / scale,
            margin=_ALL * _TWO_SIDED_95 * error / scale,
        )

    def _scale(self, champion: Sequence[float]) -> float:
        """Return what a difference is held against: 1, or the usual size of a number answered."""
        if not self.relative or not champion:
            return 1.0
        return _mean([abs(answer) for answer in champion]) or 1.0


def _key(rows: Any) -> str:
    return json.dumps(rows, separators=(",", ":"), default=str)


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values)


def _variance(values: Sequence[float]) -> float:
    """Return the variance of a mean."""
    return statistics.variance(values) / len(values) if len(values) > 1 else 0.0
