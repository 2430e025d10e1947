"""A model that was taken out of service, and the person who lets it serve again (MON-04).

The parameter `Stopped` of the model's stacks says who stopped it and why. While it is set, the
stacks hold no endpoint and no monitor, whatever release they are given. A promotion takes it away,
if a person acted on that promotion after the stop: the approver of production, or, where nobody is
asked, an engineer of the team who started it by hand. What runs by itself never does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlzone_runtime.release.approval import Approval

PARAMETER = "Stopped"
_LONGEST = 400


class HeldError(Exception):
    """The model is out of service, and nobody has let it serve again."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Why a model is out of service."""

    text: str
    """Who stopped it, and why."""
    since: datetime
    """When its stack was changed last: nobody acted after the stop who acted before this."""


def text(person: str, reason: str) -> str:
    """Return what the parameter says: one line of plain characters."""
    plain = "".join(letter if letter.isprintable() else " " for letter in f"{person}: {reason}")
    return plain[:_LONGEST].strip()


def hold_of(stack: Mapping[str, Any]) -> Hold | None:
    """Return why a stack's model is out of service, or None if it is not.

    Args:
        stack: CloudFormation's description of the stack.
    """
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}
    stopped = parameters.get(PARAMETER, "")
    if not stopped:
        return None
    return Hold(text=stopped, since=stack.get("LastUpdatedTime") or stack["CreationTime"])


def let_serve_again(
    hold: Hold,
    codepipeline: Any,
    *,
    pipeline: str,
    execution: str,
    approval: Approval | None,
    engineers: str,
) -> str:
    """Return the person who lets a model serve again by a promotion.

    Args:
        hold: why it is out of service.
        codepipeline: a client of CodePipeline.
        pipeline: the promotion's pipeline.
        execution: its execution.
        approval: who let it into production; None where nobody is asked.
        engineers: the name of the role in which the team's engineers start promotions.

    Raises:
        HeldError: nobody has, since it was stopped.
    """
    if approval:
        if approval.time > hold.since:
            return approval.person
        raise HeldError(
            f"the model is out of service ({hold.text}) and {approval.person} approved this "
            "promotion before; start it again and let an approver answer: mlzone model start"
        )
    pages = codepipeline.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline)
    for page in pages:
        for item in page["pipelineExecutionSummaries"]:
            by = str(item.get("trigger", {}).get("triggerDetail", ""))
            if (
                item["pipelineExecutionId"] == execution
                and f":assumed-role/{engineers}/" in by
                and item["startTime"] > hold.since
            ):
                return by.rpartition("/")[2]
    raise HeldError(
        f"the model is out of service ({hold.text}) and no engineer of the team started this "
        "promotion since; if it may serve again: mlzone model start"
    )
