"""CodePipeline's operations on executions and on the jobs and approvals of their actions."""

from typing import Any

from mlzone_cloud.compute.codepipeline import announcement, machine
from mlzone_cloud.compute.codepipeline.actions.base import ActionFailure, Done
from mlzone_cloud.compute.codepipeline.actions.function import CONTINUE_AFTER
from mlzone_cloud.compute.codepipeline.start import start
from mlzone_cloud.compute.codepipeline.state import (
    IN_PROGRESS,
    STOPPING,
    ActionRun,
    Execution,
    Place,
    executions,
    find,
    find_execution,
    jobs,
)
from mlzone_cloud.compute.codepipeline.views import (
    action_detail,
    execution_detail,
    execution_summary,
)
from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic import paging
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation


@operation("codepipeline", "StartPipelineExecution")
def start_pipeline_execution(call: Call) -> dict[str, Any]:
    """Start an execution."""
    validate(call.service, call.operation, call.params)
    execution = start(
        call.cloud,
        _place(call, call.params["name"]),
        {"triggerType": "StartPipelineExecution", "triggerDetail": call.caller_arn},
        variables={item["name"]: item["value"] for item in call.params.get("variables") or ()},
        revisions=call.params.get("sourceRevisions") or (),
        token=call.params.get("clientRequestToken") or "",
    )
    return {"pipelineExecutionId": execution.id}


@operation("codepipeline", "StopPipelineExecution")
def stop_pipeline_execution(call: Call) -> dict[str, Any]:
    """Stop an execution once its running actions have ended; with `abandon` at once."""
    place = _place(call)
    find(call.cloud, place)
    execution = find_execution(call.cloud, place, call.params["pipelineExecutionId"])
    abandon = bool(call.params.get("abandon"))
    if execution.status == STOPPING and not abandon:
        raise ApiError(
            "DuplicatedStopRequestException",
            f"The pipeline execution {execution.id} is already in a Stopping state",
        )
    if not execution.active:
        raise ApiError(
            "PipelineExecutionNotStoppableException",
            f"The pipeline execution {execution.id} is {execution.status} and cannot be stopped",
        )
    execution.status = STOPPING
    execution.stop_reason = call.params.get("reason", "")
    announcement.of_pipeline(call.cloud, place, execution)
    if abandon:
        machine.abandon(call.cloud, place, execution)
    machine.drive(call.cloud, place)
    return {"pipelineExecutionId": execution.id}


@operation("codepipeline", "RetryStageExecution")
def retry_stage_execution(call: Call) -> dict[str, Any]:
    """Let the failed or stopped stage of an execution begin again."""
    validate(call.service, call.operation, call.params)
    place = _place(call)
    _require_stage(call, place)
    execution = find_execution(call.cloud, place, call.params["pipelineExecutionId"])
    name = call.params["stageName"]
    stage = execution.stages.get(name)
    if execution.active or stage is None or stage.status not in ("Failed", "Stopped"):
        raise ApiError(
            "StageNotRetryableException",
            f"Unable to retry the stage {name}: the execution is {execution.status} and the stage "
            f"is {stage.status if stage else 'not reached'}",
        )
    newer = list(executions(call.cloud, place).values())
    newer = newer[newer.index(execution) + 1 :]
    if any(name in other.stages for other in newer) and _mode(execution) != "PARALLEL":
        raise ApiError(
            "NotLatestPipelineExecutionException",
            f"The execution {execution.id} is not the latest in the stage {name}",
        )
    stage.manual_retries += 1
    machine.again(call.cloud, place, execution, call.params["retryMode"])
    machine.drive(call.cloud, place)
    return {"pipelineExecutionId": execution.id}


@operation("codepipeline", "RollbackStage")
def rollback_stage(call: Call) -> dict[str, Any]:
    """Run a stage again as an earlier execution ran it."""
    place = _place(call)
    _require_stage(call, place)
    name = call.params["stageName"]
    target = find_execution(call.cloud, place, call.params["targetPipelineExecutionId"])
    stage = target.stages.get(name)
    if stage is None or stage.status != "Succeeded" or target.kind == "ROLLBACK":
        raise ApiError(
            "UnableToRollbackStageException",
            f"The execution {target.id} did not succeed in the stage {name}",
        )
    trigger = {"triggerType": "ManualRollback", "triggerDetail": call.caller_arn}
    execution = machine.roll_back(call.cloud, place, target, name, trigger)
    machine.drive(call.cloud, place)
    return {"pipelineExecutionId": execution.id}


@operation("codepipeline", "GetPipelineExecution")
def get_pipeline_execution(call: Call) -> dict[str, Any]:
    """Describe an execution."""
    place = _place(call)
    find(call.cloud, place)
    execution = find_execution(call.cloud, place, call.params["pipelineExecutionId"])
    return {"pipelineExecution": execution_detail(place, execution)}


@operation("codepipeline", "ListPipelineExecutions")
def list_pipeline_executions(call: Call) -> dict[str, Any]:
    """List the executions, the newest first."""
    place = _place(call)
    find(call.cloud, place)
    wanted = (call.params.get("filter") or {}).get("succeededInStage") or {}
    found = [
        execution
        for execution in reversed(executions(call.cloud, place).values())
        if not wanted or _succeeded_in(execution, wanted["stageName"])
    ]
    page, token = paging.cut(found, call.params)
    return {
        "pipelineExecutionSummaries": [execution_summary(execution) for execution in page],
        **({"nextToken": token} if token else {}),
    }


