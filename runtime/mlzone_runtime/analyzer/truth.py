"""What became true of a model's cases: reads ground truth, and finds the case that it is of.

A line of ground truth is found by `eventMetadata.eventId`. Its data are CSV or JSON, a line or an
entry for each record of the request: the outcome, and what else became known, such as the groups
that a model may not see. In CSV the outcome comes first, then the columns that the baseline's
groups name, in their order.
"""

import base64
import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mlzone_runtime.analyzer.capture import SUFFIXES, data_files
from mlzone_runtime.tabular_schema import Schema

OUTCOME = "label"
"""The name of the outcome in JSON, beside the model's own name of it."""


@dataclass
class TruthFaults:
    """What of the ground truth could not be used, counted.

    Attributes:
        unreadable: Lines that are none.
        misshapen: Outcomes that are more or fewer than the records of their request.
        unclear: Outcomes that are no class that is known, or no number where one is expected.
        unknown: Outcomes of requests that the window does not hold.
    """

    unreadable: int = 0
    misshapen: int = 0
    unclear: int = 0
    unknown: int = 0

    @property
    def left_out(self) -> dict[str, int]:
        """What was left out, by its name."""
        counts = {
            "unreadable_ground_truth": self.unreadable,
            "misshapen_ground_truth": self.misshapen,
            "unclear_ground_truth": self.unclear,
            "unknown_ground_truth": self.unknown,
        }
        return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What became true of one record."""

    outcome: float
    """1 for the positive class, 0 for another one, or a number; NaN where it is not clear."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What else became known, by column."""


@dataclass
class TruthReader:
    """Turns ground truth into outcomes.

    Attributes:
        schema: What the model calls its outcome, and which value is the positive one.
        columns: What comes after the outcome in CSV.
        classes: The values of the outcome that training saw; empty if they are not known.
    """

    schema: Schema
    columns: Sequence[str] = ()
    classes: Sequence[str] = ()
    faults: TruthFaults = field(default_factory=TruthFaults)

    def read(self, folder: Path) -> dict[str, list[Known]]:
        """Return what became true, by the name of the request; a later line counts."""
        found: dict[str, list[Known]] = {}
        if not folder.is_dir():
            return found
        for file in data_files(folder, SUFFIXES):
            for line in file.read_bytes().splitlines():
                if not line.strip():
                    continue
                try:
                    document = json.loads(line)
                    name = str(document["eventMetadata"]["eventId"])
                    found[name] = self.of(document["groundTruthData"])
                except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
                    self.faults.unreadable += 1
        return found

    def of(self, truth: Mapping[str, Any]) -> list[Known]:
        """Return what became true of the records of one request.

        Raises:
            ValueError: It cannot be read.
        """
        text, encoding = str(truth["data"]), truth.get("encoding", "CSV")
        if encoding == "BASE64":
            text = base64.b64decode(text, validate=True).decode()
        if encoding == "JSON" or text.lstrip()[:1] in {"{", "["}:
            document = json.loads(text)
            entries = document if isinstance(document, list) else [document]
            return [self._named(entry) for entry in entries]
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
        return [
            Known(
                outcome=self._outcome(row[0]),
                values=dict(zip(self.columns, row[1:], strict=False)),
            )
            for row in rows
        ]

    def matching(self, known: list[Known] | None, rows: int) -> list[Known | None]:
        """Return what became true of each record of a request, or nothing for each."""
        if known is not None and len(known) != rows:
            self.faults.misshapen += 1
            known = None
        return [*known] if known is not None else [None] * rows

    def _named(self, entry: Any) -> Known:
        if not isinstance(entry, dict):
            return Known(outcome=self._outcome(entry))
        value = entry.get(self.schema.target, entry.get(OUTCOME))
        return Known(
            outcome=self._outcome(value),
            values={str(name): str(item) for name, item in entry.items() if item is not None},
        )

    def _outcome(self, value: object) -> float:
        text = str(value).strip()
        if self.schema.numeric:
            return self._number(text)
        if text == self.schema.positive_class:
            return 1.0
        if text in self.classes:
            return 0.0
        try:
            number = float(text)
        except ValueError:
            number = np.nan
        if number in {0.0, 1.0}:
            return number
        self.faults.unclear += 1
        return np.nan

    def _number(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = np.nan
        if np.isfinite(number):
            return number
        self.faults.unclear += 1
        return np.nan


def outcomes(known: Iterable[Known | None]) -> list[float]:
    """Return the outcomes of records, NaN where nothing became known."""
    return [np.nan if item is None else item.outcome for item in known]
