"""The pipeline's definition is complete and the same each time."""

import copy
import json
from typing import Any

import pytest

from delivery import compiling, harden, requests


@pytest.fixture(scope="module")
def authored(sources: compiling.Sources) -> dict[str, Any]:
    return compiling.author(sources)


@pytest.fixture
def hardened(authored: dict[str, Any], delivery: dict[str, Any]) -> dict[str, Any]:
    return harden.harden(authored, delivery)


def step(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(s for s in harden.steps(document) if s["Name"] == name)
    return found


def test_what_the_sdk_writes_has_gaps_and_hardening_closes_them(
    authored: dict[str, Any], hardened: dict[str, Any], delivery: dict[str, Any]
) -> None:
    assert len(harden.gaps(authored, delivery)) > 20
    assert harden.gaps(hardened, delivery) == []
    assert requests.problems(hardened) == []


def test_the_steps_are_those_of_the_platform(hardened: dict[str, Any]) -> None:
    assert [s["Name"] for s in harden.steps(hardened)] == [
        "Prepare",
        "Train",
        "Evaluate",
        "Baseline",
        "Gate",
        "Register",
        "Reject",
    ]


def test_thresholds_are_the_estates_and_no_parameter_changes_them(
    hardened: dict[str, Any], delivery: dict[str, Any]
) -> None:
    limits = [item["RightValue"] for item in step(hardened, "Gate")["Arguments"]["Conditions"]]
    assert limits == list(delivery["thresholds"].values())
    assert {item["Name"] for item in hardened["Parameters"]} == {"Author", "Commit", "Trigger"}


def test_another_kind_of_step_is_a_gap(hardened: dict[str, Any], delivery: dict[str, Any]) -> None:
    document = copy.deepcopy(hardened)
    document["Steps"].append({"Name": "Other", "Type": "Lambda", "Arguments": {}})
    assert harden.gaps(document, delivery) == [
        "Other (Lambda): the platform has no rules for steps of this type"
    ]


def test_the_code_that_jobs_run_is_part_of_the_definition(sources: compiling.Sources) -> None:
    settings = json.loads(sources.code.files["settings.json"])
    assert settings["about"]["model"] == sources.delivery["model"]
    assert sources.code.digest[:16] in sources.uri(sources.code)
