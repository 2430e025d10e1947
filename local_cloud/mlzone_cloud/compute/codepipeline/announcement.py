"""The events that CodePipeline sends to EventBridge.

Source: AWS CodePipeline User Guide, "Monitoring CodePipeline events".
"""

from typing import TYPE_CHECKING

from mlzone_cloud.compute.codepipeline.state import ActionRun, Execution, Json, Place, StageRun

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_STATES = {
    "InProgress": "STARTED",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Abandoned": "ABANDONED",
    "Stopped": "STOPPED",
    "Stopping": "STOPPING",
    "Superseded": "SUPERSEDED",
    "Cancelled": "CANCELED",
}


def of_pipeline(cloud: "Cloud", place: Place, execution: Execution, state: str = "") -> None:
    """Tell of an execution's state."""
    trigger = execution.trigger
    _emit(
        cloud,
        place,
        "Pipeline",
        {
            **_common(place, execution),
            "execution-trigger": {
                "trigger-type": trigger["triggerType"],
                "trigger-detail": trigger["triggerDetail"],
            },
            "state": state or _STATES[execution.status],
            "pipeline-execution-attempt": float(execution.attempt),
        },
    )


def of_stage(
    cloud: "Cloud", place: Place, execution: Execution, stage: StageRun, state: str = ""
) -> None:
    """Tell of the state of an execution's stage."""
    failed = [run for run in stage.actions.values() if run.status == "Failed"]
    _emit(
        cloud,
        place,
        "Stage",
        {
            **_common(place, execution),
            "stage": stage.name,
            "state": state or _STATES[stage.status],
            "pipeline-execution-attempt": float(execution.attempt),
            **({"failed-actions": [_failure(run) for run in failed]} if failed else {}),
        },
    )


def of_action(cloud: "Cloud", place: Place, execution: Execution, run: ActionRun) -> None:
    """Tell of an action's state."""
    about = run.declaration["actionTypeId"]
    result = {
        "external-execution-id": run.external_id,
        "external-execution-url": run.external_url,
        "external-execution-summary": (run.error or {}).get("message", run.summary),
        "error-code": (run.error or {}).get("code", ""),
    }
    _emit(
        cloud,
        place,
        "Action",
        {
            **_common(place, execution),
            "stage": run.stage,
            "action": run.name,
            "action-execution-id": run.id,
            "state": _STATES[run.status],
            "region": run.declaration.get("region", place.region),
            "type": {key: about[key] for key in ("owner", "provider", "category", "version")},
            "input-artifacts": [_artifact(item.shown) for item in run.inputs],
            "output-artifacts": [_artifact(item.shown) for item in run.outputs],
            "pipeline-execution-attempt": float(execution.attempt),
            **(
                {"execution-result": {key: text for key, text in result.items() if text}}
                if any(result.values())
                else {}
            ),
        },
    )


def _common(place: Place, execution: Execution) -> Json:
    return {
        "pipeline": place.name,
        "execution-id": execution.id,
        "start-time": execution.started.isoformat(),
        "version": float(execution.declaration["version"]),
    }


def _failure(run: ActionRun) -> Json:
    return {"action": run.name, "additional-information": (run.error or {}).get("message", "")}


def _artifact(shown: Json) -> Json:
    return {"name": shown["name"], "s3location": shown["s3location"]}


def _emit(cloud: "Cloud", place: Place, kind: str, detail: Json) -> None:
    cloud.emit(
        account=place.account,
        region=place.region,
        source="aws.codepipeline",
        detail_type=f"CodePipeline {kind} Execution State Change",
        detail=detail,
        resources=(place.arn,),
    )
