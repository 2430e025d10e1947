"""SageMaker's operations on executions of pipelines."""

import secrets
import string
from typing import Any

from mlzone_cloud.authorization.service_trust import trusted_role
from mlzone_cloud.errors import ApiError, NotEmulatedError
from mlzone_cloud.generic import paging
from mlzone_cloud.generic.crud import ARN
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.listing import in_order, select
from mlzone_cloud.sagemaker.pipelines.api import find_pipeline, version_of
from mlzone_cloud.sagemaker.pipelines.definition import parse
from mlzone_cloud.sagemaker.pipelines.expression import Scope, as_text, resolve
from mlzone_cloud.sagemaker.pipelines.machine import machine_of
from mlzone_cloud.sagemaker.pipelines.record import (
    ACTIVE,
    EXECUTING,
    FAILED,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    Key,
    Record,
    executions,
    set_status,
)
from mlzone_cloud.sagemaker.registry import identity_of

_ID_LENGTH = 12
_ALPHABET = string.ascii_lowercase + string.digits
_STEP_FIELDS = (
    "StartTime",
    "EndTime",
    "StepStatus",
    "CacheHitResult",
    "FailureReason",
    "Metadata",
    "AttemptCount",
)


@operation("sagemaker", "StartPipelineExecution")
def start_execution(call: Call) -> dict[str, Any]:
    """Begin an execution; it goes on in the background."""
    validate(call.service, call.operation, call.params)
    params = call.params
    if params.get("SelectiveExecutionConfig") or params.get("PipelineVersionAlias"):
        raise NotEmulatedError("sagemaker", "StartPipelineExecution(SelectiveExecution or alias)")
    pipeline = find_pipeline(call)
    made = executions(call.cloud, call.account, call.region)
    token = params["ClientRequestToken"]
    for item in made.values():
        if item["ClientRequestToken"] == token and item["PipelineArn"] == pipeline["PipelineArn"]:
            return {"PipelineExecutionArn": item["PipelineExecutionArn"]}
    version = version_of(pipeline, params.get("PipelineVersionId"))
    given = {item["Name"]: item["Value"] for item in params.get("PipelineParameters") or ()}
    values = parse(version["Definition"]).values(given)
    role = params.get("RoleArn") or pipeline["RoleArn"]
    trusted_role(call.cloud, role, "sagemaker.amazonaws.com")
    name = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
    arn = f"{pipeline['PipelineArn']}/execution/{name}"
    now = call.cloud.clock.now()
    execution: Record = {
        ARN: arn,
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineExecutionArn": arn,
        "PipelineExecutionDisplayName": params.get("PipelineExecutionDisplayName")
        or f"execution-{int(now.timestamp() * 1000)}",
        "PipelineVersionId": version["PipelineVersionId"],
        "Definition": version["Definition"],
        "Parameters": values,
        "RoleArn": role,
        "CreationTime": now,
        "CreatedBy": identity_of(call),
        "LastModifiedBy": identity_of(call),
        "ClientRequestToken": token,
        "Steps": {},
    }
    execution |= {
        key: params[key]
        for key in ("PipelineExecutionDescription", "ParallelismConfiguration")
        if key in params
    }
    if "ParallelismConfiguration" not in execution and "ParallelismConfiguration" in pipeline:
        execution["ParallelismConfiguration"] = pipeline["ParallelismConfiguration"]
    pipeline["LastExecutionTime"] = pipeline["LastRunTime"] = now
    made[name] = execution
    key = (call.account, call.region, name)
    set_status(call.cloud, key, execution, EXECUTING)
    machine_of(call.cloud).wake(key)
    return {"PipelineExecutionArn": arn}


@operation("sagemaker", "DescribePipelineExecution")
def describe_execution(call: Call) -> dict[str, Any]:
    """Describe how far an execution is."""
    key, execution = _find(call)
    shown = records.shown("DescribePipelineExecution", execution)
    experiment = parse(execution["Definition"]).experiment
    if experiment:
        scope = Scope(
            parameters=execution["Parameters"],
            execution={
                "PipelineName": execution["PipelineArn"].rsplit("/", 1)[-1],
                "PipelineExecutionId": key[2],
            },
            steps={},
            property_files=lambda *_: "",
            read=lambda _: b"",
        )
        shown["PipelineExperimentConfig"] = resolve(dict(experiment), scope)
    return shown


