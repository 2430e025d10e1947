"""Reads Parquet files as a window to analyse, by row groups: memory stays bounded.

DuckDB reads them. It is a third of Arrow's size, and pandas keeps its own types beside it.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from mlzone_runtime.analyzer.block import Block
from mlzone_runtime.analyzer.capture import MOST_ROWS, Record, data_files
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.intake import Intake, IntakeBuilder
from mlzone_runtime.tabular_schema import Feature

NAME, ANSWER = "id", "prediction"
"""The columns of a record's name and of the model's answer."""
_FROM = "from read_parquet(?, hive_partitioning=false)"
_VECTORS = 100
"""So many of DuckDB's vectors, of 2,048 rows each, are a block."""
_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def read_parquet(folder: Path, features: tuple[Feature, ...]) -> Intake:
    """Read all Parquet files below a folder.

    Columns are found by their names; one that a file lacks counts as missing throughout. Column
    `prediction` is the model's answer, `id` the record's name, unless features are called so.

    Raises:
        AnalysisError: There is no such folder, or a file is no Parquet.
    """
    files = data_files(folder, (".parquet",))
    names = [feature.name for feature in features]
    with duckdb.connect(config=_OFFLINE) as connection:
        try:
            rows = sum(_rows(connection, file) for file in files)
            builder = IntakeBuilder(features, rate=min(1.0, MOST_ROWS / max(1, rows)))
            for file in files:
                builder.files += 1
                columns = _columns(connection, file)
                known = [name for name in names if name in columns]
                extra = [name for name in columns if name not in (*names, NAME, ANSWER)]
                answer = [ANSWER] if ANSWER in columns and ANSWER not in names else []
                for frame in _blocks(connection, file, [*known, *answer]):
                    block = Block.of(_typed(frame, features), features)
                    builder.add(block, _answers(frame) if answer else None)
                    builder.faults.named_rows += len(frame)
                    builder.faults.seen.update(dict.fromkeys(known, len(frame)))
                    builder.faults.extra.update(dict.fromkeys(extra, len(frame)))
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise AnalysisError(f"{folder} holds a file that is no Parquet: {reason}") from error
    return builder.finish()


def parquet_records(
    folder: Path, builder: IntakeBuilder, *, outcome: str, groups: Sequence[str]
) -> Iterator[Record]:
    """Yield answered records one by one: column `prediction` is the answer, `id` the name.

    Args:
        folder: Where the files are.
        builder: Counts the files; its features are what is read.
        outcome: The column of what became true, where files have one.
        groups: What else became true with it.

    Raises:
        AnalysisError: A file is no Parquet, or lacks answers, or both names and outcomes.
    """
    names = [feature.name for feature in builder.features]
    with duckdb.connect(config=_OFFLINE) as connection:
        try:
            for file in data_files(folder, (".parquet",)):
                builder.files += 1
                columns = _columns(connection, file)
                _require(file, columns, outcome)
                wanted = dict.fromkeys([*names, NAME, ANSWER, outcome, *groups])
                for frame in _blocks(connection, file, [n for n in wanted if n in columns]):
                    told = [name for name in (outcome, *groups) if name in frame]
                    yield from _answered(frame, builder.features, told if outcome in told else [])
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise AnalysisError(f"{folder} holds a file that is no Parquet: {reason}") from error


def _require(file: Path, columns: list[str], outcome: str) -> None:
    if ANSWER not in columns:
        raise AnalysisError(f"{file} has no column {ANSWER}, which holds the model's answers")
    if not {NAME, outcome} & set(columns):
        raise AnalysisError(
            f"{file} has no column {outcome} with what became true, and no column {NAME} by which "
            "it could be found"
        )


def _answered(frame: Any, features: tuple[Feature, ...], told: list[str]) -> Iterator[Record]:
    typed = _typed(frame, features).reindex(columns=[feature.name for feature in features])
    rows = typed.astype(object).where(typed.notna(), None).to_numpy().tolist()
    answers = _answers(frame).tolist()
    called = _text(frame[NAME]).tolist() if NAME in frame else [""] * len(rows)
    known = zip(*(_text(frame[name]).tolist() for name in told), strict=True) if told else None
    for row, answer, name in zip(rows, answers, called, strict=True):
        yield Record(
            name=name if isinstance(name, str) else "",
            rows=[row],
            answers=[answer],
            truth=_truth(told, next(known)) if known else None,
        )


def _answers(frame: Any) -> Any:
    """Return the model's answers, NaN where one is no number."""
    return pd.to_numeric(frame[ANSWER], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _truth(names: list[str], values: tuple[Any, ...]) -> dict[str, str] | None:
    """Return what became true as a line of ground truth has it; None where nothing did."""
    told = zip(names, values, strict=True)
    found = {name: value for name, value in told if isinstance(value, str)}
    if names[0] not in found:
        return None
    return {"data": json.dumps(found), "encoding": "JSON"}


def _rows(connection: duckdb.DuckDBPyConnection, file: Path) -> int:
    found = connection.execute(f"select count(*) {_FROM}", [str(file)]).fetchone()
    return int(found[0]) if found else 0


def _columns(connection: duckdb.DuckDBPyConnection, file: Path) -> list[str]:
    described = connection.execute(f"describe select * {_FROM}", [str(file)]).fetchall()
    return [str(row[0]) for row in described]


def _blocks(
    connection: duckdb.DuckDBPyConnection, file: Path, names: list[str]
) -> Iterator[pd.DataFrame]:
    """Yield some columns of a file, block by block."""
    if not names:
        yield pd.DataFrame(index=pd.RangeIndex(_rows(connection, file)))
        return
    chosen = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    found = connection.execute(f"select {chosen} {_FROM}", [str(file)])
    while len(frame := found.fetch_df_chunk(_VECTORS)):
        yield frame


def _typed(frame: Any, features: tuple[Feature, ...]) -> Any:
    """Return numbers as floats and all else as categories of text, as CSV is read."""
    made = {}
    for feature in features:
        if feature.name not in frame:
            continue
        column = frame[feature.name]
        if feature.kind == "number" and pd.api.types.is_numeric_dtype(column.dtype):
            made[feature.name] = column.astype("float64")
        else:
            made[feature.name] = _text(column).astype("category")
    return pd.DataFrame(made, index=frame.index)


def _text(column: Any) -> Any:
    """Return values as text; what is missing or empty stays missing."""
    if pd.api.types.is_float_dtype(column.dtype) and (column.dropna() % 1 == 0).all():
        # Whole numbers with gaps come as floats, and are categories such as 1 and 2.
        column = column.astype("Int64")
    missing = column.isna()
    text = column.astype(object).map(str).where(~missing, None)
    return text.where(text != "", np.nan)
