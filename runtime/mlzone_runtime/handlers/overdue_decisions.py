"""Reminds people of what waits for them, and tells somebody above when nobody answers.

It is called by the hour, and reads the kept life-cycle events alone. A version waits for a decision
from its registration until it is approved or rejected, a promotion from when it asks until it is
answered. What is overdue is told of again once as many hours have passed as the first reminder
waited for.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

OVERDUE = "Decision Overdue"
ACTOR = "platform"
REMINDER, ESCALATION = "reminder", "escalation"
"""How urgent it is: those who decide are reminded, then who owns the unit hears of it."""

_REGISTERED, _REVERTED = "Model Registered", "Approval Reverted"
_DECIDED = ("Model Approved", "Model Rejected")
_ASKED, _ANSWERED = "Promotion Waiting", "Promotion Answered"
_SEEN = (OVERDUE, _REGISTERED, _REVERTED, *_DECIDED, _ASKED, _ANSWERED)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long something may wait."""

    remind: timedelta
    escalate: timedelta


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A version or a promotion that waits for a person."""

    scope: ModelScope
    arn: str
    """The version; empty for a promotion."""
    execution: str
    """The promotion; empty for a version."""
    since: datetime
    told: datetime | None
    """When it was last told that this is overdue."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, int]:
    """Tell of what is overdue; the schedule's event says what time it is."""
    del context
    limits = Limits(
        remind=timedelta(hours=int(setting("MLZONE_REMIND_AFTER_HOURS"))),
        escalate=timedelta(hours=int(setting("MLZONE_ESCALATE_AFTER_HOURS"))),
    )
    items = _items(boto3.client("dynamodb"), setting("MLZONE_KPI_TABLE"))
    now = _time(event["time"])
    told = [announced(wait, now, limits) for wait in overdue(items, now, limits)]
    for item in told:
        announce(item)
    LOG.info("told of %d decisions that wait too long", len(told))
    return {"told": len(told)}


def overdue(items: Iterable[Mapping[str, Any]], now: datetime, limits: Limits) -> Iterator[Wait]:
    """Yield what waits for too long and was not told of lately.

    Args:
        items: kept life-cycle events, in any order.
        now: the present.
        limits: how long something may wait.
    """
    for wait in waiting(items):
        last = wait.told or wait.since
        if now - last >= limits.remind:
            yield wait


def waiting(items: Iterable[Mapping[str, Any]]) -> list[Wait]:
    """Return what waits for a person, the longest wait first."""
    registered: dict[str, Wait] = {}
    waits: dict[str, Wait] = {}
    for item in sorted(items, key=lambda item: str(item["event"])):
        kind, arn = str(item["kind"]), str(item.get("model_package_arn", ""))
        execution = str(item.get("pipeline_execution", ""))
        if kind == _REGISTERED:
            waits[arn] = registered[arn] = _wait(item, arn=arn)
        elif kind == _ASKED:
            waits[execution] = _wait(item, execution=execution)
        elif kind in _DECIDED:
            waits.pop(arn, None)
        elif kind == _ANSWERED:
            waits.pop(execution, None)
        elif kind == _REVERTED and arn in registered:
            waits[arn] = registered[arn]
        elif kind == OVERDUE and (about := arn or execution) in waits:
            waits[about] = replace(waits[about], told=_time(item["time"]))
    return sorted(waits.values(), key=lambda wait: wait.since)


def announced(wait: Wait, now: datetime, limits: Limits) -> LifeCycleEvent:
    """Return the event that tells of a wait."""
    waited = now - wait.since
    version = wait.arn.rpartition("/")[2]
    return LifeCycleEvent(
        kind=OVERDUE,
        scope=wait.scope,
        actor=ACTOR,
        model_package_arn=wait.arn,
        pipeline_execution=wait.execution,
        facts={
            "since": wait.since.isoformat(),
            "hours": int(waited / timedelta(hours=1)),
            "level": ESCALATION if waited >= limits.escalate else REMINDER,
            "version": version,
            "what": f"version {version}" if version else "a promotion into production",
        },
    )


def _wait(item: Mapping[str, Any], *, arn: str = "", execution: str = "") -> Wait:
    unit, _, model = str(item["model"]).partition("/")
    scope = ModelScope(
        unit=unit, team=str(item["team"]), model=model, environment=str(item["environment"])
    )
    return Wait(scope=scope, arn=arn, execution=execution, since=_time(item["time"]), told=None)


def _items(dynamodb: Any, table: str) -> Iterator[dict[str, Any]]:
    """Yield the kept events that say who waits for whom."""
    deserialize = TypeDeserializer().deserialize
    names = {f":kind{number}": {"S": kind} for number, kind in enumerate(sorted(_SEEN))}
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression=f"kind IN ({', '.join(names)})",
        ExpressionAttributeValues=names,
    )
    for page in pages:
        for item in page["Items"]:
            yield {name: deserialize(value) for name, value in item.items()}


def _time(text: Any) -> datetime:
    return datetime.fromisoformat(str(text)).astimezone(UTC)
