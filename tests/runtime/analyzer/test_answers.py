"""The monitors of answers: what is planted into outcomes, groups and importance is what is told."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import mlzone_runtime.analyzer

from .conftest import NAMES, Project, Run, answers_of, closed_cases
from .planted_outcomes import PLANTED, PlantedOutcome, flipped, said

SCHEMA = json.loads(
    (
        Path(mlzone_runtime.analyzer.__file__).parent / "explanation-of-answers.schema.json"
    ).read_text()
)
KINDS = ("model-quality", "bias", "explainability")
Judge = Callable[..., Run]

both_engines = pytest.mark.parametrize("merged", [True, False], ids=["merged", "side by side"])


def kept(run: Run) -> None:
    """Hold a run's outputs against their schemas."""
    jsonschema.validate(run.explanation, SCHEMA)
    assert {"constraint_violations.json", "constraints.json", "explanation.json", "report.html"} < {
        file.name for file in run.output.iterdir()
    }


def test_the_schema_of_the_explanation_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@both_engines
@pytest.mark.parametrize("kind", KINDS)
def test_where_nothing_changed_nothing_is_found(judge: Judge, kind: str, *, merged: bool) -> None:
    run = judge(kind, closed_cases(2000, seed=71), merged=merged and kind != "explainability")

    assert run.code == 0, run.stderr
    kept(run)
    assert run.explanation["outcome"] == "no_drift", run.stdout
    assert run.json("constraint_violations.json")["violations"] == []
    assert run.json("constraint_violations.json")["mlzone"]["outcome"] == "no_drift"
    assert run.explanation["monitor"]["kind"] == kind


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_what_was_planted_is_told(judge: Judge, planted: PlantedOutcome) -> None:
    run = judge(planted.monitor, planted.planted(4000))

    kept(run)
    assert said(run.explanation) == planted.expected, run.stdout


# --- model quality ------------------------------------------------------------------------------


@both_engines
def test_MON_02_flipped_outcomes_are_concept_drift(judge: Judge, *, merged: bool) -> None:
    cases = closed_cases(2000, seed=72)
    cases = flipped(cases, np.random.default_rng(1).random(len(cases)) < 0.3)

    run = judge("model-quality", cases, merged=merged)

    kept(run)
    (finding,) = run.explanation["findings"]
    assert (finding["kind"], finding["cause"]) == ("concept_drift", "changed_relation")
    assert finding["segment"] is None
    assert {"accuracy", "auc"} <= set(finding["metrics"])
    parts = run.explanation["performance"]["decomposition"]
    assert parts["concept"] > 0.1
    assert abs(parts["population"]) < 0.03
    assert parts["baseline"] + parts["population"] + parts["concept"] == pytest.approx(
        parts["current"]
    )
    names = {item["metric_name"] for item in run.json("constraint_violations.json")["violations"]}
    assert names == set(finding["metrics"])


def test_the_segment_that_concept_drift_is_in_is_named(judge: Judge) -> None:
    cases = closed_cases(4000, seed=73)

    run = judge("model-quality", flipped(cases, (cases["region"] == "southeast").to_numpy()))

    (finding,) = run.explanation["findings"]
    assert finding["segment"]["feature"] == "region"
    assert finding["segment"]["value"] == "southeast"
    assert "region is 'southeast'" in run.explanation["sentences"][1]


def test_more_defaults_than_the_answers_lead_to_expect_are_told(judge: Judge) -> None:
    cases = closed_cases(2000, seed=74)
    paid = (cases["default"] == "repaid").to_numpy()
    worse = paid & (np.random.default_rng(2).random(len(cases)) < 0.25)

    run = judge("model-quality", flipped(cases, worse))

    assert "calibration_gap" in run.explanation["findings"][0]["metrics"]
    parts = run.explanation["performance"]["decomposition"]
    assert parts["positive_rate"] > parts["expected_positive_rate"] + 0.05


def test_harder_cases_are_the_populations_part(judge: Judge, project: Project) -> None:
    """Everybody is where the model is unsure: it errs more, and is as right as it was."""
    cases = closed_cases(30_000, seed=75)
    unsure = np.abs(answers_of(project, cases[list(NAMES)]) - 0.5) < 0.15
    cases = cases[unsure].head(4000).reset_index(drop=True)

    run = judge("model-quality", cases)

    parts = run.explanation["performance"]["decomposition"]
    assert parts["population"] > 0.04
    assert abs(parts["concept"]) < 0.03
    assert not parts["concept_drift"]
    assert {finding["kind"] for finding in run.explanation["findings"]} <= {"covariate_shift"}


def test_statistics_and_constraints_have_the_published_shape(judge: Judge) -> None:
    run = judge("model-quality", closed_cases(1000, seed=76))

    metrics = run.json("statistics.json")["binary_classification_metrics"]
    assert set(metrics["confusion_matrix"]) == {"0", "1"}
    assert set(metrics["auc"]) == {"value", "standard_deviation"}
    assert {"recall", "precision", "f0_5", "f1", "f2", "true_negative_rate"} <= set(metrics)
    allowed = run.json("constraints.json")["binary_classification_constraints"]
    assert allowed["auc"]["comparison_operator"] == "LessThanThreshold"
    assert allowed["auc"]["threshold"] == pytest.approx(metrics["auc"]["value"] - 0.05)


