"""Records in columns, typed by the model's features; everything that is read ends up here.

Numbers are float64 with NaN for what is missing; categories are codes into a list of labels, -1 for
what is missing. Text that should be a number is counted and shown, and counts as no number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlzone_runtime.tabular_schema import Feature

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class NumberColumn:
    """Values of a number; `malformed` of them were no number and stand as NaN."""

    numbers: FloatArray
    malformed: int = 0
    examples: tuple[str, ...] = ()
    _sorted: list[FloatArray] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def ordered(self) -> FloatArray:
        """The numbers sorted, without the missing ones; sorted once, as it takes long.

        Kept by hand: Python 3.11's `cached_property` lets one column at a time be sorted.
        """
        if not self._sorted:
            values: FloatArray = np.sort(self.numbers)
            self._sorted.append(values[: len(values) - int(np.isnan(values).sum())])
        return self._sorted[0]

    @property
    def missing(self) -> int:
        """How many values are missing, not counting malformed ones."""
        return int(np.isnan(self.numbers).sum()) - self.malformed


@dataclass(frozen=True, kw_only=True)
class CategoryColumn:
    """Values of a category as positions in `labels`."""

    codes: IntArray
    labels: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many values are missing."""
        return int((self.codes < 0).sum())

    def select(self, rows: NDArray[np.int64]) -> "CategoryColumn":
        """Return some of the values, in the order given."""
        return CategoryColumn(codes=self.codes[rows], labels=self.labels)


Column: TypeAlias = NumberColumn | CategoryColumn


@dataclass(frozen=True, kw_only=True)
class Table:
    """Records of some features, by column."""

    features: tuple[Feature, ...]
    columns: Mapping[str, Column]
    rows: int
    whole: bool = True
    """Whether these are all records that there were, not a sample."""

    def number(self, name: str) -> NumberColumn:
        """Return the column of a number."""
        column = self.columns[name]
        if not isinstance(column, NumberColumn):
            raise TypeError(f"{name} is no number")
        return column

    def category(self, name: str) -> CategoryColumn:
        """Return the column of a category."""
        column = self.columns[name]
        if not isinstance(column, CategoryColumn):
            raise TypeError(f"{name} is no category")
        return column

    def select(self, rows: NDArray[np.int64]) -> "Table":
        """Return some of the records, in the order given."""
        chosen: dict[str, Column] = {}
        for name, column in self.columns.items():
            if isinstance(column, NumberColumn):
                chosen[name] = NumberColumn(numbers=column.numbers[rows])
            else:
                chosen[name] = column.select(rows)
        return Table(features=self.features, columns=chosen, rows=len(rows), whole=False)
