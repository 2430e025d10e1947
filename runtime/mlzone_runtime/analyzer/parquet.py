"""Reads Parquet files as a window to analyse, by row groups: memory stays bounded.

DuckDB reads them. It is a third of Arrow's size, and pandas keeps its own types beside it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from mlzone_runtime.analyzer.capture import MOST_ROWS, data_files
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.intake import Intake, IntakeBuilder
from mlzone_runtime.tabular_schema import Feature

_FROM = "from read_parquet(?, hive_partitioning=false)"
_VECTORS = 100
"""So many of DuckDB's vectors, of 2,048 rows each, are a block."""
_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def read_parquet(folder: Path, features: tuple[Feature, ...]) -> Intake:
    """Read all Parquet files below a folder.

    Columns are found by their names; one that a file lacks counts as missing throughout.

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
                extra = [name for name in columns if name not in names]
                for frame in _blocks(connection, file, known):
                    builder.add_frame(_typed(frame, features))
                    builder.faults.named_rows += len(frame)
                    builder.faults.seen.update(dict.fromkeys(known, len(frame)))
                    builder.faults.extra.update(dict.fromkeys(extra, len(frame)))
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise AnalysisError(f"{folder} holds a file that is no Parquet: {reason}") from error
    return builder.finish()


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
