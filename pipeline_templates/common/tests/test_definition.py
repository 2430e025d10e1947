"""The pipeline's definition is complete and the same each time."""

import copy
import json
from typing import Any

from delivery import compiling, harden, requests


def test_what_the_sdk_writes_has_gaps_and_hardening_closes_them(
    authored: dict[str, Any], hardened: dict[str, Any], delivery: dict[str, Any]
) -> None:
    assert len(harden.gaps(authored, delivery)) > 10
    assert harden.gaps(hardened, delivery) == []
    assert requests.problems(hardened) == []


def test_what_fails_by_the_services_fault_is_tried_again(hardened: dict[str, Any]) -> None:
    for step in harden.steps(hardened):
        tried = {kind for item in step.get("RetryPolicies", []) for kind in item["ExceptionType"]}
        assert ("Step.SERVICE_FAULT" in tried) is (step["Type"] not in ("Condition", "Fail"))
        is_job = step["Type"] in ("Processing", "Training")
        assert ("SageMaker.JOB_INTERNAL_ERROR" in tried) is is_job


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