@operation("codepipeline", "ListActionExecutions")
def list_action_executions(call: Call) -> dict[str, Any]:
    """List what the actions did, the newest first."""
    place = _place(call)
    find(call.cloud, place)
    given = call.params.get("filter") or {}
    latest = given.get("latestInPipelineExecution") or {}
    execution_id = given.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
    if execution_id:
        chosen = [find_execution(call.cloud, place, execution_id)]
    else:
        chosen = list(executions(call.cloud, place).values())
    details = [
        (run.started, action_detail(execution, run))
        for execution in chosen
        for run in execution.history
    ]
    details.sort(key=lambda item: item[0])
    page, token = paging.cut([detail for _, detail in reversed(details)], call.params)
    return {"actionExecutionDetails": page, **({"nextToken": token} if token else {})}


# --- answers ----------------------------------------------------------------------------------


@operation("codepipeline", "PutApprovalResult")
def put_approval_result(call: Call) -> dict[str, Any]:
    """Approve or reject."""
    validate(call.service, call.operation, call.params)
    place = _place(call)
    _require_stage(call, place)
    result, token = call.params["result"], call.params["token"]
    execution, run = _approval(call, place)
    if run.status != IN_PROGRESS:
        raise ApiError("ApprovalAlreadyCompletedException", "The approval was already completed")
    if run.token != token:
        raise ApiError("InvalidApprovalTokenException", "The approval token is not valid")
    run.summary, run.updated_by = result["summary"], call.caller_arn
    outcome: Done | ActionFailure = Done()
    if result["status"] == "Rejected":
        said = result["summary"] or "no reason was given"
        outcome = ActionFailure("Rejected", f"Rejected by {call.caller_arn}: {said}")
    now = call.cloud.clock.now()
    machine.finish(call.cloud, place, execution, run, outcome)
    return {"approvedAt": now}


def _approval(call: Call, place: Place) -> tuple[Execution, ActionRun]:
    """Return the approval with the given token, else the latest of the action."""
    stage, action = call.params["stageName"], call.params["actionName"]
    found = [
        (execution, run)
        for execution in executions(call.cloud, place).values()
        for run in execution.history
        if (run.stage, run.name) == (stage, action) and run.kind[0] == "Approval"
    ]
    if not found:
        raise ApiError(
            "ActionNotFoundException", f"no approval {action} in the stage {stage} was asked for"
        )
    return next((item for item in found if item[1].token == call.params["token"]), found[-1])


@operation("codepipeline", "PutJobSuccessResult")
def put_job_success_result(call: Call) -> dict[str, Any]:
    """A function reports that its job is done, or asks to be called again."""
    place, execution, run = _job(call)
    details = call.params.get("executionDetails") or {}
    run.summary = details.get("summary", run.summary)
    run.external_id = details.get("externalExecutionId", run.external_id)
    if call.params.get("continuationToken"):
        run.token = call.params["continuationToken"]
        run.due = call.cloud.clock.now() + CONTINUE_AFTER
        return {}
    variables = call.params.get("outputVariables") or {}
    outcome = Done(variables=variables, outputs=run.outputs)
    machine.finish(call.cloud, place, execution, run, outcome)
    return {}


@operation("codepipeline", "PutJobFailureResult")
def put_job_failure_result(call: Call) -> dict[str, Any]:
    """A function reports that its job failed."""
    place, execution, run = _job(call)
    details = call.params["failureDetails"]
    run.external_id = details.get("externalExecutionId", run.external_id)
    failure = ActionFailure(details["type"], details["message"])
    machine.finish(call.cloud, place, execution, run, failure)
    return {}


def _job(call: Call) -> tuple[Place, Execution, ActionRun]:
    job_id = call.params["jobId"]
    waiting = jobs(call.cloud).get(job_id)
    if waiting is None:
        raise ApiError("JobNotFoundException", f"Could not find the job with id {job_id}")
    place, execution_id, action_id = waiting
    if place.account != call.account:
        raise ApiError("JobNotFoundException", f"Could not find the job with id {job_id}")
    execution = find_execution(call.cloud, place, execution_id)
    run = execution.action(action_id)
    if run is None or run.status != IN_PROGRESS:
        raise ApiError("InvalidJobStateException", f"The job {job_id} is not in progress")
    return place, execution, run


def _require_stage(call: Call, place: Place) -> None:
    names = [stage["name"] for stage in find(call.cloud, place).declaration["stages"]]
    if call.params["stageName"] not in names:
        raise ApiError(
            "StageNotFoundException",
            f"Pipeline '{place.name}' does not have a stage '{call.params['stageName']}'",
        )


def _succeeded_in(execution: Execution, stage: str) -> bool:
    run = execution.stages.get(stage)
    return run is not None and run.status == "Succeeded"


def _mode(execution: Execution) -> str:
    return str(execution.declaration["executionMode"])


def _place(call: Call, name: str = "") -> Place:
    name = name or call.params["pipelineName"]
    return Place(account=call.account, region=call.region, name=name)
