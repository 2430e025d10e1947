"""Starts executions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlzone_cloud.compute.codepipeline import machine
from mlzone_cloud.compute.codepipeline.state import Execution, Json, Place, executions, find
from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_MOST_ACTIVE = 50


def start(
    cloud: "Cloud",
    place: Place,
    trigger: dict[str, str],
    *,
    variables: Mapping[str, str] | None = None,
    revisions: Sequence[Json] = (),
    token: str = "",
) -> Execution:
    """Start an execution.

    Args:
        cloud: the cloud.
        place: the pipeline.
        trigger: `triggerType` and `triggerDetail`.
        variables: values for the pipeline's variables.
        revisions: source revisions as StartPipelineExecution takes them.
        token: a token that was used before returns the execution that it started.

    Raises:
        ApiError: a variable has no value or is unknown, or too many executions wait.
    """
    declared = find(cloud, place).declaration
    known = executions(cloud, place)
    for execution in known.values() if token else ():
        if execution.token == token:
            return execution
    active = sum(1 for execution in known.values() if execution.active)
    if declared["executionMode"] != "SUPERSEDED" and active >= _MOST_ACTIVE:
        raise ApiError(
            "ConcurrentPipelineExecutionsLimitExceededException",
            f"The pipeline {place.name} has {active} executions; at most {_MOST_ACTIVE}",
        )
    now = cloud.clock.now()
    execution = Execution(
        declaration=declared,
        started=now,
        updated=now,
        trigger=trigger,
        variables=_resolved(declared, variables or {}),
        revisions={item["actionName"]: item for item in revisions},
        last=len(declared["stages"]) - 1,
        token=token,
    )
    machine.begin(cloud, place, execution)
    machine.drive(cloud, place)
    return execution


def _resolved(declared: Json, given: Mapping[str, str]) -> dict[str, str]:
    known = {item["name"]: item for item in declared.get("variables") or ()}
    if unknown := sorted(set(given) - set(known)):
        raise ApiError("ValidationException", f"The pipeline has no variable {', '.join(unknown)}")
    values = {name: given.get(name, item.get("defaultValue", "")) for name, item in known.items()}
    if missing := [
        name for name, item in known.items() if name not in given and "defaultValue" not in item
    ]:
        raise ApiError(
            "ValidationException", f"Value is required for the variable {', '.join(missing)}"
        )
    return values
