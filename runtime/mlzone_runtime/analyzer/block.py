"""A block of records as it is read: typed by the model's features, ready to be added to a table.

Blocks are made by several threads at once; a table takes them one by one.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlzone_runtime.analyzer.table import CategoryColumn, FloatArray
from mlzone_runtime.tabular_schema import Feature

_EMPTY_NUMBERS = ["", "nan", "NaN", "NA", "null", "None"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """Records of some features, by column; a feature that the records lack has none.

    Attributes:
        rows: How many records there are.
        numbers: Values of numbers, NaN for what is missing or is no number.
        categories: Values of categories.
        malformed: Of numbers the texts that are none, -1 where there is a number or nothing.
    """

    rows: int
    numbers: Mapping[str, FloatArray]
    categories: Mapping[str, CategoryColumn]
    malformed: Mapping[str, CategoryColumn]

    @classmethod
    def of(cls, frame: Any, features: Sequence[Feature]) -> Self:
        """Take the features' columns of a frame: floats, and categories of text."""
        numbers: dict[str, FloatArray] = {}
        categories: dict[str, CategoryColumn] = {}
        malformed: dict[str, CategoryColumn] = {}
        for feature in features:
            if (name := feature.name) not in frame:
                continue
            column = frame[name]
            if feature.kind == "category":
                categories[name] = _category(column)
                continue
            numbers[name], faults = _number(column)
            if faults:
                malformed[name] = faults
        return cls(rows=len(frame), numbers=numbers, categories=categories, malformed=malformed)

    def select(self, rows: NDArray[np.int64]) -> Self:
        """Return some of the records, in the order given."""
        return type(self)(
            rows=len(rows),
            numbers={name: numbers[rows] for name, numbers in self.numbers.items()},
            categories={name: column.select(rows) for name, column in self.categories.items()},
            malformed={name: column.select(rows) for name, column in self.malformed.items()},
        )


def _category(column: Any) -> CategoryColumn:
    labels = tuple(str(label) for label in column.cat.categories)
    return CategoryColumn(codes=column.cat.codes.to_numpy(), labels=labels)


def _number(column: Any) -> tuple[FloatArray, CategoryColumn | None]:
    """Return a number's values, and what is none, if anything is not."""
    if column.dtype == np.float64:
        values = column.to_numpy()
        if not (endless := np.isinf(values)).any():
            return values, None
        text = CategoryColumn(codes=np.where(endless, 0, -1), labels=(str(values[endless][0]),))
        return np.where(endless, np.nan, values), text
    # Some text in this block is no number: convert each distinct value once.
    text = _category(column)
    known = np.asarray(pd.to_numeric(pd.Series(text.labels, dtype=object), errors="coerce"))
    known = np.append(known.astype(np.float64), np.nan)
    known[np.isinf(known)] = np.nan
    faulty = np.append(np.arange(len(text.labels)), -1)
    faulty[~np.isnan(known)] = -1
    return known[text.codes], CategoryColumn(codes=faulty[text.codes], labels=text.labels)


def read_block(
    text: bytes, features: Sequence[Feature], names: Sequence[str] | None = None
) -> Block:
    """Read comma-separated text that has no header.

    A block whose numbers are not all numbers is read again with these columns as text, so that
    what is malformed can be told.

    Args:
        text: The rows.
        features: The columns that are taken.
        names: The names of all columns; those of the features in their order, unless given.

    Raises:
        pandas.errors.ParserError: Rows have more fields than there are columns.
    """
    wanted = {feature.name for feature in features}
    numbers = {feature.name for feature in features if feature.kind == "number"}
    options = {
        "names": [*(names or (feature.name for feature in features))],
        "header": None,
        "keep_default_na": False,
        "na_values": {name: _EMPTY_NUMBERS if name in numbers else [""] for name in wanted},
        "encoding_errors": "replace",
        "low_memory": False,  # blocks are small already
    }
    types = {name: "float64" if name in numbers else "category" for name in wanted}
    try:
        frame = pd.read_csv(io.BytesIO(text), dtype=types, **options)
    except pd.errors.ParserError:
        raise
    except ValueError:
        texts = dict.fromkeys(wanted, "category")
        frame = pd.read_csv(io.BytesIO(text), dtype=texts, **options)
    if not isinstance(frame.index, pd.RangeIndex):  # pandas took the first fields for an index
        raise pd.errors.ParserError("every row has more fields than there are columns")
    return Block.of(frame, features)
