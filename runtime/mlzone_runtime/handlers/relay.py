"""Passes events of the platform's bus on to the account that acts on them.

A rule cannot: what an account received from another account, EventBridge does not send on to a
third one. Whoever may put events on the platform's bus may claim anything in them, but not in whose
account they came to be: an event is passed on if it comes from the environment of the unit that may
tell of it. Any other is an error, so that it stays with the dead letters for somebody to look at.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3

from mlzone_runtime.handlers.platform_event import SOURCES, EventError, setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

Buses = Mapping[str, Mapping[str, str]]
"""By unit and environment: the ARN of the default event bus, which says whose account it is."""


class RelayRefusedError(Exception):
    """An event comes from where it cannot come from, or says nothing that could be passed on."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """From which environment a kind of event comes, and to which it goes."""

    origin: str
    target: str


ROUTES: Mapping[str, Route] = {
    "Release Validated": Route(origin="staging", target="prod"),
    "Retraining Requested": Route(origin="prod", target="dev"),
}
"""What is passed on, by kind of event."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Pass an event of the platform's bus on."""
    del context
    return relay(
        event,
        buses_of(json.loads(setting("MLZONE_PLACES")), setting("MLZONE_PARTITION")),
        client_in=lambda region: boto3.client("events", region_name=region),
    )


def buses_of(places: Mapping[str, Mapping[str, str]], partition: str) -> Buses:
    """Return the default buses of all units' environments.

    Args:
        places: by unit and environment, `<region>:<account>`; a function's settings hold 4 KB,
            which is too little for the ARNs of many units.
        partition: such as `aws`.
    """
    return {
        unit: {
            stage: f"arn:{partition}:events:{place}:event-bus/default"
            for stage, place in stages.items()
        }
        for unit, stages in places.items()
    }


def relay(
    event: Mapping[str, Any], buses: Buses, *, client_in: Callable[[str], Any]
) -> dict[str, str]:
    """Put an event, as it is, onto the bus of the environment that acts on it.

    Args:
        event: the event, as a rule of the platform's bus hands it on.
        buses: the default buses of all units' environments.
        client_in: makes an EventBridge client in a Region.

    Returns:
        The bus's ARN.

    Raises:
        RelayRefusedError: the event may not be passed on.
        EventError: the bus did not take it.
    """
    bus_arn = _target(event, buses)
    answer = client_in(bus_arn.split(":")[3]).put_events(
        Entries=[
            {
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Detail": json.dumps(event["detail"]),
                "Time": datetime.fromisoformat(event["time"]),
                "EventBusName": bus_arn,
            }
        ]
    )
    if answer.get("FailedEntryCount"):
        entry = answer["Entries"][0]
        raise EventError(
            f"{bus_arn} did not take event {event['id']}: "
            f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')}"
        )
    LOG.info("passed %s %s on to %s", event["detail-type"], event["id"], bus_arn)
    return {"bus": bus_arn}


def _target(event: Mapping[str, Any], buses: Buses) -> str:
    """Return the bus that an event goes to."""
    kind, detail = str(event["detail-type"]), event["detail"]
    route = ROUTES.get(kind)
    if route is None or event["source"] != SOURCES[kind]:
        raise RelayRefusedError(f"{kind!r} of {event['source']} is nothing to pass on")
    unit = str(detail.get("unit"))
    if unit not in buses:
        raise RelayRefusedError(f"event {event['id']} ({kind}) is of no known unit: {unit}")
    origin = buses[unit][route.origin].split(":")[4]
    if event["account"] != origin or detail.get("environment") != route.origin:
        raise RelayRefusedError(
            f"event {event['id']} ({kind}) of {unit} comes from {detail.get('environment')} in "
            f"account {event['account']}; only {route.origin} in account {origin} can tell of it"
        )
    return buses[unit][route.target]
