"""Starts a new training when drift was found, but not more often than cooldown and budget allow.

A cooldown keeps drift that lasts from starting one training after another: until a new version
serves, the same drift raises the alarm again. The budget is a number of trainings a month. Time is
the event's: when retraining was asked for.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3

from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

TRIGGER = "drift"
AUTHOR = "retraining"
MONTH = timedelta(days=30)
RUNNING = frozenset({"InProgress", "Stopping"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the delivery stack tells the function."""

    scope: ModelScope
    bus_arn: str
    pipeline: str
    """The model's build pipeline."""
    cooldown: timedelta
    """Least time between two trainings started by drift."""
    most: int
    """Most trainings that drift may start in a month."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        return cls(
            scope=ModelScope.from_environment(),
            bus_arn=setting("MLZONE_PLATFORM_BUS"),
            pipeline=setting("MLZONE_BUILD_PIPELINE"),
            cooldown=timedelta(hours=int(setting("MLZONE_COOLDOWN_HOURS"))),
            most=int(setting("MLZONE_MAX_PER_MONTH")),
        )


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Answer a request for retraining."""
    del context
    settings = Settings.from_environment()
    return retrain(
        event,
        settings,
        codepipeline=boto3.client("codepipeline"),
        events=boto3.client("events", region_name=settings.bus_arn.split(":")[3]),
    )


def retrain(
    event: Mapping[str, Any], settings: Settings, *, codepipeline: Any, events: Any
) -> dict[str, str]:
    """Start a training or say why not.

    Returns:
        `started` with the execution's id, or `skipped` with the reason.
    """
    asked = datetime.fromisoformat(str(event["time"]))
    reason = _reason_to_wait(codepipeline, settings, asked)
    if reason:
        LOG.info("no retraining: %s", reason)
        facts = {"reason": reason, "cooldown_hours": settings.cooldown // timedelta(hours=1)}
        _tell(events, settings, "Retraining Skipped", event, facts)
        return {"skipped": reason}
    execution = codepipeline.start_pipeline_execution(
        name=settings.pipeline,
        variables=[
            {"name": "author", "value": AUTHOR},
            {"name": "trigger", "value": TRIGGER},
        ],
        # The same event delivered twice starts one training.
        clientRequestToken=str(event["id"]),
    )["pipelineExecutionId"]
    LOG.info("retraining in execution %s", execution)
    _tell(events, settings, "Retraining Started", event, {"pipeline": settings.pipeline}, execution)
    return {"started": execution}


def _reason_to_wait(codepipeline: Any, settings: Settings, asked: datetime) -> str:
    started = 0
    earliest = asked - max(settings.cooldown, MONTH)
    for summary in _executions_since(codepipeline, settings.pipeline, earliest):
        execution = summary["pipelineExecutionId"]
        if _trigger(codepipeline, settings.pipeline, execution) != TRIGGER:
            continue
        if summary["status"] in RUNNING:
            return f"execution {execution}, started by drift, is still running"
        if summary["startTime"] > asked - settings.cooldown:
            again = (summary["startTime"] + settings.cooldown).isoformat(timespec="minutes")
            return f"execution {execution} was started by drift already; the next may start {again}"
        if summary["startTime"] > asked - MONTH:
            started += 1
    if started >= settings.most:
        return f"drift started {started} trainings within 30 days; the estate allows no more"
    return ""


def _executions_since(
    codepipeline: Any, pipeline: str, earliest: datetime
) -> Iterator[dict[str, Any]]:
    """Yield executions, newest first, until they are older and none of them can still run."""
    pages = codepipeline.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
    for page in pages:
        for summary in page["pipelineExecutionSummaries"]:
            if summary["startTime"] < earliest and summary["status"] not in RUNNING:
                return
            yield summary


def _trigger(codepipeline: Any, pipeline: str, execution: str) -> str:
    answer = codepipeline.get_pipeline_execution(
        pipelineName=pipeline, pipelineExecutionId=execution
    )
    for variable in answer["pipelineExecution"].get("variables", []):
        if variable["name"] == "trigger":
            return str(variable.get("resolvedValue", ""))
    return ""


def _tell(
    client: Any,
    settings: Settings,
    kind: str,
    event: Mapping[str, Any],
    facts: Mapping[str, Any],
    execution: str = "",
) -> None:
    detail = event.get("detail") or {}
    announce(
        LifeCycleEvent(
            kind=kind,
            scope=settings.scope,
            actor=AUTHOR,
            model_package_arn=str(detail.get("model_package_arn", "")),
            pipeline_execution=execution,
            facts=facts,
        ),
        bus_arn=settings.bus_arn,
        client=client,
    )
