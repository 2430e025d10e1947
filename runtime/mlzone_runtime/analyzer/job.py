"""What a run is told: settings from the environment, by the names that Model Monitor gives."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from mlzone_runtime.analyzer.baseline import CONSTRAINTS, STATISTICS
from mlzone_runtime.analyzer.capture import Window
from mlzone_runtime.analyzer.errors import AnalysisError

DATA_QUALITY = "data-quality"
"""The monitor that runs unless another one is named."""

MERGED, CAPTURED, CSV = "sagemakerMergeJson", "sagemakerCaptureJson", "csv"
PARQUET, TRANSFORMED = "parquet", "batchTransform"

_CAPTURE: dict[str, Any] = {CAPTURED: {}}


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the environment tells, by the names that Model Monitor gives.

    Attributes:
        source: Folder of the window's data.
        truth: Folder of what became true, if it was not merged into the requests.
        data_format: What `dataset_format` says.
        output: Folder to write.
        baseline: Folder of the baseline.
        window: The time to look at.
        about: What reports say of the run.
        message: File for the job's exit message.
    """

    source: Path
    truth: Path
    data_format: Mapping[str, Any]
    output: Path
    baseline: Path
    statistics: Path
    constraints: Path
    window: Window
    about: Mapping[str, str]
    message: Path

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Self:
        """Read the environment.

        Raises:
            AnalysisError: A variable is missing or is not what it must be.
        """
        statistics = _file(_required(environment, "baseline_statistics"), STATISTICS)
        constraints = _file(_required(environment, "baseline_constraints"), CONSTRAINTS)
        about = {
            "kind": environment.get("MLZONE_MONITOR", DATA_QUALITY),
            "endpoint": environment.get("sagemaker_endpoint_name", ""),
            "schedule": environment.get("sagemaker_monitoring_schedule_name", ""),
            "release": environment.get("MLZONE_RELEASE", ""),
            "start_time": environment.get("start_time", ""),
            "end_time": environment.get("end_time", ""),
        }
        base = Path(environment.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
        return cls(
            source=Path(_required(environment, "dataset_source")),
            truth=base / "processing" / "input" / "ground_truth",
            data_format=_format(environment.get("dataset_format", "")),
            output=Path(_required(environment, "output_path")),
            baseline=statistics.parent,
            statistics=statistics,
            constraints=constraints,
            window=Window(
                start=_time(environment, "start_time"), end=_time(environment, "end_time")
            ),
            about=about,
            message=base / "output" / "message",
        )


def _required(environment: Mapping[str, str], name: str) -> str:
    if not (value := environment.get(name)):
        raise AnalysisError(f"the environment variable {name} is not set")
    return value


def _file(place: str, name: str) -> Path:
    """Return a file of the baseline, given itself or its folder."""
    path = Path(place)
    file = path / name if path.is_dir() else path
    if not file.is_file():
        raise AnalysisError(f"no such file: {file}")
    return file


def document(file: Path) -> dict[str, Any]:
    """Read statistics or constraints of a baseline.

    Raises:
        AnalysisError: It is no such document.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AnalysisError(f"{file} is no JSON: {error}") from error
    if not isinstance(document, dict) or "features" not in document:
        raise AnalysisError(f"{file}: expected an object with the key 'features'")
    return document


def _format(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text) if text else _CAPTURE
    except ValueError as error:
        raise AnalysisError(f"dataset_format is no JSON: {text!r}") from error
    if not isinstance(document, dict):
        raise AnalysisError(f"dataset_format is {text!r}; expected an object")
    return document


def _time(environment: Mapping[str, str], name: str) -> datetime | None:
    if not (text := environment.get(name)):
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", ""))
    except ValueError as error:
        raise AnalysisError(f"{name} is {text!r}; expected a time in ISO 8601") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
