"""Closes a run: its record says what came out, and its answers are captured as an endpoint's are.

Captured answers have SageMaker's format of data capture, so that monitors, reports and whoever asks
later what was answered need not know whether a model was asked by the day.
"""

import hashlib
import json
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mlzone_runtime.batch import record
from mlzone_runtime.batch.preparation import split
from mlzone_runtime.batch.record import SMOKE, BatchError, Settings

_DAY = timedelta(days=1)
_HUNDRED = 100


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a run came to."""

    day: str
    status: str
    record: Mapping[str, Any]
    before: bool
    """Whether it was closed before."""


def end(job: str, settings: Settings, *, s3: Any, sagemaker: Any) -> Ended:
    """Close the run of a transform job that has ended.

    Args:
        job: its name.
        settings: the function's settings.
        s3: a client.
        sagemaker: a client.

    Raises:
        BatchError: there is no such job, or another attempt took its place.
    """
    found = record.state_of(sagemaker, job)
    if found is None:
        raise BatchError(f"there is no transform job {job}")
    results = found["TransformOutput"]["S3OutputPath"].rstrip("/")
    folder = results.rpartition("/")[0]
    run = record.read(s3, folder)
    status = found["TransformJobStatus"]
    if run["job"] != job:
        raise BatchError(f"{job} was followed by {run['job']}")
    if run["status"] == status:
        return Ended(day=run["day"], status=status, record=run, before=True)
    run |= {"status": status, "ended": found["TransformEndTime"].isoformat(timespec="seconds")}
    if status == "Completed":
        moment = _moment(run["day"], found["TransformEndTime"], settings)
        run["outputs"] = _outputs(s3, results, job, moment, settings)
    else:
        run["reason"] = found.get("FailureReason", "")
    record.write(s3, folder, run)
    return Ended(day=run["day"], status=status, record=run, before=False)


def answers(job: str, *, s3: Any, sagemaker: Any) -> list[list[str]]:
    """Return id and answer of each record of a test, in their order.

    Raises:
        BatchError: there is no such job, it has no results, or it is no test.
    """
    found = record.state_of(sagemaker, job)
    if found is None or found["TransformJobStatus"] != "Completed":
        raise BatchError(f"{job} has no results")
    results = found["TransformOutput"]["S3OutputPath"].rstrip("/")
    if f"/{SMOKE}/" not in results:
        raise BatchError(f"{job} is no test; its results are the team's data")
    return [
        [text.partition(",")[0], text.rpartition(",")[2]]
        for bucket, key in _files(s3, results)
        for text in s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()
    ]


def _moment(day: str, ended: datetime, settings: Settings) -> datetime:
    """Return when the answers count as given.

    A day that is made up for later counts as if it had been on time: monitors of today do not take
    its records for today's.
    """
    if day == SMOKE:
        return ended
    due = record.due(day, settings.hour)
    return ended if ended - due < _DAY else due


def _outputs(
    s3: Any, results: str, job: str, moment: datetime, settings: Settings
) -> list[dict[str, Any]]:
    captured = moment.astimezone(UTC)
    made = []
    for number, (bucket, key) in enumerate(_files(s3, results), start=1):
        total, count = hashlib.sha256(), 0
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "captured.jsonl"
            body = s3.get_object(Bucket=bucket, Key=key)["Body"]
            with path.open("w", encoding="utf-8") as out:
                for line in body.iter_lines(keepends=True):
                    total.update(line)
                    count += 1
                    text = line.decode().rstrip("\n")
                    if f"/{SMOKE}/" not in key and _chosen(text, settings.capture_percentage):
                        out.write(_captured(text, captured) + "\n")
            if path.stat().st_size:
                to, folder = split(f"{settings.capture}/{captured:%Y/%m/%d/%H}")
                s3.upload_file(str(path), to, f"{folder}/{job}-{number}.jsonl")
        made.append({"uri": f"s3://{bucket}/{key}", "sha256": total.hexdigest(), "records": count})
    return made


def _files(s3: Any, results: str) -> Iterator[tuple[str, str]]:
    bucket, prefix = split(results)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    for page in pages:
        for item in page.get("Contents", []):
            yield bucket, item["Key"]


def _chosen(text: str, percentage: int) -> bool:
    """Tell whether a record is captured; the same one always is, or never."""
    return zlib.crc32(text.partition(",")[0].encode()) % _HUNDRED < percentage


def _captured(text: str, moment: datetime) -> str:
    name, _, rest = text.partition(",")
    row, _, answer = rest.rpartition(",")
    return json.dumps(
        {
            "captureData": {
                "endpointInput": _payload("INPUT", row),
                "endpointOutput": _payload("OUTPUT", answer),
            },
            "eventMetadata": {
                "eventId": name,
                "inferenceId": name,
                "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            },
            "eventVersion": "0",
        }
    )


def _payload(mode: str, data: str) -> dict[str, str]:
    return {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": "CSV"}
