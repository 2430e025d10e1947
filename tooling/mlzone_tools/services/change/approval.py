"""Whether those have agreed whom the plan of a change names."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlzone.change_policy import APPROVE
from mlzone.errors import GovernanceError
from mlzone.estate import Stage
from mlzone_tools.services.change.build import Execution

ASKED = tuple(stage for stage in Stage if stage is not Stage.DEV)
"""The environments that wait for a person."""
_MOST_ROLES = len(ASKED)
"""The pipeline asks one person an environment."""


def require_approval(
    of: Execution,
    stage: Stage,
    required: Mapping[str, Sequence[str]],
    actions: Sequence[Mapping[str, Any]],
) -> tuple[str, ...]:
    """Check the answers that an execution got up to an environment; return who gave them.

    Args:
        of: the pipeline's execution.
        stage: the environment that is to be deployed; development waits for nobody.
        required: who must agree, people by their role in the change.
        actions: the execution's actions, as CodePipeline lists them.

    Raises:
        GovernanceError: nobody answered, or somebody whom the plan does not name, or the author;
            or, before production, two roles are named and only one of them has agreed.
    """
    if stage not in ASKED or not required:
        return ()
    people = tuple(_answered(of, item, actions) for item in ASKED[: ASKED.index(stage) + 1])
    named = sorted({person for group in required.values() for person in group})
    for person in people:
        if person == of.author:
            raise GovernanceError(
                f"{person} made this change and cannot let it in",
                hint=f"one of these must agree: {', '.join(named)}",
            )
        if person not in named:
            raise GovernanceError(
                f"{person} agreed, whom the plan does not name",
                hint=f"one of these must agree: {', '.join(named)}",
            )
    if stage is ASKED[-1]:
        _require_roles(people, required)
    return people


def _require_roles(people: Sequence[str], required: Mapping[str, Sequence[str]]) -> None:
    agreed = {role for role, group in required.items() if set(people) & set(group)}
    if len(agreed) < min(len(required), _MOST_ROLES):
        missing = {role: group for role, group in required.items() if role not in agreed}
        listing = "; ".join(f"{role}: {', '.join(group)}" for role, group in missing.items())
        raise GovernanceError(
            f"nobody has agreed for: {', '.join(missing)}",
            hint=f"push again, and have one of these agree: {listing}",
        )


def _answered(of: Execution, stage: Stage, actions: Sequence[Mapping[str, Any]]) -> str:
    found = [
        item
        for item in actions
        if item["stageName"] == f"{APPROVE}{stage.title()}" and item["status"] == "Succeeded"
    ]
    person = str(found[0].get("updatedBy", "")).rpartition("/")[2] if found else ""
    if not person:
        raise GovernanceError(
            f"{of.pipeline} does not say who let execution {of.execution} into {stage}"
        )
    return person