@operation("sagemaker", "ListPipelineExecutions")
def list_executions(call: Call) -> dict[str, Any]:
    """List the executions of a pipeline, newest first unless asked otherwise."""
    arn = find_pipeline(call)["PipelineArn"]
    params = {
        **call.params,
        "CreationTimeAfter": call.params.get("CreatedAfter"),
        "CreationTimeBefore": call.params.get("CreatedBefore"),
    }
    found = [
        item
        for item in executions(call.cloud, call.account, call.region).values()
        if item["PipelineArn"] == arn
    ]
    found = in_order(
        select(found, params, ""), params, "PipelineExecutionArn", default="Descending"
    )
    page, token = paging.cut(found, params)
    fields = {
        "PipelineExecutionArn": "PipelineExecutionArn",
        "StartTime": "CreationTime",
        "PipelineExecutionStatus": "PipelineExecutionStatus",
        "PipelineExecutionDescription": "PipelineExecutionDescription",
        "PipelineExecutionDisplayName": "PipelineExecutionDisplayName",
        "PipelineExecutionFailureReason": "FailureReason",
    }
    summaries = [{name: item[key] for name, key in fields.items() if key in item} for item in page]
    return {"PipelineExecutionSummaries": summaries} | ({"NextToken": token} if token else {})


@operation("sagemaker", "ListPipelineExecutionSteps")
def list_steps(call: Call) -> dict[str, Any]:
    """List the steps that began, the last one first unless asked otherwise."""
    _, execution = _find(call)
    steps = parse(execution["Definition"]).steps
    runs = list(execution["Steps"].items())
    if call.params.get("SortOrder", "Descending") == "Descending":
        runs.reverse()
    page, token = paging.cut(runs, call.params)
    shown = []
    for name, run in page:
        raw = steps[name].raw
        described = {
            "StepDisplayName": raw.get("DisplayName"),
            "StepDescription": raw.get("Description"),
        }
        shown.append(
            {
                "StepName": name,
                **{key: text for key, text in described.items() if text},
                **{key: run[key] for key in _STEP_FIELDS if key in run},
            }
        )
    return {"PipelineExecutionSteps": shown} | ({"NextToken": token} if token else {})


@operation("sagemaker", "ListPipelineParametersForExecution")
def list_parameters(call: Call) -> dict[str, Any]:
    """List the values that an execution runs with."""
    _, execution = _find(call)
    values = [
        {"Name": name, "Value": as_text(value)} for name, value in execution["Parameters"].items()
    ]
    page, token = paging.cut(values, call.params)
    return {"PipelineParameters": page} | ({"NextToken": token} if token else {})


@operation("sagemaker", "DescribePipelineDefinitionForExecution")
def describe_definition(call: Call) -> dict[str, Any]:
    """Return the definition that an execution runs."""
    _, execution = _find(call)
    return {
        "PipelineDefinition": execution["Definition"],
        "CreationTime": execution["CreationTime"],
    }


@operation("sagemaker", "UpdatePipelineExecution")
def update_execution(call: Call) -> dict[str, Any]:
    """Describe an execution in other words, or let more of its steps run at once."""
    _, execution = _find(call)
    for name in (
        "PipelineExecutionDescription",
        "PipelineExecutionDisplayName",
        "ParallelismConfiguration",
    ):
        if name in call.params:
            execution[name] = call.params[name]
    execution["LastModifiedTime"] = call.cloud.clock.now()
    return {"PipelineExecutionArn": execution["PipelineExecutionArn"]}


@operation("sagemaker", "StopPipelineExecution")
def stop_execution(call: Call) -> dict[str, Any]:
    """Stop an execution: its jobs are stopped, no step begins."""
    key, execution = _find(call)
    if execution["PipelineExecutionStatus"] not in ACTIVE:
        raise ApiError(
            "ConflictException",
            f"Pipeline execution {execution['PipelineExecutionArn']} is "
            f"{execution['PipelineExecutionStatus']} and cannot be stopped",
        )
    if execution["PipelineExecutionStatus"] != STOPPING:
        set_status(call.cloud, key, execution, STOPPING)
    machine_of(call.cloud).wake(key)
    return {"PipelineExecutionArn": execution["PipelineExecutionArn"]}


@operation("sagemaker", "RetryPipelineExecution")
def retry_execution(call: Call) -> dict[str, Any]:
    """Run the steps of a failed or stopped execution that did not succeed."""
    key, execution = _find(call)
    if execution["PipelineExecutionStatus"] not in (FAILED, STOPPED):
        raise ApiError(
            "ConflictException",
            "Only failed or stopped pipeline executions can be retried, not "
            f"{execution['PipelineExecutionStatus']} ones",
        )
    execution["Steps"] = {
        name: run for name, run in execution["Steps"].items() if run["StepStatus"] == SUCCEEDED
    }
    execution.pop("FailureReason", None)
    if "ParallelismConfiguration" in call.params:
        execution["ParallelismConfiguration"] = call.params["ParallelismConfiguration"]
    set_status(call.cloud, key, execution, EXECUTING)
    machine_of(call.cloud).wake(key)
    return {"PipelineExecutionArn": execution["PipelineExecutionArn"]}


def _find(call: Call) -> tuple[Key, Record]:
    arn = str(call.params.get("PipelineExecutionArn", ""))
    name = arn.rsplit("/", 1)[-1]
    execution = executions(call.cloud, call.account, call.region).get(name)
    if execution is None or execution["PipelineExecutionArn"] != arn:
        raise ApiError("ResourceNotFound", f"Pipeline execution '{arn}' does not exist.")
    return (call.account, call.region, name), execution
