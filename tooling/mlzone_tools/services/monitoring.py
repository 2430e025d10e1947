"""Monitors of a model: run one now, read what it found."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError, DeploymentError, GovernanceError
from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone_tools.cloud.session import Session

_DENIED = ("AccessDenied", "AccessDeniedException")
_PAUSE_SECONDS = 0.5
_LONGEST_SECONDS = 1800.0
ENDED = ("Completed", "CompletedWithViolations", "Failed", "Stopped")
"""The states in which a run of a monitor stays."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """One run of a monitor."""

    job: str
    status: str
    """Completed, CompletedWithViolations, Failed or Stopped."""
    scheduled: datetime
    reason: str
    """Why it failed, or an empty text."""
    output: str
    """S3 URI of the folder with its reports, or an empty text."""


def schedule_name(estate: Estate, model: str, stage: Stage) -> str:
    """Return the name of a model's monitor in an environment."""
    unit, _, chosen = estate.model(model)
    return Naming(prefix=estate.organization.prefix).monitoring_schedule(
        unit.name, chosen.name, stage
    )


def inspections(session: Session, schedule: str) -> tuple[Inspection, ...]:
    """Return the runs of a monitor, newest first.

    Raises:
        ConfigError: the monitor is not there yet.
    """
    sagemaker = session.client("sagemaker")
    _describe(sagemaker, schedule)
    summaries = sagemaker.list_monitoring_executions(MonitoringScheduleName=schedule)[
        "MonitoringExecutionSummaries"
    ]
    ordered = sorted(summaries, key=lambda item: item["ScheduledTime"], reverse=True)
    return tuple(_inspection(sagemaker, item) for item in ordered)


def run_now(
    session: Session, schedule: str, *, window: str, talk: Callable[[str], None]
) -> Inspection:
    """Run a monitor over the latest window, beside its schedule, and wait for the result.

    Args:
        session: may make monitoring schedules.
        schedule: the monitor's schedule; its job definition is used as it is.
        window: how far back, as an ISO 8601 duration such as `PT1H`.
        talk: told how it goes.

    Raises:
        ConfigError: the monitor is not there yet.
        GovernanceError: production's monitors change by delivery alone.
        DeploymentError: it does not end.
    """
    sagemaker = session.client("sagemaker")
    described = _describe(sagemaker, schedule)
    config = described["MonitoringScheduleConfig"]
    name = f"{schedule[:50].rstrip('-')}-now-{time.time_ns() // 10**6 % 10**8}"
    tags = sagemaker.list_tags(ResourceArn=described["MonitoringScheduleArn"])["Tags"]
    try:
        sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=name,
            MonitoringScheduleConfig={
                "ScheduleConfig": {
                    "ScheduleExpression": "NOW",
                    "DataAnalysisStartTime": f"-{window}",
                    "DataAnalysisEndTime": "-PT0H",
                },
                "MonitoringJobDefinitionName": config["MonitoringJobDefinitionName"],
                "MonitoringType": config["MonitoringType"],
            },
            Tags=[tag for tag in tags if not tag["Key"].startswith("aws:")],
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _DENIED:
            raise
        raise GovernanceError(
            error.response["Error"]["Message"],
            hint="production's monitor runs by its schedule alone; on the embedded cloud bring the "
            "next run near: mlzone cloud advance 1h",
        ) from error
    talk(f"{name} has started")
    try:
        return _wait(sagemaker, name)
    finally:
        sagemaker.delete_monitoring_schedule(MonitoringScheduleName=name)


def read(session: Session, inspection: Inspection, file: str) -> bytes:
    """Return a report of a run: `explanation.json`, `report.html`, `constraint_violations.json`.

    Raises:
        ConfigError: the run left no such report.
    """
    bucket, _, prefix = inspection.output.removeprefix("s3://").partition("/")
    if not bucket:
        raise ConfigError(
            f"{inspection.job or 'the monitor'} left no report: {inspection.reason or 'no output'}"
        )
    try:
        content: bytes = (
            session.client("s3")
            .get_object(Bucket=bucket, Key=f"{prefix.rstrip('/')}/{file}")["Body"]
            .read()
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        raise ConfigError(f"{inspection.job} left no {file} in {inspection.output}") from error
    return content


def explanation(session: Session, inspection: Inspection) -> dict[str, Any]:
    """Return what a run found, as the analyzer explains it."""
    content: dict[str, Any] = json.loads(read(session, inspection, "explanation.json"))
    return content


def sentences(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the plain sentences of an explanation, the most important first."""
    return tuple(content["sentences"])


def drifted_features(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the features that an explanation says have moved, the most important first."""
    return tuple(item["feature"] for item in content["findings"])


def latest(session: Session, schedule: str) -> Inspection:
    """Return the newest run of a monitor that left reports.

    Raises:
        ConfigError: there is none.
    """
    for item in inspections(session, schedule):
        if item.output and item.status in ("Completed", "CompletedWithViolations"):
            return item
    raise ConfigError(
        f"{schedule} has no finished run yet",
        hint="run it now: mlzone monitor run MODEL",
    )


def _describe(sagemaker: Any, schedule: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = sagemaker.describe_monitoring_schedule(
            MonitoringScheduleName=schedule
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
            raise
        raise ConfigError(
            f"there is no monitor {schedule}",
            hint="it comes with the first release: mlzone model show MODEL",
        ) from error
    return answer


def _wait(sagemaker: Any, schedule: str) -> Inspection:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        summaries = sagemaker.list_monitoring_executions(MonitoringScheduleName=schedule)[
            "MonitoringExecutionSummaries"
        ]
        if summaries and summaries[0]["MonitoringExecutionStatus"] in ENDED:
            return _inspection(sagemaker, summaries[0])
        time.sleep(_PAUSE_SECONDS)
    raise DeploymentError(f"{schedule} did not end within {_LONGEST_SECONDS:.0f} s")


def _inspection(sagemaker: Any, summary: dict[str, Any]) -> Inspection:
    job = summary.get("ProcessingJobArn", "").rpartition("/")[2]
    output = ""
    if job:
        outputs = sagemaker.describe_processing_job(ProcessingJobName=job)[
            "ProcessingOutputConfig"
        ]["Outputs"]
        output = outputs[0]["S3Output"]["S3Uri"]
    return Inspection(
        job=job,
        status=summary["MonitoringExecutionStatus"],
        scheduled=summary["ScheduledTime"],
        reason=summary.get("FailureReason", ""),
        output=output,
    )
