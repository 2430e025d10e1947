"""The release that served before the one that serves now, and its way back (DEP-03).

It is read off the promotion's executions; the promotion brings it back, in its own roles.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEPLOY = "Deploy"
"""The promotion's stage that deploys, and that is rolled back."""


class NoChampionError(Exception):
    """Nothing can be brought back; the message says why."""


@dataclass(frozen=True, kw_only=True)
class WayBack:
    """A promotion that deploys once more what it deployed before."""

    back_to: str
    """The execution that is repeated."""
    execution: str
    """The one that repeats it."""


def bring_back(codepipeline: Any, pipeline: str, *, again: bool, serving: str = "") -> WayBack:
    """Let a promotion bring the last good release back; arguments and errors as of `champion`."""
    back_to = champion(codepipeline, pipeline, again=again, serving=serving)
    started = codepipeline.rollback_stage(
        pipelineName=pipeline, stageName=DEPLOY, targetPipelineExecutionId=back_to
    )
    return WayBack(back_to=back_to, execution=str(started["pipelineExecutionId"]))


def champion(codepipeline: Any, pipeline: str, *, again: bool, serving: str = "") -> str:
    """Return the execution that deployed the last good release before the present one.

    Args:
        codepipeline: a client of CodePipeline.
        pipeline: the promotion.
        again: whether to go further back where the present release was brought back itself: a
            person may know that a still older one is better, nothing that runs by itself does.
        serving: the execution whose release has to be the present one; any unless given.

    Raises:
        NoChampionError: there is none.
    """
    deployed = codepipeline.list_pipeline_executions(
        pipelineName=pipeline, filter={"succeededInStage": {"stageName": DEPLOY}}
    )["pipelineExecutionSummaries"]
    if not deployed:
        raise NoChampionError("no promotion deployed anything yet")
    present, *before = deployed
    if serving and present["pipelineExecutionId"] != serving:
        raise NoChampionError("another release was deployed since")
    if _is_rollback(present):
        if not again:
            raise NoChampionError(
                "it fell back already; nobody knows that an older release is better"
            )
        before = _older(before, _origin(present))
    found = next(
        (
            # What was fallen back from is no champion; what was fallen back to is.
            _origin(item)
            for item in before
            if item["status"] == "Succeeded"
            and item.get("sourceRevisions") != present.get("sourceRevisions")
        ),
        "",
    )
    if not found:
        raise NoChampionError("no release served before")
    return found


def _is_rollback(item: Mapping[str, Any]) -> bool:
    return bool(item.get("executionType") == "ROLLBACK")


def _origin(item: Mapping[str, Any]) -> str:
    """Return the execution that first deployed what an execution deployed."""
    target = item.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId")
    return str(target or item["pipelineExecutionId"])


def _older(items: Sequence[Mapping[str, Any]], execution: str) -> Sequence[Mapping[str, Any]]:
    """Return what came before an execution, newest first."""
    place = next(
        (n for n, item in enumerate(items) if item["pipelineExecutionId"] == execution), len(items)
    )
    return items[place + 1 :]
