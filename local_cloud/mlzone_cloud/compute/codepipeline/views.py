"""How CodePipeline shows executions, stages and actions."""

from typing import TYPE_CHECKING

from mlzone_cloud.compute.codepipeline.state import (
    ActionRun,
    Execution,
    Json,
    Pipeline,
    Place,
    executions,
)

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def pipeline_state(cloud: "Cloud", place: Place, pipeline: Pipeline) -> Json:
    """Return what GetPipelineState shows."""
    newest_first = list(reversed(executions(cloud, place).values()))
    return {
        "pipelineName": place.name,
        "pipelineVersion": pipeline.declaration["version"],
        "created": pipeline.created,
        "updated": pipeline.updated,
        "stageStates": [
            _stage_state(pipeline, stage, newest_first) for stage in pipeline.declaration["stages"]
        ],
    }


def _stage_state(pipeline: Pipeline, stage: Json, newest_first: list[Execution]) -> Json:
    name = stage["name"]
    state: Json = {"stageName": name}
    waiting = [
        {"pipelineExecutionId": item.id, "status": item.status, "type": item.kind}
        for item in newest_first
        if item.active
        and not item.inside
        and item.position <= item.last
        and item.stage["name"] == name
    ]
    if waiting:
        state["inboundExecution"] = waiting[0]
        state["inboundExecutions"] = waiting
    first = pipeline.declaration["stages"][0]["name"] == name
    if not first:
        state["inboundTransitionState"] = pipeline.transitions.get(name, {"enabled": True})
    latest = max(
        (item for item in newest_first if name in item.stages),
        key=lambda item: _entered(item, name),
        default=None,
    )
    runs = latest.stages[name].actions if latest else {}
    if latest:
        run = latest.stages[name]
        status = latest.status if latest.status == "Stopping" and latest.inside else run.status
        state["latestExecution"] = {
            "pipelineExecutionId": latest.id,
            "status": status,
            "type": latest.kind,
        }
        if run.automatic_retries or run.manual_retries:
            state["retryStageMetadata"] = {
                "autoStageRetryAttempt": run.automatic_retries,
                "manualStageRetryAttempt": run.manual_retries,
            }
    state["actionStates"] = [
        _action_state(action["name"], runs.get(action["name"])) for action in stage["actions"]
    ]
    return state


def _entered(execution: Execution, stage: str) -> float:
    first = next((run.started for run in execution.history if run.stage == stage), None)
    return (first or execution.updated).timestamp()


def _action_state(name: str, run: ActionRun | None) -> Json:
    if run is None:
        return {"actionName": name}
    latest = {
        "actionExecutionId": run.id,
        "status": run.status,
        "lastStatusChange": run.updated,
        **_present(
            summary=run.summary or (run.revision.summary if run.revision else ""),
            token=run.token if run.kind[0] == "Approval" else "",
            lastUpdatedBy=run.updated_by,
            externalExecutionId=run.external_id,
            externalExecutionUrl=run.external_url,
            errorDetails=run.error,
        ),
    }
    state: Json = {"actionName": name, "latestExecution": latest}
    if run.revision:
        state["currentRevision"] = {
            "revisionId": run.revision.id,
            "revisionChangeId": run.revision.id,
            "created": run.revision.created,
        }
        state["revisionUrl"] = run.revision.url
    return state


def action_detail(execution: Execution, run: ActionRun) -> Json:
    """Return what ListActionExecutions shows of an action."""
    declared = run.declaration
    result = _present(
        externalExecutionId=run.external_id,
        externalExecutionSummary=run.summary or (run.revision.summary if run.revision else ""),
        externalExecutionUrl=run.external_url,
        errorDetails=run.error,
    )
    return {
        "pipelineExecutionId": execution.id,
        "actionExecutionId": run.id,
        "pipelineVersion": execution.declaration["version"],
        "stageName": run.stage,
        "actionName": run.name,
        "startTime": run.started,
        "lastUpdateTime": run.updated,
        "status": run.status,
        **_present(updatedBy=run.updated_by),
        "input": {
            "actionTypeId": declared["actionTypeId"],
            "configuration": declared["configuration"],
            "resolvedConfiguration": run.configuration,
            "inputArtifacts": [item.shown for item in run.inputs],
            **_present(
                roleArn=declared.get("roleArn"),
                region=declared.get("region"),
                namespace=declared.get("namespace"),
            ),
        },
        "output": {
            "outputArtifacts": [item.shown for item in run.outputs],
            "outputVariables": run.variables,
            "executionResult": result,
        },
    }


def execution_detail(place: Place, execution: Execution) -> Json:
    """Return what GetPipelineExecution shows."""
    return {
        "pipelineName": place.name,
        "pipelineVersion": execution.declaration["version"],
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "artifactRevisions": [
            {
                "name": run.outputs[0].name if run.outputs else run.name,
                "revisionId": run.revision.id,
                "revisionSummary": run.revision.summary,
                "revisionUrl": run.revision.url,
                "created": run.revision.created,
            }
            for run in execution.history
            if run.revision
        ],
        "variables": [
            {"name": name, "resolvedValue": value} for name, value in execution.variables.items()
        ],
        "trigger": execution.trigger,
        "executionMode": execution.declaration["executionMode"],
        **_kind(execution),
        **_present(statusSummary=execution.summary),
    }


def execution_summary(execution: Execution) -> Json:
    """Return what ListPipelineExecutions shows."""
    return {
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "startTime": execution.started,
        "lastUpdateTime": execution.updated,
        "sourceRevisions": [
            {
                "actionName": run.name,
                "revisionId": run.revision.id,
                "revisionSummary": run.revision.summary,
                "revisionUrl": run.revision.url,
            }
            for run in execution.history
            if run.revision
        ],
        "trigger": execution.trigger,
        "executionMode": execution.declaration["executionMode"],
        **_kind(execution),
        **_present(
            statusSummary=execution.summary,
            stopTrigger={"reason": execution.stop_reason} if execution.stop_reason else None,
        ),
    }


def _kind(execution: Execution) -> Json:
    shown: Json = {"executionType": execution.kind}
    if execution.rollback_target:
        target = execution.rollback_target
        shown["rollbackMetadata"] = {"rollbackTargetPipelineExecutionId": target}
    return shown


def _present(**values: object) -> Json:
    return {name: value for name, value in values.items() if value}
