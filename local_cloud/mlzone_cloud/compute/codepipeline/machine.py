"""Drives executions on: through stages, and through the actions of a stage.

Everything here is quick and holds the cloud's lock; what an action does runs in the background and
reports through `finish`.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from mlzone_cloud.compute.codepipeline import announcement
from mlzone_cloud.compute.codepipeline.actions.base import (
    ActionFailure,
    Done,
    Session,
)
from mlzone_cloud.compute.codepipeline.actions.registry import perform
from mlzone_cloud.compute.codepipeline.state import (
    IN_PROGRESS,
    STOPPING,
    ActionRun,
    Execution,
    Json,
    Place,
    StageRun,
    executions,
    find,
    jobs,
)

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_LIMITS = {"Approval": timedelta(days=7), "Invoke": timedelta(hours=1)}
"""For actions that wait for an answer, by the cloud's clock. Builds have limits of their own."""


def drive(cloud: "Cloud", place: Place) -> None:
    """Let every execution of a pipeline go on as far as it can."""
    begun: list[tuple[Execution, ActionRun]] = []
    with cloud.lock:
        found = executions(cloud, place)
        moved = True
        while moved:
            moved = False
            for execution in [item for item in found.values() if item.active]:
                moved |= _advance(cloud, place, execution, begun)
    for execution, run in begun:
        cloud.submit(work_on, cloud, place, execution, run)
    cloud.changed()


def _advance(
    cloud: "Cloud", place: Place, execution: Execution, begun: list[tuple[Execution, ActionRun]]
) -> bool:
    """Let an execution take one step; tell whether it did."""
    if not execution.inside:
        return _before_stage(cloud, place, execution)
    stage = execution.stages[execution.stage["name"]]
    statuses = {run.status for run in stage.actions.values()}
    if IN_PROGRESS in statuses:
        return False
    if execution.status == STOPPING:
        stage.status = "Stopped"
        announcement.of_stage(cloud, place, execution, stage)
        _end(cloud, place, execution, "Stopped")
        return True
    if statuses - {"Succeeded"}:
        _fail_stage(cloud, place, execution, stage)
        return True
    due = _next_actions(execution.stage, stage)
    if not due:
        stage.status = "Succeeded"
        announcement.of_stage(cloud, place, execution, stage)
        execution.inside = False
        execution.position += 1
        _touch(cloud, execution)
        return True
    begun.extend(
        (execution, _begin(cloud, place, execution, stage, declaration)) for declaration in due
    )
    return False


def _before_stage(cloud: "Cloud", place: Place, execution: Execution) -> bool:
    if execution.status == STOPPING:
        _end(cloud, place, execution, "Stopped")
        return True
    if execution.position > execution.last:
        _end(cloud, place, execution, "Succeeded")
        return True
    name = execution.stage["name"]
    if _may_enter(cloud, place, execution):
        stage = execution.stages[name] = StageRun(name=name)
        execution.inside = True
        announcement.of_stage(cloud, place, execution, stage)
        return True
    if _mode(execution) == "SUPERSEDED" and _newer_waits(cloud, place, execution):
        _end(cloud, place, execution, "Superseded")
        return True
    return False


def _may_enter(cloud: "Cloud", place: Place, execution: Execution) -> bool:
    if not find(cloud, place).is_open(execution.stage["name"]):
        return False
    if _mode(execution) == "PARALLEL":
        return True
    name = execution.stage["name"]
    for other in executions(cloud, place).values():
        if other is execution or not other.active or other.position > other.last:
            continue
        if other.stage["name"] != name:
            continue
        if other.inside:
            return False
        is_older = other.started < execution.started
        if is_older and _mode(execution) == "QUEUED":
            return False
    return True


def _newer_waits(cloud: "Cloud", place: Place, execution: Execution) -> bool:
    return any(
        other.active
        and not other.inside
        and other.position == execution.position
        and other.started > execution.started
        for other in executions(cloud, place).values()
    )


def _mode(execution: Execution) -> str:
    return str(execution.declaration["executionMode"])


def _next_actions(declared: Json, stage: StageRun) -> list[Json]:
    """Return the actions with the lowest run order that have not succeeded yet."""
    open_actions = [item for item in declared["actions"] if item["name"] not in stage.actions]
    lowest = min((int(item["runOrder"]) for item in open_actions), default=0)
    return [item for item in open_actions if int(item["runOrder"]) == lowest]


def _begin(
    cloud: "Cloud", place: Place, execution: Execution, stage: StageRun, declaration: Json
) -> ActionRun:
    now = cloud.clock.now()
    category = declaration["actionTypeId"]["category"]
    limit = _LIMITS.get(category)
    if limit and declaration.get("timeoutInMinutes"):
        limit = timedelta(minutes=declaration["timeoutInMinutes"])
    run = ActionRun(
        declaration=declaration,
        stage=stage.name,
        started=now,
        updated=now,
        expires=now + limit if limit else None,
        inputs=[execution.artifacts[item["name"]] for item in declaration["inputArtifacts"]],
    )
    stage.actions[run.name] = run
    execution.history.append(run)
    _touch(cloud, execution)
    announcement.of_action(cloud, place, execution, run)
    return run


