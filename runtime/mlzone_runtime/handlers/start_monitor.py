"""Starts a model's monitors where SageMaker Model Monitor is closed: a processing job a window.

It does what Model Monitor would: it takes the requests that were captured since the last run, hands
them to the analyzer with the baseline, and runs nothing where there were none. A monitor that needs
ground truth looks at older requests, and gets all that has become known since. A manifest says
which files a job looks at; it is kept beside the reports.
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
_DAY = 24 * _HOUR


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the monitoring stack tells the function."""

    job: Mapping[str, Any]
    """The request of CreateProcessingJob, but for what depends on monitor and window."""
    subnets: tuple[str, ...]
    """The subnets that jobs run in."""
    requests: str
    """S3 URI of the captured requests; below it are folders `yyyy/mm/dd/hh`."""
    windows: str
    """S3 URI of the folder of manifests."""
    input_folder: str
    """Where the job finds the requests."""
    ground_truth: str
    """S3 URI of what became true; below it are folders `yyyy/mm/dd/hh`."""
    ground_truth_folder: str
    """Where the job finds what became true."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        return cls(
            job=json.loads(setting("MLZONE_JOB")),
            subnets=tuple(setting("MLZONE_SUBNETS").split(",")),
            requests=setting("MLZONE_REQUESTS"),
            windows=setting("MLZONE_WINDOWS"),
            input_folder=setting("MLZONE_INPUT_FOLDER"),
            ground_truth=setting("MLZONE_GROUND_TRUTH"),
            ground_truth_folder=setting("MLZONE_GROUND_TRUTH_FOLDER"),
        )


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """Which monitor runs, as its schedule says."""

    kind: str
    """Such as `data-quality`."""
    schedule: str
    """The name of its schedule."""
    prefix: str
    """What its jobs' names begin with."""
    hours: int
    """The hours between two runs."""
    lag_hours: int
    """How old the youngest request is that a run looks at."""
    ground_truth: bool
    """Whether it compares answers with what became true."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The hours that a run looks at."""

    start: datetime
    end: datetime

    @classmethod
    def before(cls, scheduled: str, hours: int, lag_hours: int = 0) -> "Window":
        """Return the whole hours before the time of a schedule, in ISO format, less a lag."""
        time = datetime.fromisoformat(scheduled).astimezone(UTC)
        end = time.replace(minute=0, second=0, microsecond=0) - lag_hours * _HOUR
        return cls(start=end - hours * _HOUR, end=end)

    def since(self, lag_hours: int) -> "Window":
        """Return the time in which something can have become known of the window's cases."""
        return Window(start=self.start, end=self.end + lag_hours * _HOUR)

    def folders(self) -> Iterator[str]:
        """Yield the folders of the window: of whole days as one, since a lag can be a year."""
        time = self.start
        while time < self.end:
            if time.hour == 0 and time + _DAY <= self.end:
                yield f"{time:%Y/%m/%d}/"
                time += _DAY
            else:
                yield f"{time:%Y/%m/%d/%H}/"
                time += _HOUR


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Start the monitor for the window before the schedule's `time`."""
    del context
    return start(
        str(event["time"]),
        Monitor(**event["monitor"]),
        Settings.from_environment(),
        s3=boto3.client("s3"),
        sagemaker=boto3.client("sagemaker"),
    )


def start(
    time: str, monitor: Monitor, settings: Settings, *, s3: Any, sagemaker: Any
) -> dict[str, str]:
    """Start a job, unless there were no requests or the window's job exists.

    Args:
        time: when the schedule fired, in ISO format.
        monitor: which one runs.
        settings: the function's settings.
        s3: a client.
        sagemaker: a client.

    Returns:
        `started` or `running` with the job's name, or `skipped` with the reason.
    """
    window = Window.before(time, monitor.hours, monitor.lag_hours)
    keys = list(_files(s3, settings.requests, window))
    if not keys:
        LOG.info("no requests from %s to %s", window.start, window.end)
        return {"skipped": f"no requests from {window.start:%FT%RZ} to {window.end:%FT%RZ}"}
    name = f"{monitor.prefix}-{window.end:%Y%m%d%H%M}"
    manifest = _write_manifest(s3, f"{settings.windows}/{name}.json", settings.requests, keys)
    inputs = [_input("endpoint", manifest, settings.input_folder)]
    if monitor.ground_truth:
        known = list(_files(s3, settings.ground_truth, window.since(monitor.lag_hours)))
        if known:
            manifest = _write_manifest(
                s3, f"{settings.windows}/{name}-truth.json", settings.ground_truth, known
            )
            inputs.append(_input("ground_truth", manifest, settings.ground_truth_folder))
        LOG.info("%d files say what became true", len(known))
    try:
        sagemaker.create_processing_job(**_request(settings, monitor, name, window, inputs))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUse":
            raise
        LOG.info("%s was started before", name)
        return {"running": name}
    LOG.info("%s looks at %d files", name, len(keys))
    return {"started": name}


def _files(s3: Any, uri: str, window: Window) -> Iterator[str]:
    """Yield the files of a window, relative to the URI above the folders of hours."""
    bucket, prefix = _split(uri)
    pages = s3.get_paginator("list_objects_v2")
    for folder in window.folders():
        for page in pages.paginate(Bucket=bucket, Prefix=f"{prefix}/{folder}"):
            for item in page.get("Contents", []):
                yield item["Key"].removeprefix(f"{prefix}/")


def _write_manifest(s3: Any, uri: str, above: str, keys: list[str]) -> str:
    """Write which files a job gets; return the manifest's URI."""
    bucket, key = _split(uri)
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps([{"prefix": f"{above}/"}, *keys]))
    return uri


def _input(name: str, manifest: str, folder: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": manifest,
            "LocalPath": folder,
            "S3DataType": "ManifestFile",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }


def _request(
    settings: Settings, monitor: Monitor, name: str, window: Window, inputs: list[dict[str, Any]]
) -> dict[str, Any]:
    job = settings.job
    network = job["NetworkConfig"]
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    reports = f"{output['S3Output']['S3Uri']}/{monitor.kind}/{window.end:%Y/%m/%d/%H}"
    return {
        **job,
        "ProcessingJobName": name,
        "ProcessingInputs": [*job["ProcessingInputs"], *inputs],
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
            "MLZONE_MONITOR": monitor.kind,
            "sagemaker_monitoring_schedule_name": monitor.schedule,
            "start_time": f"{window.start:%FT%TZ}",
            "end_time": f"{window.end:%FT%TZ}",
        },
    }


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
