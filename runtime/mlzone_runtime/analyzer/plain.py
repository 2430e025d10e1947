"""Reads plain CSV data: a training set, or the input and output of a batch transform."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlzone_runtime.analyzer.capture import data_files, sampling_rate
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.intake import Intake, IntakeBuilder
from mlzone_runtime.analyzer.table import Table, TableBuilder, read_frame
from mlzone_runtime.tabular_schema import Feature

_BLOCK = 1 << 26


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
    files = data_files(folder, (".csv", ".out"))
    builder = IntakeBuilder(features, rate=sampling_rate(files))
    names = [feature.name for feature in features]
    for file in files:
        builder.files += 1
        columns = _header(file) if header else names
        for block in _blocks(file, header=header):
            try:
                frame = read_frame(io.BytesIO(block), features, names=[*columns])
            except pd.errors.ParserError:
                rows = _careful_rows(block, columns, builder)
                builder.add_rows(rows, [np.nan] * len(rows))
                continue
            builder.add_frame(frame)
            _note_columns(builder, columns, names, len(frame))
    return builder.finish()


def _blocks(file: Path, *, header: bool) -> Iterator[bytes]:
    """Yield the rows of a file in blocks; no block ends within a quoted field."""
    with file.open("rb") as stream:
        if header:
            stream.readline()
        while block := stream.read(_BLOCK):
            block += stream.readline()
            while block.count(b'"') % 2 and (more := stream.readline()):
                block += more
            if block.strip():
                yield block


def _header(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        return next(csv.reader(stream), [])


def _note_columns(
    builder: IntakeBuilder, columns: Sequence[str], names: Sequence[str], rows: int
) -> None:
    builder.faults.named_rows += rows
    builder.faults.seen.update({name: rows for name in names if name in columns})
    builder.faults.extra.update({name: rows for name in columns if name not in names})


def _careful_rows(block: bytes, columns: Sequence[str], builder: IntakeBuilder) -> list[Any]:
    """Read rows some of which have too many fields; those are counted."""
    names = [feature.name for feature in builder.features]
    rows = []
    for row in csv.reader(io.StringIO(block.decode(errors="replace"), newline="")):
        if len(row) == len(columns):
            found = dict(zip(columns, row, strict=True))
            rows.append([found.get(name) for name in names])
        elif row:
            builder.faults.misshapen += 1
            builder.faults.note(f"a row with {len(row)} fields; expected {len(columns)}")
    _note_columns(builder, columns, names, len(rows))
    return rows
