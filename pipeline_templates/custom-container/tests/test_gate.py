"""The pipeline's steps, its images, and the gate: the thresholds are the estate's."""

import copy
from typing import Any

from delivery import harden


def test_the_steps_are_those_of_the_platform(hardened: dict[str, Any]) -> None:
    assert [step["Name"] for step in harden.steps(hardened)] == [
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
    gate = next(step for step in harden.steps(hardened) if step["Name"] == "Gate")
    limits = [item["RightValue"] for item in gate["Arguments"]["Conditions"]]
    assert limits == [delivery["thresholds"]["max_error_ratio"]]
    names = {item["Name"] for item in hardened["Parameters"]}
    assert names == {"Author", "Commit", "Trigger", "MlflowApp", "MlflowRun"}


def test_the_image_brings_the_program_of_every_job(hardened: dict[str, Any]) -> None:
    found = {step["Name"]: step["Arguments"] for step in harden.steps(hardened)}
    for name in ("Prepare", "Evaluate"):
        application = found[name]["AppSpecification"]
        assert "ContainerEntrypoint" not in application
        assert application["ContainerArguments"] == [name.lower()]
        assert "code" not in [item["InputName"] for item in found[name]["ProcessingInputs"]]
    assert (
        found["Train"]["AlgorithmSpecification"].keys()
        & {
            "ContainerEntrypoint",
            "ContainerArguments",
        }
        == set()
    )
    assert [item["ChannelName"] for item in found["Train"]["InputDataConfig"]] == ["examples"]


def test_an_image_of_somebody_else_is_a_gap(
    hardened: dict[str, Any], delivery: dict[str, Any]
) -> None:
    document = copy.deepcopy(hardened)
    train = next(step for step in harden.steps(document) if step["Name"] == "Train")
    other = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/acme/retail/other@sha256:" + "b" * 64
    train["Arguments"]["AlgorithmSpecification"]["TrainingImage"] = other
    (gap,) = harden.gaps(document, delivery)
    assert gap.startswith(f"Train (Training): image {other} is of none of")
