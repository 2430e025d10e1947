"""What a reader hands on: a table of records, the answers given to them, and what was wrong."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlzone_runtime.analyzer.block import Block, read_block
from mlzone_runtime.analyzer.table import FloatArray, Table
from mlzone_runtime.analyzer.table_builder import TableBuilder
from mlzone_runtime.tabular_schema import Feature

_EXAMPLES = 3
_SEED = 20261128


@dataclass
class Faults:
    """What could not be used, counted; reading goes on.

    Attributes:
        unreadable: Lines that are no capture records, half-written ones for example.
        misshapen: Rows with more or fewer fields than the model has features.
        outside_window: Records from before or after the window.
        extra: Fields that the model does not know, with how often they occurred.
        seen: How often each feature was there, of rows that name their fields.
        named_rows: How many rows named their fields.
        examples: Some of the complaints, for people.
    """

    unreadable: int = 0
    misshapen: int = 0
    outside_window: int = 0
    extra: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    named_rows: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def left_out(self) -> dict[str, int]:
        """What was left out, by its name."""
        counts = {
            "unreadable_records": self.unreadable,
            "misshapen_records": self.misshapen,
            "records_outside_window": self.outside_window,
        }
        return {name: count for name, count in counts.items() if count}

    def note(self, example: str) -> None:
        """Keep a complaint as an example, if there are few yet."""
        if len(self.examples) < _EXAMPLES:
            self.examples.append(example)


@dataclass(frozen=True, kw_only=True)
class Intake:
    """The records of a window.

    Attributes:
        table: The model's inputs.
        predictions: The answers, one a record, NaN where there is none.
        times: When each record was answered, in seconds since 1970; NaN where it is not told.
        seen: How many records there were; of very many, the table holds a sample.
        files: How many files were read.
        faults: What could not be used.
    """

    table: Table
    predictions: FloatArray
    times: FloatArray
    seen: int
    files: int
    faults: Faults

    @property
    def records(self) -> dict[str, Any]:
        """What explanations say of the records."""
        faults = self.faults
        return {
            "analysed": self.table.rows,
            "captured": self.seen,
            "files": self.files,
            "unreadable": faults.unreadable,
            "misshapen": faults.misshapen,
            "outside_window": faults.outside_window,
            "without_prediction": int(np.isnan(self.predictions).sum()),
            "examples": list(faults.examples),
        }

    @property
    def missing_columns(self) -> list[str]:
        """Features that no record has, of records that name their fields."""
        if self.faults.named_rows < self.table.rows or not self.table.rows:
            return []
        return [f.name for f in self.table.features if not self.faults.seen[f.name]]


@dataclass
class IntakeBuilder:
    """Collects rows and answers.

    Attributes:
        features: The model's inputs.
        rate: The probability with which a row is kept, each by itself: all of them, unless there
            are more than fit into memory.
    """

    features: tuple[Feature, ...]
    rate: float = 1.0
    faults: Faults = field(default_factory=Faults)
    files: int = 0
    _table: TableBuilder = field(init=False)
    _predictions: list[FloatArray] = field(default_factory=list)
    _times: list[FloatArray] = field(default_factory=list)
    _seen: int = 0
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(_SEED))

    def __post_init__(self) -> None:
        self._table = TableBuilder(self.features)

    def add_lines(
        self, lines: Sequence[bytes], predictions: FloatArray, times: FloatArray | None = None
    ) -> None:
        """Add unquoted comma-separated rows in the order of the features, with their answers."""
        times = np.full(len(lines), np.nan) if times is None else times
        commas = len(self.features) - 1
        fits = np.fromiter((line.count(b",") == commas for line in lines), bool, len(lines))
        if not fits.all():
            self._misshapen(int((~fits).sum()), lines[int(np.argmin(fits))].count(b",") + 1)
            lines = [line for line, good in zip(lines, fits.tolist(), strict=True) if good]
            predictions, times = predictions[fits], times[fits]
        if lines and (chosen := self._chosen(len(lines))) is not None:
            lines = [lines[place] for place in chosen.tolist()]
            predictions, times = predictions[chosen], times[chosen]
        if lines:
            self._add_text(b"\n".join(lines))
            self._predictions.append(predictions)
            self._times.append(times)

    def add_rows(
        self,
        rows: Sequence[Sequence[object]],
        predictions: Sequence[float],
        times: Sequence[float] | None = None,
    ) -> None:
        """Add rows of values in the order of the features, with their answers."""
        times = [np.nan] * len(rows) if times is None else times
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        kept = []
        for row, prediction, time in zip(rows, predictions, times, strict=True):
            if not self.fits(row):
                continue
            chosen = self._chosen(1)
            if chosen is None or len(chosen):
                writer.writerow(row)
                kept.append((prediction, time))
        if kept:
            self._add_text(buffer.getvalue().encode())
            answers, moments = np.array(kept, dtype=np.float64).T
            self._predictions.append(answers)
            self._times.append(moments)

    def fits(self, row: Sequence[object]) -> bool:
        """Tell whether a row has a field for each feature; count it if it has not."""
        if len(row) == len(self.features):
            return True
        self._misshapen(1, len(row))
        return False

    def add(self, block: Block, answers: FloatArray | None = None) -> None:
        """Add a block of rows, with their answers if there are any."""
        answers = np.full(block.rows, np.nan) if answers is None else answers
        if (chosen := self._chosen(block.rows)) is not None:
            block, answers = block.select(chosen), answers[chosen]
        self._table.add(block)
        self._predictions.append(answers)
        self._times.append(np.full(block.rows, np.nan))

    def finish(self) -> Intake:
        """Return everything that was added."""
        return Intake(
            table=replace(self._table.finish(), whole=self.rate >= 1),
            predictions=np.concatenate(self._predictions or [np.empty(0)]),
            times=np.concatenate(self._times or [np.empty(0)]),
            seen=self._seen,
            files=self.files,
            faults=self.faults,
        )

    def _add_text(self, text: bytes) -> None:
        self._table.add(read_block(text, self.features))

    def _chosen(self, rows: int) -> NDArray[np.int64] | None:
        """Count rows, and return the places of those to keep; none stands for all."""
        self._seen += rows
        if self.rate >= 1:
            return None
        return np.flatnonzero(self._random.random(rows) < self.rate)

    def _misshapen(self, count: int, fields: int) -> None:
        self.faults.misshapen += count
        self.faults.note(f"a row with {fields} fields; expected {len(self.features)}")
