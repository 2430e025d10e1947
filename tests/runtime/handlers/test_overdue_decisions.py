"""Who lets a version wait is reminded, and after a while somebody above hears of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlzone_runtime.handlers.overdue_decisions import (
    Limits,
    announced,
    overdue,
    waiting,
)

LIMITS = Limits(remind=timedelta(hours=24), escalate=timedelta(hours=72))
BEGIN = datetime(2026, 6, 1, 8, tzinfo=UTC)
ARN = "arn:aws:sagemaker:sa-east-1:100000000002:model-package/aur-retail-credit"


def event(hour: float, kind: str, *, version: int = 1) -> dict[str, Any]:
    """Return a kept event of so many hours after the beginning."""
    time = (BEGIN + timedelta(hours=hour)).isoformat()
    return {
        "model": "retail/credit",
        "event": f"{time}#{kind}",
        "kind": kind,
        "time": time,
        "team": "risk",
        "environment": "shared",
        "model_package_arn": f"{ARN}/{version}",
        "facts": {},
    }


def asked(hour: float, kind: str, *, promotion: str = "one") -> dict[str, Any]:
    """Return a kept event of a promotion."""
    made = {**event(hour, kind), "environment": "prod", "pipeline_execution": promotion}
    del made["model_package_arn"]
    return made


def told(items: list[dict[str, Any]], hour: float) -> list[tuple[str, str]]:
    """Return what is told of at an hour: the version, and how urgent it is."""
    now = BEGIN + timedelta(hours=hour)
    events = [announced(wait, now, LIMITS) for wait in overdue(items, now, LIMITS)]
    return [(it.facts["version"], it.facts["level"]) for it in events]


REGISTERED = event(0, "Model Registered")


@pytest.mark.parametrize(
    ("items", "hour", "expected"),
    [
        ([REGISTERED], 23, []),
        ([REGISTERED], 24, [("1", "reminder")]),
        ([REGISTERED], 72, [("1", "escalation")]),
        ([REGISTERED, event(20, "Model Approved")], 99, []),
        ([REGISTERED, event(20, "Model Rejected")], 99, []),
        (
            [REGISTERED, event(20, "Model Approved"), event(21, "Approval Reverted")],
            24,
            [("1", "reminder")],
        ),
    ],
)
def test_MOD_03_what_waits_too_long_is_told_of(
    items: list[dict[str, Any]], hour: float, expected: list[tuple[str, str]]
) -> None:
    assert told(items, hour) == expected


def test_it_is_told_again_after_as_long_as_the_first_time() -> None:
    reminded = event(24, "Decision Overdue")

    assert told([REGISTERED, reminded], 47) == []
    assert told([REGISTERED, reminded], 48) == [("1", "reminder")]


def test_versions_wait_each_for_themselves_in_the_order_of_their_time() -> None:
    newer = event(1, "Model Registered", version=2)
    decided = event(2, "Model Approved", version=1)

    waits = waiting([decided, newer, REGISTERED])

    assert [wait.arn for wait in waits] == [f"{ARN}/2"]


def test_DEP_02_a_promotion_that_nobody_answers_is_told_of() -> None:
    question = asked(0, "Promotion Waiting")
    now = BEGIN + timedelta(hours=30)

    (wait,) = overdue([REGISTERED, event(1, "Model Approved"), question], now, LIMITS)
    told_of = announced(wait, now, LIMITS)

    assert told_of.facts["what"] == "a promotion into production"
    assert (told_of.facts["hours"], told_of.facts["level"]) == (30, "reminder")
    assert (told_of.scope.environment, told_of.pipeline_execution) == ("prod", "one")


@pytest.mark.parametrize("answer", ["let in", "refused"])
def test_a_promotion_waits_until_it_is_answered_and_each_for_itself(answer: str) -> None:
    first, second = asked(0, "Promotion Waiting"), asked(2, "Promotion Waiting", promotion="two")
    answered = {**asked(3, "Promotion Answered"), "facts": {"answer": answer}}
    reminded = asked(27, "Decision Overdue", promotion="two")

    waits = waiting([first, answered, second, reminded])

    assert [(wait.execution, wait.told) for wait in waits] == [("two", BEGIN + timedelta(hours=27))]
