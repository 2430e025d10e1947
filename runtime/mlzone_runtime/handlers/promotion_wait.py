"""Tells the platform that a promotion waits for a person, and that it was answered.

CodePipeline's events of the action that asks say both. A promotion that nobody answers ends after
seven days, and counts as refused then.
"""

from collections.abc import Mapping
from typing import Any

from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce

SOURCE = "aws.codepipeline"
"""Where such events come from."""
WAITING, ANSWERED = "Promotion Waiting", "Promotion Answered"
ACTOR = "promotion"

_ANSWERS = {"SUCCEEDED": "let in", **dict.fromkeys(("ABANDONED", "CANCELED", "FAILED"), "refused")}


def tell(
    event: Mapping[str, Any], scope: ModelScope, *, bus_arn: str, events: Any
) -> dict[str, Any]:
    """Tell of a promotion that asks, or was answered.

    Returns:
        The kind of the event; nothing for a state that is neither.
    """
    detail = event["detail"]
    state = str(detail["state"])
    if state != "STARTED" and state not in _ANSWERS:
        return {}
    kind = WAITING if state == "STARTED" else ANSWERED
    made = LifeCycleEvent(
        kind=kind,
        scope=scope,
        actor=ACTOR,
        pipeline_execution=str(detail["execution-id"]),
        facts={"pipeline": detail["pipeline"], "answer": _ANSWERS.get(state, "")},
    )
    announce(made, bus_arn=bus_arn, client=events)
    return {"kind": kind}
