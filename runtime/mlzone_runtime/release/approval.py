"""Who let a release into production: one more person, neither the author nor the first approver.

Access control lets model approvers alone answer; that the second approval is another person's than
the first is known only here, where both are (DEP-02).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlzone_runtime.release.document import Release
from mlzone_runtime.release.restore import restored


class ApprovalError(Exception):
    """Nobody who may has let the release in."""


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A person's answer to a promotion's question."""

    person: str
    time: datetime


def production_approval(
    codepipeline: Any, *, pipeline: str, execution: str, action: str, release: Release
) -> Approval:
    """Return who answered a promotion's question, and when.

    A rollback asks nobody: it brings back what was let in before, and the answer given then holds.

    Args:
        codepipeline: a client of CodePipeline.
        pipeline: the promotion's pipeline.
        execution: its execution.
        action: the approval action.
        release: what it promotes.

    Raises:
        ApprovalError: nobody did, or somebody who had a say in the version already.
    """
    asked = restored(codepipeline, pipeline=pipeline, execution=execution) or execution
    answer = codepipeline.list_action_executions(
        pipelineName=pipeline, filter={"pipelineExecutionId": asked}
    )
    answered = [
        item
        for item in answer["actionExecutionDetails"]
        if item["actionName"] == action and item["status"] == "Succeeded"
    ]
    person = str(answered[0].get("updatedBy", "")).rpartition("/")[2] if answered else ""
    if not person:
        raise ApprovalError(f"{pipeline} does not say who approved execution {execution}")
    for part, earlier in (("made", release.author), ("approved", release.approver)):
        if person.casefold() == earlier.casefold():
            raise ApprovalError(
                f"{person} {part} version {release.model_package_arn.rpartition('/')[2]}; "
                "production needs one more person"
            )
    return Approval(person=person, time=answered[0]["lastUpdateTime"])
