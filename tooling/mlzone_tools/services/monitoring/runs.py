"""The runs of monitors on both engines: those that were, and one now."""

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError, DeploymentError
from mlzone.monitor_kind import MONITORS, MonitorKind
from mlzone_runtime.handlers import start_monitor
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.monitoring.definition import captured_at, definition_of, job_settings
from mlzone_tools.services.monitoring.monitored import ENDED, Inspection, Monitored

_MISSING = ("ResourceNotFound", "ResourceNotFoundException", "ValidationException")
_PAUSE_SECONDS = 0.5
_LONGEST_SECONDS = 1800.0
_HOUR = timedelta(hours=1)
_WINDOW = re.compile(r"PT(?P<hours>\d+)H")
_STARTED_AT = re.compile(r"-\d{12}")


def inspections(session: Session, monitor: Monitored) -> tuple[Inspection, ...]:
    """Return the runs of a monitor, newest first.

    Raises:
        ConfigError: the monitor is not there yet.
    """
    found = _managed_runs(session, monitor) if monitor.managed else _own_runs(session, monitor)
    return tuple(sorted(found, key=lambda item: item.scheduled, reverse=True))


def run_now(
    session: Session,
    monitor: Monitored,
    *,
    window: str,
    now: datetime,
    talk: Callable[[str], None],
) -> Inspection:
    """Run a monitor over the latest window, beside its schedule, and wait for the result.

    Args:
        session: may start jobs in the monitor's role, or call the function that does.
        monitor: its job definition or its timetable is used as it is.
        window: how far back, as an ISO 8601 duration such as `PT1H`, in whole hours.
        now: the time at the cloud; the hour that has begun counts.
        talk: told how it goes.

    Raises:
        ConfigError: the monitor is not there yet, or the window is none.
        GovernanceError: production's monitors change by delivery alone.
        DeploymentError: it does not end.
    """
    hours = _hours(window)
    until = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + _HOUR
    nearer = "on the embedded cloud the next run can be brought near: mlzone cloud advance 1h"
    with denials(hint=nearer):
        start = _start_managed if monitor.managed else _start_own
        started = start(session, monitor, until, hours)
        return _finished(session.client("sagemaker"), monitor, started, until, talk)


# --- SageMaker Model Monitor ------------------------------------------------------------------


def _managed_runs(session: Session, monitor: Monitored) -> list[Inspection]:
    sagemaker = session.client("sagemaker")
    _describe(sagemaker, monitor.schedule)
    pages = sagemaker.get_paginator("list_monitoring_executions").paginate(
        MonitoringScheduleName=monitor.schedule
    )
    return [
        _inspection(sagemaker, monitor.kind, summary)
        for page in pages
        for summary in page["MonitoringExecutionSummaries"]
    ]


def _start_managed(
    session: Session, monitor: Monitored, until: datetime, hours: int
) -> Mapping[str, str]:
    """Start a job of the definition that the schedule uses.

    A schedule of its own could not be made: guardrails leave that to deployment.
    """
    sagemaker = session.client("sagemaker")
    described = _describe(sagemaker, monitor.schedule)
    name = described["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
    definition = definition_of(sagemaker, monitor.kind, name)
    tags = sagemaker.list_tags(ResourceArn=described["MonitoringScheduleArn"])["Tags"]
    return start_monitor.start(
        until.isoformat(),
        start_monitor.Monitor(
            kind=monitor.kind,
            schedule=monitor.schedule,
            prefix=f"{monitor.job_prefix[:40].rstrip('-')}-now-{time.time_ns() // 10**9 % 10**5}",
            hours=hours,
            lag_hours=0,
            ground_truth=MONITORS[monitor.kind].needs_ground_truth,
        ),
        job_settings(definition, captured_at(sagemaker, described["EndpointName"]), tags),
        s3=session.client("s3"),
        sagemaker=sagemaker,
    )


def _describe(sagemaker: Any, schedule: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = sagemaker.describe_monitoring_schedule(
            MonitoringScheduleName=schedule
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        raise _not_there(schedule) from error
    return answer


def _inspection(sagemaker: Any, kind: MonitorKind, summary: dict[str, Any]) -> Inspection:
    job = summary.get("ProcessingJobArn", "").rpartition("/")[2]
    output = ""
    if job:
        found = sagemaker.describe_processing_job(ProcessingJobName=job)
        output = found["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    return Inspection(
        monitor=kind,
        job=job,
        status=summary["MonitoringExecutionStatus"],
        scheduled=summary["ScheduledTime"],
        reason=summary.get("FailureReason", ""),
        output=output,
    )


# --- EventBridge Scheduler --------------------------------------------------------------------


def _own_runs(session: Session, monitor: Monitored) -> list[Inspection]:
    _timetable(session, monitor)
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_processing_jobs").paginate(
        NameContains=monitor.job_prefix
    )
    return [
        _of_job(sagemaker, monitor.kind, item["ProcessingJobName"])
        for page in pages
        for item in page["ProcessingJobSummaries"]
        if _STARTED_AT.fullmatch(item["ProcessingJobName"].removeprefix(monitor.job_prefix))
    ]


def _start_own(
    session: Session, monitor: Monitored, until: datetime, hours: int
) -> Mapping[str, str]:
    told = _timetable(session, monitor)
    answer = session.client("lambda").invoke(
        FunctionName=monitor.starter,
        Payload=json.dumps({"time": until.isoformat(), "monitor": {**told, "hours": hours}}),
    )
    said: dict[str, str] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise DeploymentError(f"{monitor.starter} failed: {said.get('errorMessage', said)}")
    return said


def _timetable(session: Session, monitor: Monitored) -> dict[str, Any]:
    """Return what the schedule tells the function that starts jobs."""
    try:
        found = session.client("scheduler").get_schedule(Name=monitor.timetable)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        raise _not_there(monitor.timetable) from error
    told: dict[str, Any] = json.loads(found["Target"]["Input"])["monitor"]
    return told


def _of_job(sagemaker: Any, kind: MonitorKind, job: str) -> Inspection:
    found = sagemaker.describe_processing_job(ProcessingJobName=job)
    status = found["ProcessingJobStatus"]
    if status == "Completed" and "CompletedWithViolations" in found.get("ExitMessage", ""):
        status = "CompletedWithViolations"
    return Inspection(
        monitor=kind,
        job=job,
        status=status,
        scheduled=found["CreationTime"],
        reason=found.get("FailureReason", ""),
        output=found["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"],
    )


# --- both -------------------------------------------------------------------------------------


def _hours(window: str) -> int:
    found = _WINDOW.fullmatch(window)
    if not found:
        raise ConfigError(f'got the window "{window}"; expected whole hours, such as PT2H')
    return int(found["hours"])


def _finished(
    sagemaker: Any,
    monitor: Monitored,
    started: Mapping[str, str],
    until: datetime,
    talk: Callable[[str], None],
) -> Inspection:
    """Wait for the end of a job that was started, if one was."""
    job = started.get("started") or started.get("running")
    if not job:
        return Inspection(
            monitor=monitor.kind,
            job="",
            status="Failed",
            scheduled=until,
            reason=started["skipped"],
            output="",
        )
    talk(f"{job} has started")
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        found = _of_job(sagemaker, monitor.kind, job)
        if found.status in ENDED:
            return found
        time.sleep(_PAUSE_SECONDS)
    raise DeploymentError(f"{job} did not end within {_LONGEST_SECONDS:.0f} s")


def _not_there(name: str) -> ConfigError:
    return ConfigError(
        f"there is no monitor {name}",
        hint="it comes with the first release: mlzone model show MODEL",
    )
