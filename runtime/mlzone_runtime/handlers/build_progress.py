"""Tells the platform how a model's build goes on: it started, it registered a version.

It is called with CodePipeline's event of a started execution and with SageMaker's event of a
pipeline that succeeded, both from the development account's own bus; and with CodeBuild's event of
the tests of a pull request, whose outcome it says there.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from mlzone_runtime.handlers import proposal_outcome
from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

NOT_METRICS = frozenset({"author", "manifest_sha256"})
"""Metadata of a version that the event tells elsewhere, or that nobody reads there."""

_MADE = "CreatePipeline"


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The services it asks."""

    codepipeline: Any
    sagemaker: Any
    """In the Region of the training."""
    registry: Any
    """SageMaker in the registry's Region."""
    events: Any


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Tell of a build's step."""
    del context
    if event["source"] == "aws.codebuild":
        return proposal_outcome.say(
            event, repository=setting("MLZONE_REPOSITORY"), codecommit=boto3.client("codecommit")
        )
    bus = setting("MLZONE_PLATFORM_BUS")
    home = bus.split(":")[3]
    clients = Clients(
        codepipeline=boto3.client("codepipeline"),
        sagemaker=boto3.client("sagemaker"),
        registry=boto3.client("sagemaker", region_name=home),
        events=boto3.client("events", region_name=home),
    )
    return tell(event, ModelScope.from_environment(), bus, clients)


def tell(
    event: Mapping[str, Any], scope: ModelScope, bus_arn: str, clients: Clients
) -> dict[str, str]:
    """Put the event that a build's step calls for.

    Returns:
        The kind of the event, or nothing if no version was registered, or nobody asked for the
        build.
    """
    made = (
        _started(event, scope, clients)
        if event["source"] == "aws.codepipeline"
        else _registered(event, scope, clients)
    )
    if made is None:
        LOG.info("the pipeline registered nothing, or nobody asked for it")
        return {}
    announce(made, bus_arn=bus_arn, client=clients.events)
    return {"kind": made.kind}


def _started(
    event: Mapping[str, Any], scope: ModelScope, clients: Clients
) -> LifeCycleEvent | None:
    pipeline, execution = event["detail"]["pipeline"], event["detail"]["execution-id"]
    answer = clients.codepipeline.get_pipeline_execution(
        pipelineName=pipeline, pipelineExecutionId=execution
    )["pipelineExecution"]
    # CodePipeline runs a pipeline when it is made, before there is a project to build.
    if answer.get("trigger", {}).get("triggerType") == _MADE:
        return None
    variables = {
        item["name"]: item.get("resolvedValue", "") for item in answer.get("variables", [])
    }
    return LifeCycleEvent(
        kind="Build Started",
        scope=scope,
        # A commit's author is the whole ARN of the session.
        actor=variables.get("author", "").rpartition("/")[2] or "unknown",
        pipeline_execution=execution,
        facts={"pipeline": pipeline, "trigger": variables.get("trigger", "")},
    )


def _registered(
    event: Mapping[str, Any], scope: ModelScope, clients: Clients
) -> LifeCycleEvent | None:
    execution = event["detail"]["pipelineExecutionArn"]
    steps = clients.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)
    arns = [
        step["Metadata"]["RegisterModel"]["Arn"]
        for step in steps["PipelineExecutionSteps"]
        if "RegisterModel" in step.get("Metadata", {})
    ]
    if not arns:
        return None
    version = clients.registry.describe_model_package(ModelPackageName=arns[0])
    metadata = version.get("CustomerMetadataProperties", {})
    return LifeCycleEvent(
        kind="Model Registered",
        scope=scope,
        actor=metadata.get("author", "") or "unknown",
        model_package_arn=arns[0],
        pipeline_execution=execution,
        facts={
            "version": version["ModelPackageVersion"],
            "status": version["ModelApprovalStatus"],
            **{name: value for name, value in metadata.items() if name not in NOT_METRICS},
        },
    )
