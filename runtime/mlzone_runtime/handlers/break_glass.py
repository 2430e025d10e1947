"""Tells of every session of the role for emergencies, and of every change that it makes.

The events are CloudTrail's. What is told goes to the platform's bus: administrators are notified,
and it is kept with the other events of the platform.
"""

import logging
from collections.abc import Mapping
from typing import Any

import boto3

from mlzone_runtime.evidence import ALL_MODELS
from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

BROKEN, USED = "Glass Broken", "Glass Used"
_SESSION_BEGINS = "AssumeRoleWithSAML"
_PLATFORM = "platform"


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Tell of a session or a call."""
    del context
    bus = setting("MLZONE_PLATFORM_BUS")
    region = bus.split(":")[3]
    return tell(event, bus, events=boto3.client("events", region_name=region))


def tell(event: Mapping[str, Any], bus_arn: str, *, events: Any) -> dict[str, str]:
    """Put an event on the platform's bus for what CloudTrail recorded.

    Returns:
        The kind of the event, and whose doing it was.

    Raises:
        EventError: the bus did not take it; the call is tried again and then kept.
    """
    record = event["detail"]
    begins = record.get("eventName") == _SESSION_BEGINS
    kind = BROKEN if begins else USED
    actor = _person(record)
    request = record.get("requestParameters") or {}
    facts = {
        "action": f"{record.get('eventSource', '')}:{record.get('eventName', '')}",
        "event": str(record.get("eventID", "")),
        "time": str(record.get("eventTime", "")),
        "from": str(record.get("sourceIPAddress", "")),
        "refused": str(record.get("errorCode", "")),
        "incident": str((request.get("principalTags") or {}).get("incident", "")),
    }
    announce(
        LifeCycleEvent(
            kind=kind,
            scope=ModelScope(
                unit=setting("MLZONE_UNIT"),
                team=_PLATFORM,
                model=ALL_MODELS,
                environment=setting("MLZONE_ENVIRONMENT"),
            ),
            actor=actor,
            facts={name: value for name, value in facts.items() if value},
        ),
        bus_arn=bus_arn,
        client=events,
    )
    LOG.info("%s by %s: %s", kind, actor, facts["action"])
    return {"kind": kind, "actor": actor}


def _person(record: Mapping[str, Any]) -> str:
    """Return who is behind a session: its source identity, or else its name."""
    identity = record.get("userIdentity") or {}
    context = identity.get("sessionContext") or {}
    request = record.get("requestParameters") or {}
    return str(
        context.get("sourceIdentity")
        or request.get("sourceIdentity")
        or request.get("roleSessionName")
        or identity.get("userName")
        or str(identity.get("arn", "unknown")).rpartition("/")[2]
    )
