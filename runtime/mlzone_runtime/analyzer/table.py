"""Records in columns, typed by the model's features; everything that is read ends up here.

Numbers are float64 with NaN for what is missing; categories are codes into a list of labels, -1 for
what is missing. Text that should be a number is counted and shown, and counts as no number.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlzone_runtime.tabular_schema import Feature

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int32]

_EMPTY_NUMBERS = ["", "nan", "NaN", "NA", "null", "None"]
_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class NumberColumn:
    """Values of a number; `malformed` of them were no number and stand as NaN."""

    numbers: FloatArray
    malformed: int = 0
    examples: tuple[str, ...] = ()

    @cached_property
    def ordered(self) -> FloatArray:
        """The numbers sorted, without the missing ones; sorted once, as it takes long."""
        values: FloatArray = np.sort(self.numbers)
        return values[: len(values) - int(np.isnan(values).sum())]

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


Column: TypeAlias = NumberColumn | CategoryColumn


@dataclass(frozen=True, kw_only=True)
class Table:
    """Records of some features, by column."""

    features: tuple[Feature, ...]
    columns: Mapping[str, Column]
    rows: int

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
                chosen[name] = CategoryColumn(codes=column.codes[rows], labels=column.labels)
        return Table(features=self.features, columns=chosen, rows=len(rows))


@dataclass
class TableBuilder:
    """Collects blocks of comma-separated text or frames into one table."""

    features: tuple[Feature, ...]
    _numbers: dict[str, list[FloatArray]] = field(default_factory=dict)
    _codes: dict[str, list[IntArray]] = field(default_factory=dict)
    _labels: dict[str, dict[str, int]] = field(default_factory=dict)
    _malformed: dict[str, int] = field(default_factory=dict)
    _examples: dict[str, list[str]] = field(default_factory=dict)
    _rows: int = 0

    def add_text(self, text: bytes) -> None:
        """Add rows without a header, in the order of the features."""
        self.add_frame(read_frame(io.BytesIO(text), self.features, names=self._names()))

    def add_frame(self, frame: Any) -> None:
        """Add the features' columns of a frame; a column it lacks counts as missing throughout."""
        self._rows += len(frame)
        for feature in self.features:
            if feature.kind == "number":
                self._add_number(feature.name, frame)
            else:
                self._add_category(feature.name, frame)

    def finish(self) -> Table:
        """Return everything that was added."""
        columns: dict[str, Column] = {}
        for feature in self.features:
            name = feature.name
            if feature.kind == "number":
                columns[name] = NumberColumn(
                    numbers=np.concatenate(self._numbers.pop(name, [np.empty(0)])),
                    malformed=self._malformed.get(name, 0),
                    examples=tuple(self._examples.get(name, ())),
                )
            else:
                codes = self._codes.pop(name, [np.empty(0, dtype=np.int32)])
                columns[name] = CategoryColumn(
                    codes=np.concatenate(codes), labels=tuple(self._labels.get(name, {}))
                )
        return Table(features=self.features, columns=columns, rows=self._rows)

    def _names(self) -> list[str]:
        return [feature.name for feature in self.features]

    def _add_number(self, name: str, frame: Any) -> None:
        blocks = self._numbers.setdefault(name, [])
        if name not in frame:
            blocks.append(np.full(len(frame), np.nan))
            return
        column = frame[name]
        if column.dtype == np.float64:
            values = column.to_numpy(copy=True)
        else:
            # Some text in this block is no number: convert each distinct value once.
            labels = [str(label) for label in column.cat.categories]
            known = np.asarray(pd.to_numeric(pd.Series(labels, dtype=object), errors="coerce"))
            codes = column.cat.codes.to_numpy()
            values = np.where(codes < 0, np.nan, known.astype(np.float64)[codes])
            for code in np.flatnonzero(np.isnan(known.astype(np.float64))):
                self._note(name, int((codes == code).sum()), labels[code])
        endless = np.isinf(values)
        if endless.any():
            self._note(name, int(endless.sum()), str(values[endless][0]))
            values[endless] = np.nan
        blocks.append(values)

    def _note(self, name: str, count: int, example: str) -> None:
        self._malformed[name] = self._malformed.get(name, 0) + count
        examples = self._examples.setdefault(name, [])
        if len(examples) < _EXAMPLES and example not in examples:
            examples.append(example)

    def _add_category(self, name: str, frame: Any) -> None:
        blocks = self._codes.setdefault(name, [])
        known = self._labels.setdefault(name, {})
        if name not in frame:
            blocks.append(np.full(len(frame), -1, dtype=np.int32))
            return
        column = frame[name].cat
        places = [known.setdefault(str(label), len(known)) for label in column.categories]
        codes = column.codes.to_numpy()
        blocks.append(np.array([*places, -1], dtype=np.int32)[codes])


def read_frame(source: Any, features: Sequence[Feature], *, names: list[str] | None = None) -> Any:
    """Read comma-separated text into a frame of floats and categories.

    A block whose numbers are not all numbers is read again with these columns as text, so that
    `TableBuilder` can count what is malformed.

    Args:
        source: A path or a seekable buffer.
        features: The columns that get these types.
        names: The columns' names if the text has no header.

    Raises:
        pandas.errors.ParserError: Rows have more fields than there are columns.
    """
    wanted = {feature.name for feature in features}
    numbers = {feature.name for feature in features if feature.kind == "number"}
    options = {
        "names": names,
        "header": None if names else 0,
        "keep_default_na": False,
        "na_values": {name: _EMPTY_NUMBERS if name in numbers else [""] for name in wanted},
        "encoding_errors": "replace",
        "low_memory": False,  # blocks are small already
    }
    types = {name: "float64" if name in numbers else "category" for name in wanted}
    try:
        frame = pd.read_csv(source, dtype=types, **options)
    except pd.errors.ParserError:
        raise
    except ValueError:
        if hasattr(source, "seek"):
            source.seek(0)
        frame = pd.read_csv(source, dtype=dict.fromkeys(wanted, "category"), **options)
    if not isinstance(frame.index, pd.RangeIndex):  # pandas took the first fields for an index
        raise pd.errors.ParserError("every row has more fields than there are columns")
    return frame
