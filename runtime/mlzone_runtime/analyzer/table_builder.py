"""Collects blocks of records into one table."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mlzone_runtime.analyzer import parallel
from mlzone_runtime.analyzer.block import Block
from mlzone_runtime.analyzer.table import (
    CategoryColumn,
    Column,
    FloatArray,
    IntArray,
    NumberColumn,
    Table,
)
from mlzone_runtime.tabular_schema import Feature

_EXAMPLES = 5


@dataclass
class TableBuilder:
    """Collects blocks; what one lacks of a feature counts as missing throughout."""

    features: Sequence[Feature]
    _numbers: dict[str, list[FloatArray]] = field(default_factory=dict)
    _codes: dict[str, list[IntArray]] = field(default_factory=dict)
    _labels: dict[str, dict[str, int]] = field(default_factory=dict)
    _malformed: dict[str, int] = field(default_factory=dict)
    _examples: dict[str, list[str]] = field(default_factory=dict)
    _rows: int = 0

    def add(self, block: Block) -> None:
        """Add the features' columns of a block."""
        self._rows += block.rows
        for feature in self.features:
            if feature.kind == "number":
                self._add_number(feature.name, block)
            else:
                self._add_category(feature.name, block)

    def finish(self) -> Table:
        """Return everything that was added."""
        columns = zip(self.features, parallel.ordered(self._column, self.features), strict=True)
        return Table(
            features=tuple(self.features),
            columns={feature.name: column for feature, column in columns},
            rows=self._rows,
        )

    def _column(self, feature: Feature) -> Column:
        """Return a feature's column, and let go of the blocks that it was made of."""
        name = feature.name
        if feature.kind == "number":
            return NumberColumn(
                numbers=np.concatenate(self._numbers.pop(name, [np.empty(0)])),
                malformed=self._malformed.get(name, 0),
                examples=tuple(self._examples.get(name, ())),
            )
        codes = self._codes.pop(name, [np.empty(0, dtype=np.int32)])
        return CategoryColumn(codes=np.concatenate(codes), labels=tuple(self._labels.get(name, {})))

    def _add_number(self, name: str, block: Block) -> None:
        numbers = block.numbers.get(name)
        self._numbers.setdefault(name, []).append(
            np.full(block.rows, np.nan) if numbers is None else numbers
        )
        if (text := block.malformed.get(name)) is None:
            return
        counts = np.bincount(text.codes[text.codes >= 0], minlength=len(text.labels))
        for label, count in zip(text.labels, counts.tolist(), strict=True):
            if count:
                self._note(name, count, label)

    def _note(self, name: str, count: int, example: str) -> None:
        self._malformed[name] = self._malformed.get(name, 0) + count
        examples = self._examples.setdefault(name, [])
        if len(examples) < _EXAMPLES and example not in examples:
            examples.append(example)

    def _add_category(self, name: str, block: Block) -> None:
        blocks = self._codes.setdefault(name, [])
        known = self._labels.setdefault(name, {})
        if (column := block.categories.get(name)) is None:
            blocks.append(np.full(block.rows, -1, dtype=np.int32))
            return
        places = [known.setdefault(label, len(known)) for label in column.labels]
        blocks.append(np.array([*places, -1], dtype=np.int32)[column.codes])
