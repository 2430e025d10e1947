"""Reads what a batch transform wrote, record by record, with names to find outcomes by."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlzone_runtime.analyzer.capture import Record, data_files
from mlzone_runtime.analyzer.intake import IntakeBuilder


def transformed_records(folder: Path, builder: IntakeBuilder) -> Iterator[Record]:
    """Yield records of files `*.out`: a line is the name, the features and the answer.

    Lines with more fields or fewer are yielded as they are; who adds them to the builder counts
    them.
    """
    for file in data_files(folder, (".csv", ".out")):
        builder.files += 1
        with file.open(newline="", encoding="utf-8", errors="replace") as stream:
            for fields in csv.reader(stream):
                if fields:
                    name, *row = fields[:-1] or fields
                    yield Record(name=name, rows=[[*row]], answers=[_answer(fields[-1])])


def _answer(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
