"""Starts a model's monitor where SageMaker Model Monitor is closed: a processing job a window.

It does what Model Monitor would: it takes the requests that were captured since the last run, hands
them to the analyzer with the baseline, and runs nothing where there were none. A manifest says
which requests a job looks at; it is kept beside the reports.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mlzone_runtime.handlers.platform_event import setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the monitoring stack tells the function."""

    job: Mapping[str, Any]
    """The request of CreateProcessingJob, but for the job's name, window and subnets."""
    prefix: str
    """What the jobs' names begin with."""
    subnets: tuple[str, ...]
    """The subnets that jobs run in."""
    requests: str
    """S3 URI of the captured requests; below it are folders `yyyy/mm/dd/hh`."""
    windows: str
    """S3 URI of the folder of manifests."""
    input_folder: str
    """Where the job finds the requests."""
    hours: int
    """The hours between two runs."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        return cls(
            job=json.loads(setting("MLZONE_JOB")),
            prefix=setting("MLZONE_JOB_PREFIX"),
            subnets=tuple(setting("MLZONE_SUBNETS").split(",")),
            requests=setting("MLZONE_REQUESTS"),
            windows=setting("MLZONE_WINDOWS"),
            input_folder=setting("MLZONE_INPUT_FOLDER"),
            hours=int(setting("MLZONE_HOURS")),
        )


@dataclass(frozen=True, kw_only=True)
class Window:
    """The hours that a run looks at."""

    start: datetime
    end: datetime

    @classmethod
    def before(cls, scheduled: str, hours: int) -> "Window":
        """Return the whole hours before the time of a schedule, in ISO format."""
        time = datetime.fromisoformat(scheduled).astimezone(UTC)
        end = time.replace(minute=0, second=0, microsecond=0)
        return cls(start=end - hours * _HOUR, end=end)

    def folders(self) -> Iterator[str]:
        """Yield the folders in which requests of the window are captured."""
        hour = self.start
        while hour < self.end:
            yield f"{hour:%Y/%m/%d/%H}/"
            hour += _HOUR


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Start the monitor for the window before the schedule's `time`."""
    del context
    return start(
        str(event["time"]),
        Settings.from_environment(),
        s3=boto3.client("s3"),
        sagemaker=boto3.client("sagemaker"),
    )


def start(time: str, settings: Settings, *, s3: Any, sagemaker: Any) -> dict[str, str]:
    """Start a job, unless there were no requests or the window's job exists.

    Args:
        time: when the schedule fired, in ISO format.
        settings: the function's settings.
        s3: a client.
        sagemaker: a client.

    Returns:
        `started` or `running` with the job's name, or `skipped` with the reason.
    """
    window = Window.before(time, settings.hours)
    keys = list(_captured(s3, settings.requests, window))
    if not keys:
        LOG.info("no requests from %s to %s", window.start, window.end)
        return {"skipped": f"no requests from {window.start:%FT%RZ} to {window.end:%FT%RZ}"}
    name = f"{settings.prefix}-{window.end:%Y%m%d%H%M}"
    manifest = f"{settings.windows}/{name}.json"
    bucket, key = _split(manifest)
    s3.put_object(
        Bucket=bucket, Key=key, Body=json.dumps([{"prefix": f"{settings.requests}/"}, *keys])
    )
    try:
        sagemaker.create_processing_job(**_request(settings, name, window, manifest))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUse":
            raise
        LOG.info("%s was started before", name)
        return {"running": name}
    LOG.info("%s looks at %d files", name, len(keys))
    return {"started": name}


def _captured(s3: Any, requests: str, window: Window) -> Iterator[str]:
    """Yield the window's files, relative to the folder of requests."""
    bucket, prefix = _split(requests)
    pages = s3.get_paginator("list_objects_v2")
    for folder in window.folders():
        for page in pages.paginate(Bucket=bucket, Prefix=f"{prefix}/{folder}"):
            for item in page.get("Contents", []):
                yield item["Key"].removeprefix(f"{prefix}/")


def _request(settings: Settings, name: str, window: Window, manifest: str) -> dict[str, Any]:
    job = settings.job
    requests = {
        "InputName": "endpoint",
        "S3Input": {
            "S3Uri": manifest,
            "LocalPath": settings.input_folder,
            "S3DataType": "ManifestFile",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }
    network = job["NetworkConfig"]
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    reports = f"{output['S3Output']['S3Uri']}/{window.end:%Y/%m/%d/%H}"
    return {
        **job,
        "ProcessingJobName": name,
        "ProcessingInputs": [*job["ProcessingInputs"], requests],
        "ProcessingOutputConfig": {
            **job["ProcessingOutputConfig"],
            "Outputs": [{**output, "S3Output": {**output["S3Output"], "S3Uri": reports}}],
        },
        "NetworkConfig": {
            **network,
            "VpcConfig": {**network["VpcConfig"], "Subnets": list(settings.subnets)},
        },
        "Environment": {
            **job["Environment"],
            "start_time": f"{window.start:%FT%TZ}",
            "end_time": f"{window.end:%FT%TZ}",
        },
    }


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
