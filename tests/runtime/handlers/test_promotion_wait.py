"""The platform hears that a promotion waits for a person, and what was answered."""

import json
from typing import Any

import pytest

from mlzone_runtime.handlers.platform_event import ModelScope
from mlzone_runtime.handlers.promotion_wait import tell

SCOPE = ModelScope(unit="retail", team="risk", model="credit", environment="prod")
BUS = "arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform"


class Bus:
    """Keeps what is put on it."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}


def question(state: str) -> dict[str, Any]:
    """Return CodePipeline's event of the action that asks."""
    return {
        "source": "aws.codepipeline",
        "detail-type": "CodePipeline Action Execution State Change",
        "detail": {
            "pipeline": "aur-retail-credit-prod-promotion",
            "execution-id": "e-1",
            "action": "Approve",
            "state": state,
        },
    }


@pytest.mark.parametrize(
    ("state", "kind", "answer"),
    [
        ("STARTED", "Promotion Waiting", ""),
        ("SUCCEEDED", "Promotion Answered", "let in"),
        ("FAILED", "Promotion Answered", "refused"),
    ],
)
def test_DEP_02_a_question_and_its_answer_are_told(state: str, kind: str, answer: str) -> None:
    bus = Bus()

    assert tell(question(state), SCOPE, bus_arn=BUS, events=bus) == {"kind": kind}

    (entry,) = bus.entries
    detail = json.loads(entry["Detail"])
    assert (entry["DetailType"], entry["EventBusName"]) == (kind, BUS)
    assert (detail["model"], detail["environment"]) == ("credit", "prod")
    assert (detail["pipeline_execution"], detail["facts"]["answer"]) == ("e-1", answer)


def test_a_cancelled_promotion_is_answered_and_other_states_say_nothing() -> None:
    bus = Bus()

    assert tell(question("CANCELED"), SCOPE, bus_arn=BUS, events=bus) == {
        "kind": "Promotion Answered"
    }
    assert tell(question("RESUMED"), SCOPE, bus_arn=BUS, events=bus) == {}
