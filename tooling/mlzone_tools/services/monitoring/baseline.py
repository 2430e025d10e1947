"""What a model's monitors compare with."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.monitoring.monitored import Monitored


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The baseline of the release that serves."""

    release: str
    folder: str
    """S3 URI."""
    digest: str
    """SHA-256 of the folder's manifest, which has those of its files."""
    records: int
    """How many the model learned from."""
    features: tuple[str, ...]
    analyzer: str
    """The image that compares with it."""


def baseline(session: Session, monitor: Monitored) -> Baseline:
    """Return the baseline that the monitors of a model's stack use.

    Raises:
        ConfigError: nothing serves yet.
    """
    try:
        (stack,) = session.client("cloudformation").describe_stacks(StackName=monitor.stack)[
            "Stacks"
        ]
    except ClientError as error:
        raise _nothing(monitor) from error
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}
    if not parameters["Release"]:
        raise _nothing(monitor)
    folder = parameters["BaselineStatistics"].rstrip("/")
    statistics = _document(session, folder, "statistics.json")
    features = [item["name"] for item in statistics["features"]]
    return Baseline(
        release=parameters["Release"],
        folder=folder,
        digest=hashlib.sha256(_read(session, folder, "manifest.json")).hexdigest(),
        records=int(statistics["dataset"]["item_count"]),
        features=tuple(features),
        analyzer=parameters["AnalyzerImage"],
    )


def _document(session: Session, folder: str, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_read(session, folder, name))
    return content


def _read(session: Session, folder: str, name: str) -> bytes:
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    answer = session.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/{name}")
    content: bytes = answer["Body"].read()
    return content


def _nothing(monitor: Monitored) -> ConfigError:
    return ConfigError(
        f"nothing serves that {monitor.stack} could watch",
        hint="a baseline comes with the first release: mlzone model show MODEL",
    )
