"""Records that repeat another one in every feature: requests that were sent more than once.

Rows are told apart by 64 bits of a hash: among a million different ones any two fall together with
a probability of 3 in a hundred million. Of a sample nothing can be said: it parts what belongs
together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlzone_runtime.analyzer import parallel, significance
from mlzone_runtime.analyzer.settings import OWN_KEY
from mlzone_runtime.analyzer.table import CategoryColumn, Column, Table

_KEY = "repeated_records"
_NOTEWORTHY = 0.05
_ODD = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""The multipliers of SplitMix64 (Steele, Lea, Flood: OOPSLA 2014)."""
_SHIFT = np.uint64(32)
_ROWS = 1 << 13
"""So many rows at once stay in a processor's cache."""


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """How many records repeat another one.

    Attributes:
        records: So many do; the first of each kind is not counted.
        of: So many records there are.
    """

    records: int
    of: int

    @classmethod
    def count(cls, table: Table) -> "Repetition":
        """Count the records of a table that are like another one before them."""
        columns = [*table.columns.values()]
        starts = range(0, table.rows, _ROWS)
        hashed = np.empty(table.rows, dtype=np.uint64)
        for start, part in zip(
            starts, parallel.ordered(lambda it: _hash(columns, it), starts), strict=True
        ):
            hashed[start : start + _ROWS] = part
        hashed.sort()
        return cls(records=int(np.count_nonzero(hashed[1:] == hashed[:-1])), of=table.rows)

    @classmethod
    def parse(cls, statistics: Mapping[str, Any]) -> "Repetition | None":
        """Read it from `statistics.json`; none if it is not told there."""
        found = statistics.get(OWN_KEY, {}).get(_KEY)
        if found is None:
            return None
        return cls(records=int(found), of=int(statistics["dataset"]["item_count"]))

    def render(self) -> dict[str, Any]:
        """Return what `statistics.json` holds under our own key."""
        return {OWN_KEY: {_KEY: self.records}}

    @property
    def share(self) -> float:
        """The part of all records."""
        return self.records / max(self.of, 1)

    def explain(self, baseline: "Repetition | None", level: float) -> dict[str, Any]:
        """Return what `explanation.json` says of it.

        Args:
            baseline: the same of the baseline, if it is known.
            level: probability of a difference by chance from which it counts.
        """
        chance = (
            significance.fisher_rise(baseline.records, baseline.of, self.records, self.of)
            if baseline
            else 1.0
        )
        rise = self.share - baseline.share if baseline else 0.0
        return {
            "records": self.records,
            "share": self.share,
            "baseline_share": baseline.share if baseline else None,
            "risen": rise >= _NOTEWORTHY and chance < level,
        }


def _hash(columns: Sequence[Column], start: int) -> NDArray[np.uint64]:
    """Return a hash of each of some rows, from one on."""
    rows = slice(start, start + _ROWS)
    parts = [_spread(column, rows, place) for place, column in enumerate(columns, start=1)]
    total: NDArray[np.uint64] = np.sum(parts, axis=0, dtype=np.uint64)
    return total


def _spread(column: Column, rows: slice, place: int) -> NDArray[np.uint64]:
    """Spread a column's values over 64 bits, differently for each place."""
    if isinstance(column, CategoryColumn):
        bits = column.codes[rows].astype(np.int64).view(np.uint64)
    else:
        numbers = column.numbers[rows]
        # One way to write zero, and one for what is missing.
        bits = (numbers + 0.0).view(np.uint64)
        bits[np.isnan(numbers)] = _ODD[0]
    bits += np.uint64((place * _ODD[1]) % (1 << 64))
    for odd in _ODD:
        bits *= np.uint64(odd)
        bits ^= bits >> _SHIFT
    return bits
