"""What is kept of pipelines and their executions, and what is told about them."""

from typing import TYPE_CHECKING, Any

from mlzone_cloud.sagemaker.pipelines.definition import Definition, parse
from mlzone_cloud.sagemaker.registry_event import plain

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Record = dict[str, Any]
Key = tuple[str, str, str]
"""Account, Region and id of an execution."""

PIPELINE, EXECUTION = "Pipeline", "PipelineExecution"
EXECUTING, STOPPING, STOPPED = "Executing", "Stopping", "Stopped"
FAILED, SUCCEEDED, STARTING = "Failed", "Succeeded", "Starting"
ACTIVE = frozenset({EXECUTING, STOPPING})
UNDER_WAY = frozenset({STARTING, EXECUTING, STOPPING})
"""Statuses of a step that has not come to its end."""


def executions(cloud: "Cloud", account: str, region: str) -> dict[str, Record]:
    """Return the executions in an account and Region, by id."""
    return cloud.store(f"sagemaker.{EXECUTION}", account, region)


def definition_of(execution: Record) -> Definition:
    """Return the definition that an execution runs."""
    return parse(execution["Definition"])


def set_status(cloud: "Cloud", key: Key, execution: Record, status: str) -> None:
    """Change how far an execution is, and tell it."""
    before = execution.get("PipelineExecutionStatus")
    execution["PipelineExecutionStatus"] = status
    execution["LastModifiedTime"] = cloud.clock.now()
    detail = {
        "pipelineExecutionDisplayName": execution["PipelineExecutionDisplayName"],
        "currentPipelineExecutionStatus": status,
        "executionStartTime": execution["CreationTime"],
        "pipelineArn": execution["PipelineArn"],
        "pipelineExecutionArn": execution["PipelineExecutionArn"],
    }
    if before:
        detail["previousPipelineExecutionStatus"] = before
    if execution.get("PipelineExecutionDescription"):
        detail["pipelineExecutionDescription"] = execution["PipelineExecutionDescription"]
    if status not in ACTIVE:
        detail["executionEndTime"] = execution["LastModifiedTime"]
    if execution.get("FailureReason"):
        detail["failureReason"] = execution["FailureReason"]
    _emit(cloud, key, execution, "Status Change", detail)


def set_step_status(cloud: "Cloud", key: Key, execution: Record, name: str, status: str) -> None:
    """Change how far a step is, and tell it."""
    step = execution["Steps"][name]
    before = step.get("StepStatus")
    if before == status:
        return
    step["StepStatus"] = status
    detail = {
        "stepName": name,
        "stepType": step["Type"],
        "stepStartTime": step["StartTime"],
        "currentStepStatus": status,
        "pipelineArn": execution["PipelineArn"],
        "pipelineExecutionArn": execution["PipelineExecutionArn"],
        "metadata": _camel(step.get("Metadata") or {}),
    }
    if before:
        detail["previousStepStatus"] = before
    if status not in UNDER_WAY:
        step["EndTime"] = cloud.clock.now()
        detail["stepEndTime"] = step["EndTime"]
    if step.get("FailureReason"):
        detail["failureReason"] = step["FailureReason"]
    if step.get("CacheHitResult"):
        detail["cacheHitResult"] = _camel(step["CacheHitResult"])
    _emit(cloud, key, execution, "Step Status Change", detail)


def _emit(cloud: "Cloud", key: Key, execution: Record, what: str, detail: dict[str, Any]) -> None:
    account, region, _ = key
    cloud.emit(
        account=account,
        region=region,
        source="aws.sagemaker",
        detail_type=f"SageMaker Model Building Pipeline Execution {what}",
        detail=plain(detail),
        resources=(execution["PipelineArn"], execution["PipelineExecutionArn"]),
    )
    cloud.changed()


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value
