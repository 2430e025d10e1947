"""Begins a run, unless the same release was asked the same before.

The name of the job says what goes in and what answers. So a schedule that fires twice, a person who
runs a range of days again, and a call that was cut off all find the run that is there; a day whose
files have changed, or a new release, makes another one.
"""

import hashlib
import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone_runtime.batch import record
from mlzone_runtime.batch.preparation import (
    ID,
    Given,
    digest_of,
    files_of,
    is_plain,
    prepare,
    split,
)
from mlzone_runtime.batch.record import ANSWER, SMOKE, BatchError, Run, Settings

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

NO_INPUT = "NoInput"
"""The state of a day for which there is nothing to ask."""
MOST_ATTEMPTS = 5
"""So often the same is tried; then the input or the release must change."""
_AGAIN = ("Failed", "Stopped")


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What became of a day."""

    day: str
    state: str
    """NoInput, or SageMaker's status of the job: InProgress, Completed, Failed, Stopping."""
    job: str = ""
    new: bool = False
    """Whether the job was started now."""
    results: str = ""
    """S3 URI of what it answers."""
    reason: str = ""
    """Why it failed."""

    def answer(self) -> dict[str, Any]:
        """Return it as the function's answer."""
        return {**vars(self)}


def begin_day(day: str, by: str, settings: Settings, *, s3: Any, sagemaker: Any) -> Begun:
    """Have the model answer for a day's records.

    Args:
        day: such as `2026-11-28`.
        by: who asks for it: a person, or `schedule`.
        settings: the function's settings.
        s3: a client.
        sagemaker: a client.

    Raises:
        BatchError: nothing serves.
        PreparationError: the day's files are not as agreed.
    """
    _require_release(settings)
    given = files_of(s3, f"{settings.given}/{day.replace('-', '/')}")
    if not given:
        return Begun(day=day, state=NO_INPUT)
    digest = digest_of(given)
    run = Run(day=day, digest=_of(settings.release, digest))

    def bring(target: str, folder: Path) -> int:
        return _bring(s3, given, _features(s3, settings), target, folder)

    about = {
        "input_sha256": digest,
        "inputs": [{"uri": item.uri, "sha256": item.sha256} for item in given],
    }
    return _begin(run, by, about, bring, settings, s3=s3, sagemaker=sagemaker)


def begin_smoke(
    token: str, rows: Sequence[Sequence[str]], settings: Settings, *, s3: Any, sagemaker: Any
) -> Begun:
    """Have the release answer for records whose answers nobody uses: a test.

    Args:
        token: what asks; the same one gives the same run.
        rows: the records, in the order of the features.
        settings: the function's settings.
        s3: a client.
        sagemaker: a client.

    Raises:
        BatchError: nothing serves, or the records cannot be sent.
    """
    _require_release(settings)
    if not all(is_plain(cell) for row in rows for cell in row):
        raise BatchError("a value of the test holds a comma, a quote or a line's end")
    text = "".join(
        ",".join((f"smoke-{number}", *row)) + "\n" for number, row in enumerate(rows, start=1)
    ).encode()
    digest = hashlib.sha256(text).hexdigest()
    run = Run(day=SMOKE, digest=_of(settings.release, f"{digest}\0{token}"))

    def bring(target: str, folder: Path) -> int:
        del folder
        bucket, key = split(f"{target}/rows.csv")
        s3.put_object(Bucket=bucket, Key=key, Body=text)
        return len(rows)

    about: dict[str, Any] = {"input_sha256": digest, "inputs": []}
    return _begin(run, "release", about, bring, settings, s3=s3, sagemaker=sagemaker)


def _begin(
    run: Run,
    by: str,
    about: Mapping[str, Any],
    bring: Any,
    settings: Settings,
    *,
    s3: Any,
    sagemaker: Any,
) -> Begun:
    folder = f"{settings.made}/{run.folder}"
    results = f"{folder}/results"
    found: dict[str, Any] = {}
    for attempt in range(1, MOST_ATTEMPTS + 1):
        job = run.job(settings.jobs, attempt)
        known = record.state_of(sagemaker, job)
        if known is None:
            break
        found = known
        if found["TransformJobStatus"] not in _AGAIN:
            return _known(run, found, results)
    else:
        return _known(run, found, results)
    with tempfile.TemporaryDirectory() as place:
        records = bring(f"{folder}/prepared", Path(place))
    record.write(
        s3,
        folder,
        {
            "schema": record.SCHEMA,
            "business_unit": settings.scope.unit,
            "model": settings.scope.model,
            "environment": settings.scope.environment,
            "day": run.day,
            "job": job,
            "attempt": attempt,
            "status": "InProgress",
            "release": settings.release,
            "model_package_arn": settings.model_package_arn,
            "image": settings.image,
            "records": records,
            "columns": [ID, *_features(s3, settings), ANSWER],
            "results": results,
            "asked_by": by,
            "began": datetime.now(UTC).isoformat(timespec="seconds"),
            **about,
        },
    )
    _create(settings, job, folder, sagemaker)
    LOG.info("%s answers for %d records of %s", job, records, run.day)
    return Begun(day=run.day, state="InProgress", job=job, new=True, results=results)


def _known(run: Run, found: Mapping[str, Any], results: str) -> Begun:
    return Begun(
        day=run.day,
        state=str(found["TransformJobStatus"]),
        job=str(found["TransformJobName"]),
        results=results,
        reason=str(found.get("FailureReason", "")),
    )


def _create(settings: Settings, job: str, folder: str, sagemaker: Any) -> None:
    """Create the job; that somebody else just did is as well."""
    request = dict(settings.job)
    try:
        sagemaker.create_transform_job(
            **request
            | {
                "TransformJobName": job,
                "ModelName": settings.served,
                "BatchStrategy": "MultiRecord",
                "MaxPayloadInMB": 6,
                "TransformInput": {
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": f"{folder}/prepared/",
                        }
                    },
                    "ContentType": "text/csv",
                    "SplitType": "Line",
                },
                # The model does not see the id; the results are the records with their answers.
                "DataProcessing": {
                    "InputFilter": "$[1:]",
                    "JoinSource": "Input",
                    "OutputFilter": "$",
                },
                "TransformOutput": {
                    **request["TransformOutput"],
                    "S3OutputPath": f"{folder}/results",
                },
            }
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUse":
            raise


def _require_release(settings: Settings) -> None:
    if not settings.served:
        raise BatchError("nothing answers: the model has no release here, or it is stopped")


def _of(release: str, text: str) -> str:
    return hashlib.sha256(f"{release}\0{text}".encode()).hexdigest()


def _features(s3: Any, settings: Settings) -> list[str]:
    """Return the features of the release in the model's order."""
    bucket, key = split(f"{settings.releases}/{settings.release}/release.json")
    document = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return [str(feature["name"]) for feature in document["features"]]


def _bring(
    s3: Any, given: Sequence[Given], features: Sequence[str], target: str, folder: Path
) -> int:
    """Prepare every file; the job is created only when all are there."""
    records = 0
    for item in given:
        path = folder / "rows"
        records += prepare(s3, item, features, path)
        bucket, key = split(f"{target}/{item.name}")
        s3.upload_file(str(path), bucket, key)
    return records
