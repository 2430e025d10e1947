"""The life-cycle events of models: the one place that makes them.

Every step of a model's way puts one on the platform's bus; the KPI store, promotion and retraining
listen. An event that could not be put is an error of the step: what nobody hears has not happened.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

SCHEMA = "1"
"""The version of the events' detail."""

SOURCES: Mapping[str, str] = {
    "Build Started": "mlzone.delivery",
    "Model Registered": "mlzone.registry",
    "Model Approved": "mlzone.registry",
    "Model Rejected": "mlzone.registry",
    "Approval Reverted": "mlzone.registry",
    "Decision Overdue": "mlzone.registry",
    "Release Prepared": "mlzone.delivery",
    "Promotion Waiting": "mlzone.delivery",
    "Promotion Answered": "mlzone.delivery",
    "Release Tried": "mlzone.delivery",
    "Release Refused": "mlzone.delivery",
    "Release Deployed": "mlzone.delivery",
    "Release Validated": "mlzone.delivery",
    "Release Failed": "mlzone.delivery",
    "Release Restored": "mlzone.delivery",
    "Model Stopped": "mlzone.delivery",
    "Model Stop Failed": "mlzone.delivery",
    "Batch Completed": "mlzone.serving",
    "Batch Failed": "mlzone.serving",
    "Drift Detected": "mlzone.monitoring",
    "Monitor Completed": "mlzone.monitoring",
    "Finding Raised": "mlzone.monitoring",
    "Finding Answered": "mlzone.monitoring",
    "Retraining Requested": "mlzone.monitoring",
    "Retraining Started": "mlzone.delivery",
    "Retraining Skipped": "mlzone.delivery",
    "Data Inspected": "mlzone.data",
    "Data Refused": "mlzone.data",
    "Glass Broken": "mlzone.platform",
    "Glass Used": "mlzone.platform",
    "Estate Compared": "mlzone.platform",
    "Estate Drifted": "mlzone.platform",
}
"""The kinds of event, with the part of the platform that tells of each."""


class EventError(Exception):
    """An event could not be put on the platform's bus."""


@dataclass(frozen=True, kw_only=True)
class ModelScope:
    """Which model in which environment an event is about."""

    unit: str
    team: str
    model: str
    environment: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ModelScope":
        """Read it from the settings that the platform gives to functions and builds.

        Raises:
            EventError: a setting is missing.
        """
        return cls(
            unit=setting("MLZONE_UNIT", environment),
            team=setting("MLZONE_TEAM", environment),
            model=setting("MLZONE_MODEL", environment),
            environment=setting("MLZONE_ENVIRONMENT", environment),
        )


@dataclass(frozen=True, kw_only=True)
class LifeCycleEvent:
    """One step of a model's way."""

    kind: str
    """One of SOURCES."""
    scope: ModelScope
    """Which model, where."""
    actor: str
    """The person or the machine that did it."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is worth knowing of the step; JSON values."""
    model_package_arn: str = ""
    """The version in the registry, if it is about one."""
    release: str = ""
    """The release, if it is about one."""
    pipeline_execution: str = ""
    """The pipeline execution that did it, if one did."""

    def entry(self, bus_arn: str) -> dict[str, str]:
        """Return the event as EventBridge takes it."""
        detail: dict[str, Any] = {
            "schema": SCHEMA,
            "unit": self.scope.unit,
            "team": self.scope.team,
            "model": self.scope.model,
            "environment": self.scope.environment,
            "actor": self.actor,
            "facts": dict(self.facts),
        }
        for name in ("model_package_arn", "release", "pipeline_execution"):
            if value := getattr(self, name):
                detail[name] = value
        return {
            "Source": SOURCES[self.kind],
            "DetailType": self.kind,
            "Detail": json.dumps(detail, sort_keys=True),
            "EventBusName": bus_arn,
        }


def announce(event: LifeCycleEvent, *, bus_arn: str | None = None, client: Any = None) -> None:
    """Put an event on the platform's bus.

    Args:
        event: what happened.
        bus_arn: the bus; the setting MLZONE_PLATFORM_BUS unless given.
        client: an EventBridge client; one in the bus's own Region unless given.

    Raises:
        EventError: the bus did not take it.
    """
    bus_arn = bus_arn or setting("MLZONE_PLATFORM_BUS")
    client = client or boto3.client("events", region_name=bus_arn.split(":")[3])
    answer = client.put_events(Entries=[event.entry(bus_arn)])
    if answer.get("FailedEntryCount"):
        entry = answer["Entries"][0]
        raise EventError(
            f"{bus_arn} did not take {event.kind!r}: "
            f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')}"
        )


def setting(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return a setting of the function or build.

    Raises:
        EventError: it is missing or empty.
    """
    value = environment.get(name, "")
    if not value:
        raise EventError(f"the setting {name} is missing; the delivery stack gives it")
    return value
