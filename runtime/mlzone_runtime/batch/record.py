"""What a run is made of and what is known of it: its settings, its names, its record (MOD-02)."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from mlzone_runtime.batch.preparation import split
from mlzone_runtime.handlers.platform_event import ModelScope, setting

SCHEMA = "1"
RECORD = "run.json"
SMOKE = "smoke"
"""Stands for the day of a run that only tests a release."""
ANSWER = "probability"
"""The last column of the results."""

_DIGITS = 10
_NO_JOB = frozenset({"ResourceNotFound", "ResourceNotFoundException", "ValidationException"})


class BatchError(Exception):
    """A batch cannot be begun or closed; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the serving stack tells the function."""

    scope: ModelScope
    bus_arn: str
    served: str
    """The SageMaker model; empty without a release, and while the model is stopped."""
    release: str
    model_package_arn: str
    image: str
    releases: str
    """S3 URI of the model's releases."""
    given: str
    """S3 URI of what the model is asked; below it are folders `yyyy/mm/dd`."""
    made: str
    """S3 URI of what it answered; below it are folders `yyyy/mm/dd`, in them one a run."""
    jobs: str
    """What names of transform jobs begin with."""
    hour: int
    """When a day's batch begins, on the next day, in UTC."""
    capture: str
    """S3 URI of captured requests; below it are folders `yyyy/mm/dd/hh`."""
    capture_percentage: int
    job: Mapping[str, Any]
    """The request of CreateTransformJob, but for name, model and data."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        return cls(
            scope=ModelScope.from_environment(environment),
            bus_arn=setting("MLZONE_PLATFORM_BUS", environment),
            served=environment.get("MLZONE_BATCH_MODEL", ""),
            release=environment.get("MLZONE_RELEASE", ""),
            model_package_arn=environment.get("MLZONE_MODEL_PACKAGE", ""),
            image=environment.get("MLZONE_IMAGE", ""),
            releases=setting("MLZONE_RELEASES", environment),
            given=setting("MLZONE_BATCH_INPUT", environment),
            made=setting("MLZONE_BATCH_OUTPUT", environment),
            jobs=setting("MLZONE_BATCH_JOBS", environment),
            hour=int(setting("MLZONE_BATCH_HOUR", environment)),
            capture=setting("MLZONE_CAPTURE", environment),
            capture_percentage=int(setting("MLZONE_CAPTURE_PERCENTAGE", environment)),
            job=json.loads(setting("MLZONE_JOB", environment)),
        )


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: a day, or a test of a release; the same input and release give the same one."""

    day: str
    """`2026-11-28`, or `smoke`."""
    digest: str
    """Of the release and what goes in."""

    @property
    def folder(self) -> str:
        """Its place below the model's answers."""
        return f"{self.day.replace('-', '/')}/{self.digest[:_DIGITS]}"

    def job(self, prefix: str, attempt: int) -> str:
        """Return the name of the transform job of an attempt."""
        name = f"{prefix}-{self.day.replace('-', '')}-{self.digest[:_DIGITS]}"
        return name if attempt == 1 else f"{name}-{attempt}"


def day_before(time: str) -> str:
    """Return the day before a moment in ISO format."""
    moment = datetime.fromisoformat(time).astimezone(UTC)
    return (moment.date() - timedelta(days=1)).isoformat()


def parse_day(text: str) -> str:
    """Return a day that people name.

    Raises:
        BatchError: it is none.
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BatchError(f'got the day "{text}"; expected such as 2026-11-28') from None


def due(day: str, hour: int) -> datetime:
    """Return when a day's batch is due to begin."""
    begin = datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC)
    return begin + timedelta(days=1, hours=hour)


def read(s3: Any, folder: str) -> dict[str, Any]:
    """Return the record of a run, by its folder's URI.

    Raises:
        BatchError: there is none.
    """
    bucket, key = split(f"{folder}/{RECORD}")
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise BatchError(f"{folder} holds no record of a run: {error}") from error
    record: dict[str, Any] = json.loads(found["Body"].read())
    return record


def write(s3: Any, folder: str, record: Mapping[str, Any]) -> None:
    """Write the record of a run."""
    bucket, key = split(f"{folder}/{RECORD}")
    text = json.dumps(record, indent=1, sort_keys=True) + "\n"
    s3.put_object(Bucket=bucket, Key=key, Body=text.encode())


def state_of(sagemaker: Any, job: str) -> dict[str, Any] | None:
    """Return SageMaker's description of a transform job, or None if there is none."""
    try:
        found: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=job)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_JOB:
            return None
        raise
    return found
