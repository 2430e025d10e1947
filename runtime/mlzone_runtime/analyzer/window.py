"""Reads the records of a window, in whichever format the job is told that they are."""

import json
from collections.abc import Mapping
from typing import Any

from mlzone_runtime.analyzer.capture import read_capture
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.intake import Intake
from mlzone_runtime.analyzer.job import CAPTURED, CSV, PARQUET, TRANSFORMED, Job
from mlzone_runtime.analyzer.plain import read_csv, read_transformed
from mlzone_runtime.tabular_schema import Feature


def read_window(job: Job, features: tuple[Feature, ...]) -> Intake:
    """Return the records of a window.

    Raises:
        AnalysisError: There is no such folder, or the format is none that is known.
    """
    match job.data_format:
        case {"sagemakerCaptureJson": _}:
            return read_capture(job.source, features, job.window)
        case {"csv": {**options}}:
            return read_csv(job.source, features, header=_set(options, "header", default=True))
        case {"batchTransform": {**options}}:
            named = _set(options, "named", default=False)
            return read_transformed(job.source, features, named=named)
        case {"parquet": _}:
            # Only who reads Parquet waits for what reads it.
            from mlzone_runtime.analyzer.parquet import read_parquet  # noqa: PLC0415

            return read_parquet(job.source, features)
    raise AnalysisError(
        f"dataset_format {json.dumps(job.data_format)} is not supported; expected "
        f"{CAPTURED}, {CSV}, {PARQUET} or {TRANSFORMED}"
    )


def _set(options: Mapping[Any, object], name: str, *, default: bool) -> bool:
    return str(options.get(name, default)).lower() == "true"
