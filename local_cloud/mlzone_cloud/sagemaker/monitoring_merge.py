"""Merges captured requests with ground truth, as the first of Model Monitor's two jobs does.

Source: Amazon SageMaker AI Developer Guide, "Ingest ground truth labels and merge them with
predictions": a label is found by its event id, which is the inference id of the request if it had
one; labels lie below folders `yyyy/mm/dd/hh` of the hour at which they were collected, so that late
ones count as well.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from mlzone_cloud.sagemaker.monitoring_window import Window

_HOUR = timedelta(hours=1)
_MERGED = "merged.jsonl"


class MergeError(Exception):
    """Nothing can be merged; the message is the run's failure reason."""


def merge(
    s3: Any,
    captured: Mapping[str, str],
    *,
    ground_truth: str,
    target: str,
    window: Window,
    due: datetime,
    key_id: str = "",
) -> dict[str, str]:
    """Write the captured records whose outcome is known, with it.

    Args:
        s3: a client in the monitor's role.
        captured: the folders with captured requests, below the input's local path, to their URIs.
        ground_truth: the URI above the folders of hours.
        target: the URI of the folder for what is merged.
        window: what the run looks at.
        due: when it was due; what became known until then counts.
        key_id: the key that encrypts what is merged.

    Returns:
        The folders with merged records, below the input's local path, to their URIs.

    Raises:
        MergeError: there is no label, or none for any record.
    """
    labels = _labels(s3, ground_truth, Window(window.start, due))
    if not labels:
        raise MergeError(
            f'No S3 objects found under S3 URL "{ground_truth}" given as ground truth, from '
            f"{window.start:%FT%H:%MZ} to {due:%FT%H:%MZ}"
        )
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
    found = {}
    for folder, uri in sorted(captured.items()):
        lines = [
            json.dumps({**record, "groundTruthData": labels[name]}, separators=(",", ":"))
            for record in _records(s3, uri)
            if (name := _name(record)) in labels
        ]
        if lines:
            found[folder] = f"{target}/{folder}"
            bucket, key = _split(f"{target}/{folder}/{_MERGED}")
            s3.put_object(Bucket=bucket, Key=key, Body=_text(lines), **encryption)
    if not found:
        raise MergeError(
            f"None of the {len(labels)} ground truth records belongs to a captured request"
        )
    return found


def _labels(s3: Any, uri: str, window: Window) -> dict[str, dict[str, Any]]:
    """Return the labels by event id; a later one takes the place of an earlier one."""
    found: dict[str, dict[str, Any]] = {}
    hour = window.start.replace(minute=0, second=0, microsecond=0)
    while hour <= window.end:
        for record in _records(s3, f"{uri.rstrip('/')}/{hour:%Y/%m/%d/%H}"):
            if "groundTruthData" in record:
                found[str(record["eventMetadata"]["eventId"])] = record["groundTruthData"]
        hour += _HOUR
    return found


def _records(s3: Any, uri: str) -> Iterator[dict[str, Any]]:
    """Yield the records below a URI; lines that are none are left out, as SageMaker does."""
    bucket, prefix = _split(uri)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    for page in pages:
        for item in page.get("Contents", ()):
            body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            for line in body.decode(errors="replace").splitlines():
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict) and "eventMetadata" in record:
                    yield record


def _name(record: Mapping[str, Any]) -> str:
    about = record["eventMetadata"]
    return str(about.get("inferenceId") or about.get("eventId", ""))


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key.rstrip("/")
