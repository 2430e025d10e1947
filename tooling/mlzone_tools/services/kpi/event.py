"""The life-cycle events that the platform keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from mlzone.estate import Estate
from mlzone.naming import Naming
from mlzone_tools.cloud.session import Session


@dataclass(frozen=True, kw_only=True)
class Event:
    """A step of a model's way."""

    id: str
    """EventBridge's id."""
    model: str
    """`unit/model`."""
    team: str
    kind: str
    """Such as `Model Approved`."""
    time: datetime
    environment: str
    actor: str
    version: str
    """The version's ARN, or an empty text where the step is about none."""


def events(shared: Session, estate: Estate) -> tuple[Event, ...]:
    """Return all kept life-cycle events, oldest first."""
    table = Naming(prefix=estate.organization.prefix).kpi_table()
    pages = shared.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    found = [_event(item) for page in pages for item in page["Items"]]
    return tuple(sorted(found, key=lambda item: item.time))


def _event(item: Mapping[str, Any]) -> Event:
    deserialize = TypeDeserializer().deserialize
    raw = {name: deserialize(value) for name, value in item.items()}
    return Event(
        id=raw["event"].partition("#")[2],
        model=raw["model"],
        team=raw["team"],
        kind=raw["kind"],
        time=datetime.fromisoformat(raw["time"]),
        environment=raw["environment"],
        actor=raw.get("actor", ""),
        version=raw.get("model_package_arn", ""),
    )