def _fail_stage(cloud: "Cloud", place: Place, execution: Execution, stage: StageRun) -> None:
    policy = execution.stage.get("onFailure") or {}
    if policy.get("result") == "RETRY" and not stage.automatic_retries:
        stage.automatic_retries += 1
        mode = (policy.get("retryConfiguration") or {}).get("retryMode", "ALL_ACTIONS")
        again(cloud, place, execution, mode)
        return
    stage.status = "Failed"
    announcement.of_stage(cloud, place, execution, stage)
    _end(cloud, place, execution, "Failed")
    if policy.get("result") == "ROLLBACK" and execution.kind == "STANDARD":
        target = last_success(cloud, place, stage.name)
        if target:
            trigger = {"triggerType": "AutomatedRollback", "triggerDetail": execution.id}
            roll_back(cloud, place, target, stage.name, trigger)


def again(cloud: "Cloud", place: Place, execution: Execution, mode: str) -> None:
    """Let a stage begin again: with `FAILED_ACTIONS`, or with `ALL_ACTIONS`."""
    stage = execution.stages[execution.stage["name"]]
    for name, run in list(stage.actions.items()):
        if mode == "ALL_ACTIONS" or run.status != "Succeeded":
            del stage.actions[name]
    stage.status = IN_PROGRESS
    execution.status = IN_PROGRESS
    execution.summary = ""
    execution.inside = True
    execution.attempt += 1
    _touch(cloud, execution)
    announcement.of_pipeline(cloud, place, execution, "RESUMED")
    announcement.of_stage(cloud, place, execution, stage, "RESUMED")


def last_success(cloud: "Cloud", place: Place, stage: str) -> Execution | None:
    """Return the latest execution that succeeded in a stage."""
    for execution in reversed(list(executions(cloud, place).values())):
        run = execution.stages.get(stage)
        if run and run.status == "Succeeded" and execution.kind == "STANDARD":
            return execution
    return None


def roll_back(
    cloud: "Cloud", place: Place, target: Execution, stage: str, trigger: dict[str, str]
) -> Execution:
    """Run a stage again with the sources of an execution that succeeded in it."""
    names = [item["name"] for item in target.declaration["stages"]]
    now = cloud.clock.now()
    execution = Execution(
        declaration=target.declaration,
        started=now,
        updated=now,
        trigger=trigger,
        variables=dict(target.variables),
        position=names.index(stage),
        last=names.index(stage),
        artifacts=dict(target.artifacts),
        namespaces={name: dict(values) for name, values in target.namespaces.items()},
        rollback_target=target.id,
    )
    begin(cloud, place, execution)
    return execution


def begin(cloud: "Cloud", place: Place, execution: Execution) -> None:
    """Add an execution to its pipeline."""
    execution.namespaces["codepipeline"] = {
        "PipelineExecutionId": execution.id,
        "PipelineName": place.name,
    }
    execution.namespaces["variables"] = execution.variables
    with cloud.lock:
        executions(cloud, place)[execution.id] = execution
        announcement.of_pipeline(cloud, place, execution)


def _end(cloud: "Cloud", place: Place, execution: Execution, status: str) -> None:
    execution.status = status
    execution.inside = False
    _touch(cloud, execution)
    announcement.of_pipeline(cloud, place, execution)


def _touch(cloud: "Cloud", execution: Execution) -> None:
    execution.updated = cloud.clock.now()


# --- actions ----------------------------------------------------------------------------------


def work_on(cloud: "Cloud", place: Place, execution: Execution, run: ActionRun) -> None:
    """Do what an action does, and note how it ended, if it has."""
    session = Session(cloud=cloud, place=place, execution=execution, run=run)
    outcome = perform(session)
    if isinstance(outcome, ActionFailure) and cloud.stopping:
        # It failed because the cloud stops; it begins again with the next process.
        return
    if outcome is not None:
        finish(cloud, place, execution, run, outcome)
    cloud.changed()


def finish(
    cloud: "Cloud",
    place: Place,
    execution: Execution,
    run: ActionRun,
    outcome: Done | ActionFailure,
) -> None:
    """Note how an action ended; an action that has ended already stays as it is."""
    with cloud.lock:
        if run.status != IN_PROGRESS:
            return
        run.updated = cloud.clock.now()
        run.due = run.expires = None
        run.token = ""
        jobs(cloud).pop(run.job, None)
        if isinstance(outcome, ActionFailure):
            run.status = "Failed"
            run.error = {"code": outcome.code, "message": outcome.message}
        else:
            run.status = "Succeeded"
            run.variables = outcome.variables
            run.outputs = outcome.outputs
            execution.artifacts.update({item.name: item for item in outcome.outputs})
            if run.declaration.get("namespace"):
                execution.namespaces[run.declaration["namespace"]] = outcome.variables
        _touch(cloud, execution)
        announcement.of_action(cloud, place, execution, run)
    drive(cloud, place)


def abandon(cloud: "Cloud", place: Place, execution: Execution) -> None:
    """Give up what is under way."""
    for run in execution.running:
        run.status = "Abandoned"
        run.updated = cloud.clock.now()
        jobs(cloud).pop(run.job, None)
        announcement.of_action(cloud, place, execution, run)
