"""Metrics of answers agree with independent references, and their errors with draws."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from mlzone_runtime.analyzer import bias, class_quality, explainability, fairness, importance
from mlzone_runtime.analyzer.calibration import Calibration, expected
from mlzone_runtime.analyzer.evaluation import Evaluation
from mlzone_runtime.analyzer.model import WatchedModel, read_schema
from mlzone_runtime.analyzer.plain import read_training
from mlzone_runtime.analyzer.quality import area, measures, statistics
from mlzone_runtime.analyzer.settings import Settings

from .conftest import NAMES, Project, answers_of, applicants, closed_cases

THRESHOLD = 0.4


def drawn(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(2, 4, rows).round(2)
    return (rng.random(rows) < probabilities).astype(float), probabilities


def test_metrics_are_scikit_learns() -> None:
    outcomes, answers = drawn(3000, 1)
    decisions = (answers >= THRESHOLD).astype(float)

    found = measures(outcomes, answers, THRESHOLD)

    expected_values = {
        "accuracy": reference.accuracy_score(outcomes, decisions),
        "precision": reference.precision_score(outcomes, decisions),
        "recall": reference.recall_score(outcomes, decisions),
        "true_negative_rate": reference.recall_score(1 - outcomes, 1 - decisions),
        "f0_5": reference.fbeta_score(outcomes, decisions, beta=0.5),
        "f1": reference.f1_score(outcomes, decisions),
        "f2": reference.fbeta_score(outcomes, decisions, beta=2),
        "auc": reference.roc_auc_score(outcomes, answers),
        "brier": reference.brier_score_loss(outcomes, answers),
    }
    for name, value in expected_values.items():
        assert found[name].value == pytest.approx(value), name


def test_curves_lie_on_scikit_learns() -> None:
    outcomes, answers = drawn(500, 2)
    found = measures(outcomes, answers, THRESHOLD)

    curve = statistics(outcomes, answers, THRESHOLD, found)[
        "receiver_operating_characteristic_curve"
    ]

    false, true, _ = reference.roc_curve(outcomes, answers, drop_intermediate=False)
    for x, y in zip(curve["false_positive_rates"], curve["true_positive_rates"], strict=True):
        assert any(np.isclose(false, x) & np.isclose(true, y))


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "auc", "brier", "f1"])
def test_errors_are_those_of_repeated_samples(name: str) -> None:
    found = [measures(*drawn(400, seed), THRESHOLD)[name] for seed in range(100, 500)]

    spread = np.std([item.value for item in found])
    assert np.mean([item.error for item in found]) == pytest.approx(spread, rel=0.15)


def test_one_positive_record_gives_an_area_with_a_large_error() -> None:
    outcomes = np.array([1.0, 0, 0, 0])

    assert area(outcomes, np.array([0.9, 0.1, 0.2, 0.3])).error >= 0.5


def test_records_of_one_class_have_no_area() -> None:
    found = measures(np.zeros(50), np.linspace(0, 1, 50), THRESHOLD)

    assert "auc" not in found
    assert "recall" not in found


def test_bias_metrics_follow_the_published_formulae() -> None:
    outcomes, answers = drawn(4000, 3)
    members = (np.random.default_rng(4).random(4000) < 0.3).astype(float)
    frame = pd.DataFrame(
        {"y": 1 - outcomes, "said": (answers < THRESHOLD).astype(float), "d": members == 1}
    )

    found = fairness.gaps(
        fairness.Sides.of(outcomes, (answers >= THRESHOLD).astype(float), members)
    )

    a, d = frame[~frame["d"]], frame[frame["d"]]
    pa, pd_ = a["y"].mean(), d["y"].mean()
    fn = [int(((side["y"] == 1) & (side["said"] == 0)).sum()) for side in (a, d)]
    fp = [int(((side["y"] == 0) & (side["said"] == 1)).sum()) for side in (a, d)]
    published = {
        "CI": (len(a) - len(d)) / len(frame),
        "DPL": pa - pd_,
        "KL": pa * np.log(pa / pd_) + (1 - pa) * np.log((1 - pa) / (1 - pd_)),
        "TVD": abs(pa - pd_),
        "KS": abs(pa - pd_),
        "LP": np.hypot(pa - pd_, pa - pd_),
        "DPPL": a["said"].mean() - d["said"].mean(),
        "DI": d["said"].mean() / a["said"].mean(),
        "DCAcc": a["y"].sum() / a["said"].sum() - d["y"].sum() / d["said"].sum(),
        "DCR": (1 - d["y"]).sum() / (1 - d["said"]).sum()
        - (1 - a["y"]).sum() / (1 - a["said"]).sum(),
        "RD": a.loc[a["y"] == 1, "said"].mean() - d.loc[d["y"] == 1, "said"].mean(),
        "SD": a.loc[a["y"] == 0, "said"].mean() - d.loc[d["y"] == 0, "said"].mean(),
        "DAR": a.loc[a["said"] == 1, "y"].mean() - d.loc[d["said"] == 1, "y"].mean(),
        "DRR": a.loc[a["said"] == 0, "y"].mean() - d.loc[d["said"] == 0, "y"].mean(),
        "AD": (a["y"] == a["said"]).mean() - (d["y"] == d["said"]).mean(),
        "TE": fn[1] / fp[1] - fn[0] / fp[0],
    }
    for name, value in published.items():
        assert found[name].value == pytest.approx(value), name
        low, high = found[name].interval
        assert low <= value <= high or name in {"KL", "TVD", "KS", "LP"}, name


def test_the_gain_of_two_orders_is_scikit_learns() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        baseline, current = rng.exponential(1, 12), rng.exponential(1, 12)
        value = reference.ndcg_score([baseline], [current])

        assert importance.ndcg(baseline, current) == pytest.approx(value)


def test_calibration_finds_the_relation_that_outcomes_follow() -> None:
    rng = np.random.default_rng(6)
    answers = rng.beta(2, 4, 40_000)
    odds = np.log(answers / (1 - answers))
    chances = 1 / (1 + np.exp(-(0.5 + 0.7 * odds)))

    found = Calibration.fit(answers, (rng.random(len(answers)) < chances).astype(float))

    assert (found.offset, found.slope) == pytest.approx((0.5, 0.7), abs=0.05)
    assert expected(found.apply(answers)).value == pytest.approx(chances.mean(), abs=0.01)


def test_alarms_are_rare_where_nothing_changed(project: Project) -> None:
    """Of 400 windows that follow the baseline, at most one in a hundred may alarm."""
    settings = Settings()
    schema = read_schema(project.baseline / "model.tar.gz")
    evaluation = Evaluation.load(project.baseline)
    calibration = Calibration.fit(evaluation.probabilities, evaluation.outcomes)
    population = closed_cases(40_000, seed=90)
    answers = answers_of(project, population[list(NAMES)]).astype(float)
    outcomes = (population["default"] == "default").to_numpy(dtype=float)
    members = {
        "sex": (population["sex"] == "female").to_numpy(dtype=float),
        "age": (population["age"] <= 35).to_numpy(dtype=float),
    }
    before = bias.sides_of(
        evaluation.outcomes, evaluation.probabilities, evaluation.members, schema
    )
    rng = np.random.default_rng(7)
    alarms = {"model-quality": 0, "bias": 0}
    for size in (300, 1000) * 200:
        at = rng.integers(0, len(answers), size)
        judged = class_quality.judge(
            evaluation, calibration, (outcomes[at], answers[at]), schema.threshold, settings
        )
        alarms["model-quality"] += any(item.holds for item in judged.losses)
        now = bias.sides_of(
            outcomes[at], answers[at], {name: held[at] for name, held in members.items()}, schema
        )
        alarms["bias"] += any(item.holds for item in bias.judge(before, now, settings))

    assert max(alarms.values()) <= 4, json.dumps(alarms)


def test_the_order_of_importance_is_kept_where_nothing_changed(
    project: Project, tmp_path: Path
) -> None:
    model = WatchedModel.load(project.baseline / "model.tar.gz")
    applicants(20_000, seed=91).to_csv(tmp_path / "a.csv", index=False)
    before, now = (
        np.abs(model.contributions(read_training(place, model.schema.features))[:, :-1])
        for place in (project.baseline / "sample.csv", tmp_path)
    )
    rng = np.random.default_rng(8)

    lost = sum(
        explainability.order_of(before, now[rng.integers(0, len(now), 250)], Settings())["holds"]
        for _ in range(100)
    )

    assert lost == 0
