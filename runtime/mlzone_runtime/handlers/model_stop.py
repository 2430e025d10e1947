"""Takes a model out of service in one environment: nothing answers or watches, until a person acts.

The function sets a parameter of the model's two stacks, on which everything that serves and watches
depends; the release stays known. An update that is under way is cancelled first. Called again, it
finishes what is not finished.
"""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mlzone_runtime.caller import UnknownCallerError, caller
from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting
from mlzone_runtime.release import hold
from mlzone_runtime.release.deploy import Deployer, DeploymentError

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

STOPPED, FAILED = "Model Stopped", "Model Stop Failed"
LONGEST_SECONDS = 13 * 60.0
"""So long the function waits for CloudFormation; it may take 15 minutes in all."""


class StopError(Exception):
    """The model is not out of service; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the serving stack tells the function."""

    scope: ModelScope
    bus_arn: str
    serving: str
    monitoring: str
    """The model's stacks."""
    batches: str = ""
    """What names of its batches begin with; empty where it has an endpoint."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        return cls(
            scope=ModelScope.from_environment(),
            bus_arn=setting("MLZONE_PLATFORM_BUS"),
            serving=setting("MLZONE_SERVING_STACK"),
            monitoring=setting("MLZONE_MONITORING_STACK"),
            batches=os.environ.get("MLZONE_BATCH_JOBS", ""),
        )


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Stop the model for the caller, who shows who they are; what is refused is an answer."""
    settings = Settings.from_environment()
    try:
        session = caller(boto3.client("sts"), context.function_name, str(event.get("proof", "")))
    except UnknownCallerError as error:
        return {"refused": str(error)}
    reason = str(event.get("reason", "")).strip()
    if not reason:
        return {"refused": "a stop needs a reason"}
    events = boto3.client("events", region_name=settings.bus_arn.split(":")[3])
    try:
        return stop(
            session,
            reason,
            settings,
            cloudformation=boto3.client("cloudformation"),
            events=events,
            sagemaker=boto3.client("sagemaker"),
        )
    except StopError as error:
        return {"refused": str(error)}


def stop(
    session: str,
    reason: str,
    settings: Settings,
    *,
    cloudformation: Any,
    events: Any,
    sagemaker: Any = None,
    pause: float = 2.0,
) -> dict[str, Any]:
    """Take the model out of service, and tell of it.

    Args:
        session: the ARN of the session that asks.
        reason: why.
        settings: which model.
        cloudformation: a client.
        events: a client, in the Region of the platform's bus.
        sagemaker: a client, for a model with batches.
        pause: seconds between two looks at a stack.

    Returns:
        Who stopped which release, and whether it was stopped before.

    Raises:
        StopError: a stack could not be changed; the platform's bus knows why.
        EventError: the platform's bus did not take the event.
    """
    person = session.rpartition("/")[2]
    began = time.monotonic()
    deployer = Deployer(
        cloudformation=cloudformation, talk=LOG.info, pause=pause, deadline=LONGEST_SECONDS
    )
    problems, changed = [], []
    try:
        parameters = deployer.parameters(settings.serving)
    except DeploymentError as error:
        raise StopError(str(error)) from None
    if not parameters.get("Release"):
        raise StopError("nothing of the model serves here: it has no release")
    before = parameters.get(hold.PARAMETER, "")
    value = before or hold.text(person, reason)
    # Monitors first: SageMaker wants their schedules gone before the endpoint.
    for stack in (settings.monitoring, settings.serving):
        try:
            _cancel(cloudformation, stack)
            deployer.deadline = max(LONGEST_SECONDS - (time.monotonic() - began), pause)
            if deployer.update(stack, {hold.PARAMETER: value}).changed:
                changed.append(stack)
        except DeploymentError as error:
            LOG.exception("%s stays", stack)
            problems.append(str(error))
    facts: dict[str, Any] = {"reason": reason, "session": session, "stacks": changed}
    if settings.batches:
        # Nothing begins one any more; what has begun ends without answers.
        facts["batches"] = _stop_batches(sagemaker, settings.batches)
    if problems:
        _tell(settings, events, FAILED, person, parameters, {**facts, "problems": problems})
        raise StopError("; ".join(problems))
    if changed:
        _tell(settings, events, STOPPED, person, parameters, facts)
    return {
        "stopped": value,
        "person": person,
        "release": parameters["Release"],
        "before": not changed,
    }


def _cancel(cloudformation: Any, stack: str) -> None:
    """Let an update that is under way go back; that there is none is as well."""
    try:
        cloudformation.cancel_update_stack(StackName=stack)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise


def _stop_batches(sagemaker: Any, prefix: str) -> list[str]:
    """Stop the transform jobs that are under way; return their names."""
    pages = sagemaker.get_paginator("list_transform_jobs").paginate(
        NameContains=prefix, StatusEquals="InProgress"
    )
    names = [
        str(item["TransformJobName"])
        for page in pages
        for item in page["TransformJobSummaries"]
        if item["TransformJobName"].startswith(f"{prefix}-")
    ]
    for name in names:
        try:
            sagemaker.stop_transform_job(TransformJobName=name)
        except ClientError as error:
            # It has ended meanwhile.
            if error.response["Error"]["Code"] != "ValidationException":
                raise
    return names


def _tell(
    settings: Settings,
    events: Any,
    kind: str,
    person: str,
    parameters: Mapping[str, str],
    facts: Mapping[str, Any],
) -> None:
    announce(
        LifeCycleEvent(
            kind=kind,
            scope=settings.scope,
            actor=person,
            model_package_arn=parameters.get("ModelPackageArn", ""),
            release=parameters["Release"],
            facts=facts,
        ),
        bus_arn=settings.bus_arn,
        client=events,
    )
