"""What runs of monitors found."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.monitoring.monitored import Inspection, Monitored
from mlzone_tools.services.monitoring.runs import inspections


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


def latest(session: Session, monitor: Monitored) -> Inspection:
    """Return the newest run of a monitor that left reports.

    Raises:
        ConfigError: there is none.
    """
    for item in inspections(session, monitor):
        if item.output and item.status in ("Completed", "CompletedWithViolations"):
            return item
    raise ConfigError(
        f"{monitor.schedule} has no finished run yet",
        hint="run it now: mlzone monitor run MODEL",
    )
