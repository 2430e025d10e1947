"""Brings the release before back where a new one fails its verification in production (DEP-03)."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mlzone_runtime.release.champion import NoChampionError, bring_back


def go_back(codepipeline: Any, *, pipeline: str, execution: str) -> dict[str, str]:
    """Let the promotion bring back what it deployed before; return what became of it.

    It never raises: the verification has failed already, and that is told with what is said here.

    Args:
        codepipeline: a client of CodePipeline.
        pipeline: the promotion.
        execution: the one whose release failed.

    Returns:
        `back_to` and `restored_by`, the execution that is repeated and the one that repeats it, or
        `stays`: why the release serves on.
    """
    try:
        way = bring_back(codepipeline, pipeline, again=False, serving=execution)
    except (BotoCoreError, ClientError, NoChampionError) as error:
        return {"stays": str(error)}
    return {"back_to": way.back_to, "restored_by": way.execution}


def restored(codepipeline: Any, *, pipeline: str, execution: str) -> str:
    """Return the execution that an execution repeats; empty if it brings back nothing."""
    found = codepipeline.get_pipeline_execution(
        pipelineName=pipeline, pipelineExecutionId=execution
    )["pipelineExecution"]
    return str(found.get("rollbackMetadata", {}).get("rollbackTargetPipelineExecutionId", ""))
