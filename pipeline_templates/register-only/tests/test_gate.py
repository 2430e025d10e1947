"""The pipeline's steps, and the gate: the thresholds are the estate's."""

from typing import Any

from delivery import harden


def test_the_steps_are_those_of_the_platform(hardened: dict[str, Any]) -> None:
    assert [step["Name"] for step in harden.steps(hardened)] == [
        "Prepare",
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
    assert limits == [
        delivery["thresholds"][name] for name in ("min_auc", "max_disparate_impact_gap")
    ]
    names = {item["Name"] for item in hardened["Parameters"]}
    assert names == {"Author", "Commit", "Trigger", "MlflowApp", "MlflowRun"}
