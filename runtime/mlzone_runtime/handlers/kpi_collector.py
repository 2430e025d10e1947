"""Keeps every life-cycle event of the platform's bus: lead times and queues are reckoned from them.

One item an event: `model` is `<unit>/<model>`, `event` is the event's time and id, so that the
history of a model reads in order. An event that comes twice is kept once.
"""

import json
import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import boto3
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from mlzone_runtime.handlers.platform_event import setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

_NEEDED = ("unit", "team", "model", "environment")
_OPTIONAL = ("actor", "release", "model_package_arn", "pipeline_execution")


class MalformedEventError(Exception):
    """An event says nothing that could be kept."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Keep an event of the platform's bus."""
    del context
    return collect(event, setting("MLZONE_KPI_TABLE"), dynamodb=boto3.client("dynamodb"))


def collect(event: Mapping[str, Any], table: str, *, dynamodb: Any) -> dict[str, Any]:
    """Keep an event, unless it is kept already.

    Returns:
        The item's key, and whether it is new.

    Raises:
        MalformedEventError: the event does not say whose it is.
    """
    item = item_of(event)
    serialize = TypeSerializer().serialize
    key = {"model": item["model"], "event": item["event"]}
    try:
        dynamodb.put_item(
            TableName=table,
            Item={name: serialize(value) for name, value in item.items()},
            ConditionExpression="attribute_not_exists(#event)",
            ExpressionAttributeNames={"#event": "event"},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        LOG.info("%s is kept already", key)
        return {**key, "new": False}
    LOG.info("kept %s of %s", item["kind"], key)
    return {**key, "new": True}


def item_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of an event.

    Raises:
        MalformedEventError: the event does not say whose it is.
    """
    # DynamoDB knows decimal numbers alone.
    detail = json.loads(json.dumps(event["detail"]), parse_float=Decimal)
    if missing := [name for name in _NEEDED if not detail.get(name)]:
        raise MalformedEventError(
            f"event {event['id']} ({event['detail-type']}) lacks {', '.join(missing)}"
        )
    return {
        "model": f"{detail['unit']}/{detail['model']}",
        "event": f"{event['time']}#{event['id']}",
        "kind": event["detail-type"],
        "source": event["source"],
        "time": event["time"],
        "unit": detail["unit"],
        "team": detail["team"],
        "environment": detail["environment"],
        "facts": detail.get("facts") or {},
        **{name: detail[name] for name in _OPTIONAL if detail.get(name)},
    }
