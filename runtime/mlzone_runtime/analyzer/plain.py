"""Reads plain CSV data: a training set, or the input and output of a batch transform."""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mlzone_runtime.analyzer.block import Block, read_block
from mlzone_runtime.analyzer.capture import data_files, sampling_rate
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.intake import Intake, IntakeBuilder
from mlzone_runtime.analyzer.parallel import ordered
from mlzone_runtime.analyzer.table import Table
from mlzone_runtime.tabular_schema import Feature

_BLOCK = 1 << 22
"""Small enough for a processor's cache: four times as much takes pandas nearly twice as long."""
_NAME, _ANSWER = "(name)", "(answer)"
"""What stands before and after the features in the output of a batch transform."""


def read_training(folder: Path, features: tuple[Feature, ...], *, sampled: bool = False) -> Table:
    """Read all CSV files below a folder; each must have a header with every feature.

    Args:
        folder: Where the files are.
        features: The columns that are read.
        sampled: Of very many records take a uniform sample, so that memory stays bounded.

    Raises:
        AnalysisError: There is no data, a column is missing, or a file is no CSV.
    """
    files = data_files(folder, (".csv",))
    builder = IntakeBuilder(features, rate=sampling_rate(files) if sampled else 1.0)
    for file in files:
        columns = _header(file)
        absent = [feature.name for feature in features if feature.name not in columns]
        if absent:
            raise AnalysisError(f"{file}: the header lacks the features {', '.join(absent)}")
        blocks = _blocks(file, header=True)
        try:
            for block in ordered(partial(read_block, features=features, names=columns), blocks):
                builder.add(block)
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise AnalysisError(f"{file}: {error}") from error
    table = builder.finish().table
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
    return _read(folder, features, None if header else [feature.name for feature in features])


def read_transformed(folder: Path, features: tuple[Feature, ...], *, named: bool) -> Intake:
    """Read what a batch transform wrote that joins its input with the answers.

    Args:
        folder: Where the files `*.out` are.
        features: The model's inputs.
        named: Each line begins with the record's name, which the model was not given.
    """
    first = [_NAME] if named else []
    return _read(folder, features, [*first, *(feature.name for feature in features), _ANSWER])


def _read(folder: Path, features: tuple[Feature, ...], given: list[str] | None) -> Intake:
    files = data_files(folder, (".csv", ".out"))
    builder = IntakeBuilder(features, rate=sampling_rate(files))
    answer = Feature(name=_ANSWER, kind="number")
    for file in files:
        builder.files += 1
        columns = _header(file) if given is None else given
        read = (*features, answer) if _ANSWER in columns else features
        blocks = _blocks(file, header=given is None)
        for text, block in ordered(partial(_parsed, columns, read), blocks):
            if block is None:
                _add_carefully(text, columns, builder)
                continue
            builder.add(block, block.numbers.get(_ANSWER))
            _note_columns(builder, columns, block.rows)
    return builder.finish()


def _parsed(
    columns: Sequence[str], features: tuple[Feature, ...], text: bytes
) -> tuple[bytes, Block | None]:
    """Return a text and its block, or none if some of its rows have more fields, or fewer."""
    lines = _count(text, "\n") + (not text.endswith(b"\n"))
    if b'"' not in text and _count(text, ",") < lines * (len(columns) - 1):
        return text, None
    try:
        return text, read_block(text, features, columns)
    except pd.errors.ParserError:
        return text, None


def _blocks(file: Path, *, header: bool) -> Iterator[bytes]:
    """Yield the rows of a file in blocks; no block ends within a quoted field."""
    with file.open("rb") as stream:
        if header:
            stream.readline()
        while block := stream.read(_BLOCK):
            block += stream.readline()
            while b'"' in block and block.count(b'"') % 2 and (more := stream.readline()):
                block += more
            if not block.isspace():
                yield block


def _count(block: bytes, character: str) -> int:
    """Return how often a character occurs; where it is frequent, several times as fast as bytes."""
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord(character)))


def _header(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        return next(csv.reader(stream), [])


def _note_columns(builder: IntakeBuilder, columns: Sequence[str], rows: int) -> None:
    names = {feature.name for feature in builder.features}
    own = {*names, _NAME, _ANSWER}
    builder.faults.named_rows += rows
    builder.faults.seen.update({name: rows for name in columns if name in names})
    builder.faults.extra.update({name: rows for name in columns if name not in own})


def _add_carefully(block: bytes, columns: Sequence[str], builder: IntakeBuilder) -> None:
    """Add rows some of which have too many fields, or too few; those are counted."""
    rows: list[list[object]] = []
    answers = []
    for row in csv.reader(io.StringIO(block.decode(errors="replace"), newline="")):
        if len(row) == len(columns):
            found = dict(zip(columns, row, strict=True))
            rows.append([found.get(feature.name) for feature in builder.features])
            answers.append(_number(found.get(_ANSWER, "")))
        elif row:
            builder.faults.misshapen += 1
            builder.faults.note(f"a row with {len(row)} fields; expected {len(columns)}")
    builder.add_rows(rows, answers)
    _note_columns(builder, columns, len(rows))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
