"""Looks into what lands in a team's data before anybody can read it, and masks it (DAT-04).

A file `landing/ZONE/NAME` becomes `ZONE/NAME` without what identifies people. One that cannot be
looked into stays where it is, where nobody reads it, and its owner is told why.
"""

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mlzone_runtime.evidence import ALL_MODELS
from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting
from mlzone_runtime.inspection import UninspectedError, mask_file

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

LANDING = "landing/"
INSPECTED, REFUSED = "Data Inspected", "Data Refused"
LARGEST_BYTES = 200 * 1024 * 1024
"""The function has room for the file and its masked copy."""
_GONE = frozenset({"404", "NoSuchKey"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the team's stack tells the function."""

    scope: ModelScope
    zones: tuple[str, ...]
    """The names of the team's data zones."""
    bus_arn: str

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        return cls(
            scope=ModelScope(
                unit=setting("MLZONE_UNIT"),
                team=setting("MLZONE_TEAM"),
                model=ALL_MODELS,
                environment=setting("MLZONE_ENVIRONMENT"),
            ),
            zones=tuple(setting("MLZONE_DATA_ZONES").split(",")),
            bus_arn=setting("MLZONE_PLATFORM_BUS"),
        )


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Look into the object that an event of S3 names."""
    del context
    settings = Settings.from_environment()
    bus = boto3.client("events", region_name=settings.bus_arn.split(":")[3])
    return inspect(event, settings, s3=boto3.client("s3"), events=bus)


def inspect(
    event: Mapping[str, Any], settings: Settings, *, s3: Any, events: Any
) -> dict[str, Any]:
    """Mask an object that landed, and tell of it.

    Returns:
        What became of it: where it is now and how many values were masked by kind, why it was
        refused, or that it is gone, since an event may come twice.

    Raises:
        EventError: the platform's bus did not take the event; the call is tried again.
    """
    detail = event["detail"]
    bucket, key = detail["bucket"]["name"], detail["object"]["key"]
    try:
        facts = _masked(bucket, key, settings, s3)
    except UninspectedError as error:
        return _tell(REFUSED, {"object": f"s3://{bucket}/{key}", "reason": str(error)}, settings,
                     events)  # fmt: skip
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return {"gone": f"s3://{bucket}/{key}"}
        raise
    told = _tell(INSPECTED, facts, settings, events)
    s3.delete_object(Bucket=bucket, Key=key)
    return told


def _masked(bucket: str, key: str, settings: Settings, s3: Any) -> dict[str, Any]:
    rest = key.removeprefix(LANDING)
    zone, _, name = rest.partition("/")
    if zone not in settings.zones or not name:
        known = ", ".join(f"{LANDING}{zone}/" for zone in settings.zones)
        raise UninspectedError(f"it is in no data zone; put it below {known}")
    head = s3.head_object(Bucket=bucket, Key=key)
    if head["ContentLength"] > LARGEST_BYTES:
        raise UninspectedError(f"it has more than {LARGEST_BYTES} bytes; send it in parts")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target")
        s3.download_file(bucket, key, str(source))
        masking = mask_file(source, target, name)
        s3.upload_file(str(target), bucket, rest)
    return {
        "object": f"s3://{bucket}/{rest}",
        "zone": zone,
        "masked": dict(sorted(masking.found.items())),
        "columns": sorted(name.partition(":")[2] or name for name in masking.columns),
    }


def _tell(kind: str, facts: Mapping[str, Any], settings: Settings, events: Any) -> dict[str, Any]:
    event = LifeCycleEvent(kind=kind, scope=settings.scope, actor="data-inspector", facts=facts)
    announce(event, bus_arn=settings.bus_arn, client=events)
    LOG.info("%s: %s", kind, facts)
    return {"kind": kind, **facts}
