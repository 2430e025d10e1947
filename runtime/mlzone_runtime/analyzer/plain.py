"""Reads plain CSV data: a training set, or the input and output of a batch transform."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlzone_runtime.analyzer.capture import data_files
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.intake import Intake, IntakeBuilder
from mlzone_runtime.analyzer.table import Table, TableBuilder, read_frame
from mlzone_runtime.tabular_schema import Feature


def read_training(folder: Path, features: tuple[Feature, ...]) -> Table:
    """Read all CSV files below a folder; each must have a header with every feature.

    Raises:
        AnalysisError: There is no data, a column is missing, or a file is no CSV.
    """
    builder = TableBuilder(features)
    for file in data_files(folder, (".csv",)):
        absent = [feature.name for feature in features if feature.name not in _header(file)]
        if absent:
            raise AnalysisError(f"{file}: the header lacks the features {', '.join(absent)}")
        try:
            builder.add_frame(read_frame(file, features))
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise AnalysisError(f"{file}: {error}") from error
    table = builder.finish()
    if not table.rows:
        raise AnalysisError(f"no records in the CSV files of {folder}")
    return table


def read_csv(folder: Path, features: tuple[Feature, ...], *, header: bool) -> Intake:
    """Read all CSV files below a folder as a window to analyse.

    Args:
        folder: Where the files are.
        features: The model's inputs.
        header: The first line of each file names the columns; else they are the features in order.
    """
    builder = IntakeBuilder(features)
    names = [feature.name for feature in features]
    for file in data_files(folder, (".csv", ".out")):
        builder.files += 1
        columns = _header(file) if header else names
        try:
            frame = read_frame(file, features, names=None if header else names)
        except pd.errors.EmptyDataError:
            continue
        except pd.errors.ParserError:
            rows = _careful_rows(file, columns, builder, header=header)
            builder.add_rows(rows, [np.nan] * len(rows))
            continue
        builder.add_frame(frame, len(frame))
        _note_columns(builder, columns, names, len(frame))
    return builder.finish()


def _header(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        return next(csv.reader(stream), [])


def _note_columns(
    builder: IntakeBuilder, columns: Sequence[str], names: Sequence[str], rows: int
) -> None:
    builder.faults.named_rows += rows
    builder.faults.seen.update({name: rows for name in names if name in columns})
    builder.faults.extra.update({name: rows for name in columns if name not in names})


def _careful_rows(
    file: Path, columns: Sequence[str], builder: IntakeBuilder, *, header: bool
) -> list[Any]:
    """Read a file some of whose rows have too many fields; those are counted."""
    names = [feature.name for feature in builder.features]
    rows = []
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        reader = csv.reader(stream)
        if header:
            next(reader)
        for row in reader:
            if len(row) == len(columns):
                found = dict(zip(columns, row, strict=True))
                rows.append([found.get(name) for name in names])
            elif row:
                builder.faults.misshapen += 1
                builder.faults.note(f"a row with {len(row)} fields; expected {len(columns)}")
    _note_columns(builder, columns, names, len(rows))
    return rows
