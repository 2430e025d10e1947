"""Asks for retraining when the drift alarm of a model has risen.

How often a request leads to a training is not decided here but where trainings are started, by the
cooldown of the model.
"""

import logging
from collections.abc import Mapping
from typing import Any

import boto3

from mlzone_runtime.handlers.monitor_results import ACTOR, Settings
from mlzone_runtime.handlers.platform_event import LifeCycleEvent, announce

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Answer the state change of the drift alarm that an event tells of."""
    del context
    settings = Settings.from_environment()
    return respond(
        event,
        settings,
        events=boto3.client("events", region_name=settings.bus_arn.split(":")[3]),
    )


def respond(event: Mapping[str, Any], settings: Settings, *, events: Any) -> dict[str, str]:
    """Ask for retraining if the alarm has risen.

    Returns:
        `requested` or `ignored`, with the alarm's name.

    Raises:
        EventError: the platform's bus did not take the request.
    """
    detail = event["detail"]
    name, state = str(detail["alarmName"]), detail["state"]
    if state["value"] != "ALARM":
        LOG.info("%s is %s: nothing to do", name, state["value"])
        return {"ignored": name}
    announce(
        LifeCycleEvent(
            kind="Retraining Requested",
            scope=settings.scope,
            actor=ACTOR,
            facts={
                "alarm": name,
                "reason": str(state.get("reason", "")),
                "since": str(state.get("timestamp", event.get("time", ""))),
            },
        ),
        bus_arn=settings.bus_arn,
        client=events,
    )
    LOG.info("asked for retraining because of %s", name)
    return {"requested": name}