@pytest.mark.parametrize(
    ("known", "outcome", "code"), [(0, "no_ground_truth", 1), (80, "too_few_records", 0)]
)
def test_while_outcomes_are_missing_quality_is_estimated_and_marked_so(
    judge: Judge, known: int, outcome: str, code: int
) -> None:
    run = judge("model-quality", closed_cases(2000, seed=77), known=known)

    assert run.code == code
    kept(run)
    assert run.explanation["outcome"] == outcome
    estimate = run.explanation["performance"]["estimated"]
    assert estimate["estimate"] is True
    before = run.explanation["performance"]["baseline"]["accuracy"]["value"]
    assert estimate["accuracy"]["value"] == pytest.approx(before, abs=0.03)
    assert any(sentence.startswith("Estimate, from") for sentence in run.explanation["sentences"])
    assert run.json("constraint_violations.json")["violations"] == []


# --- bias ---------------------------------------------------------------------------------------


@both_engines
def test_MON_02_a_group_whose_refusals_are_wrong_more_often_is_named(
    judge: Judge, *, merged: bool
) -> None:
    """Women repay far more often than the answers say: what they are refused, they would pay."""
    cases = closed_cases(6000, seed=78)
    women = (cases["sex"] == "female") & (cases["default"] == "default")
    repay = women & (np.random.default_rng(3).random(len(cases)) < 0.7)

    run = judge("bias", flipped(cases, repay.to_numpy()), merged=merged)

    kept(run)
    assert run.explanation["findings"][0]["group"].startswith("sex")
    assert "sex" in {finding["group"] for finding in run.explanation["findings"]}
    assert "age" not in {finding["group"] for finding in run.explanation["findings"]}
    violations = run.json("constraint_violations.json")
    assert violations["version"] == "1.0"
    assert {item["constraint_check_type"] for item in violations["violations"]} == {
        "bias_drift_check"
    }
    assert "female" in {item["facet_value"] for item in violations["violations"]}
    assert "Women" in run.stdout


def test_intersections_of_groups_are_looked_at(judge: Judge) -> None:
    run = judge("bias", closed_cases(3000, seed=79))

    groups = {item["group"]: item for item in run.explanation["bias"]["groups"]}
    assert set(groups) == {"sex", "age", "sex & age"}
    assert groups["sex & age"]["title"] == "Women and People up to 35"
    assert groups["sex & age"]["current"]["group"] < groups["sex"]["current"]["group"]


def test_a_group_with_too_few_records_is_not_judged(judge: Judge) -> None:
    cases = closed_cases(2000, seed=80)
    cases.loc[10:, "sex"] = "male"

    run = judge("bias", cases)

    groups = {item["group"]: item["outcome"] for item in run.explanation["bias"]["groups"]}
    assert groups == {"sex": "too_few_records", "age": "judged", "sex & age": "too_few_records"}
    assert any("Too few records to judge: Women" in text for text in run.explanation["sentences"])


def test_whose_group_is_not_told_is_in_neither(judge: Judge) -> None:
    cases = closed_cases(2000, seed=81)
    cases.loc[:499, "sex"] = ""

    run = judge("bias", cases)

    sizes = run.explanation["bias"]["groups"][0]["current"]
    assert sum(sizes.values()) == 1500


# --- explainability -----------------------------------------------------------------------------


def test_a_model_asked_about_others_rests_on_other_features(judge: Judge) -> None:
    cases = closed_cases(2000, seed=82)
    cases["income"] = 2500.0  # what told applicants apart tells nothing any more
    cases["late_payments"] = 1.0
    months = np.random.default_rng(5).integers(150, 400, len(cases))
    cases["months_employed"] = months.astype(float)

    run = judge("explainability", cases)

    kept(run)
    assert run.explanation["outcome"] == "drift", run.stdout
    first = run.explanation["findings"][0]
    assert first["feature"] == "months_employed"
    assert first["evidence"]["current_rank"] == 1
    order = run.explanation["attributions"]["order"]
    assert order["ndcg"] <= order["high"] < order["threshold"] == 0.9
    (violation,) = run.json("constraint_violations.json")["violations"]
    assert violation["constraint_check_type"] == "feature_attribution_drift_check"
    values = run.json("analysis.json")["explanations"]["kernel_shap"]["label0"]
    importance = values["global_shap_values"]
    assert importance["months_employed"] == max(importance.values())


def test_too_few_requests_say_nothing_about_importance(judge: Judge) -> None:
    run = judge("explainability", closed_cases(50, seed=83))

    assert run.code == 0
    kept(run)
    assert run.explanation["outcome"] == "too_few_records"


# --- all ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_needs_nothing_else(judge: Judge, kind: str) -> None:
    page = (judge(kind, closed_cases(1000, seed=84)).output / "report.html").read_text()

    assert page.startswith("<!doctype html>")
    assert "http" not in page
    assert "<script" not in page
    assert "<h2>Method</h2>" in page


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_without_records_is_an_outcome_of_its_own(judge: Judge, kind: str) -> None:
    run = judge(kind, closed_cases(0, seed=85))

    assert run.code == 1
    kept(run)
    assert run.explanation["outcome"] == "no_records"
