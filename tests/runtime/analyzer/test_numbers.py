"""The monitor of model quality, of models that answer numbers: forecasts and regressions."""

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from sklearn import metrics as reference

import mlzone_runtime.analyzer
from mlzone_runtime.analyzer import number_quality
from mlzone_runtime.analyzer.number_measure import Answered, measures
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.tabular_xgboost import xgboost

from .conftest import Run, analyzer, record

SCHEMA = json.loads(
    (
        Path(mlzone_runtime.analyzer.__file__).parent / "explanation-of-answers.schema.json"
    ).read_text()
)
NAMES = ("rate", "growth", "region")
REGIONS = ("north", "south")


@dataclass(frozen=True)
class Series:
    """Examples of a rate a year ahead."""

    rate: np.ndarray
    growth: np.ndarray
    region: np.ndarray
    outcome: np.ndarray

    def rows(self) -> list[str]:
        return [
            f"{rate:.5f},{growth:.4f},{REGIONS[int(region)]}"
            for rate, growth, region in zip(self.rate, self.growth, self.region, strict=True)
        ]

    def matrix(self) -> np.ndarray:
        return np.column_stack((self.rate, self.growth, self.region)).astype(np.float32)


def series(rows: int, seed: int, *, spread: float = 0.004) -> Series:
    """Draw rates in percent, and what became of them as a share."""
    rng = np.random.default_rng(seed)
    rate, growth = rng.uniform(3, 9, rows), rng.normal(2, 1.5, rows)
    region = rng.integers(0, 2, rows)
    outcome = rate / 100 - 0.004 * (growth - 2) + rng.normal(0, spread, rows)
    return Series(rate, growth, region, np.clip(outcome, 0.001, 0.2))


@dataclass(frozen=True)
class Forecast:
    """A trained forecast and its baseline."""

    baseline: Path
    booster: Any

    def answers(self, given: Series) -> np.ndarray:
        return np.asarray(self.booster.inplace_predict(given.matrix()), dtype=np.float64)


def write_model(folder: Path, given: Series, changes: dict[str, Any]) -> Any:
    data = xgboost.DMatrix(
        given.matrix(),
        given.outcome,
        feature_names=list(NAMES),
        feature_types=["q", "q", "c"],
        enable_categorical=True,
    )
    settings = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "base_score": 0.06}
    booster = xgboost.train(settings, data, num_boost_round=80)
    document = {
        "format": "tabular/1",
        "task": "forecast",
        "no_change": {"feature": "rate", "factor": 0.01},
        "model": "unemployment",
        "features": [
            {"name": "rate", "type": "number"},
            {"name": "growth", "type": "number"},
            {"name": "region", "type": "category", "categories": list(REGIONS)},
        ],
        "target": "outcome",
        "positive_class": "unemployed",
        "threshold": 0.08,
        **changes,
    }
    folder.mkdir(parents=True)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        for name, content in (
            ("model.json", bytes(booster.save_raw("json"))),
            ("schema.json", json.dumps(document).encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return booster


def made(folder: Path, **changes: Any) -> Forecast:
    """Train a forecast in a folder and make its baseline."""
    training, held_out = series(4000, 1), series(1500, 2)
    booster = write_model(folder / "model", training, changes)
    found = Forecast(folder / "baseline", booster)
    for name, given in (("dataset", training), ("held-out", held_out)):
        (folder / name).mkdir()
        lines = [
            f"{row},{outcome:.7f},{answer:.7f}"
            for row, outcome, answer in zip(
                given.rows(), given.outcome, found.answers(given), strict=True
            )
        ]
        text = "\n".join([",".join((*NAMES, "outcome", "forecast")), *lines]) + "\n"
        (folder / name / "examples.csv").write_text(text)
    code, _, err = analyzer(
        "baseline",
        *("--dataset", folder / "dataset", "--model", folder / "model"),
        *("--evaluation", folder / "held-out", "--answers", "forecast"),
        *("--output", found.baseline, "--min-records", 100),
    )
    assert code == 0, err
    return found


@pytest.fixture(scope="module")
def forecast(tmp_path_factory: pytest.TempPathFactory) -> Forecast:
    return made(tmp_path_factory.mktemp("forecast"))


Judge = Callable[..., Run]


@pytest.fixture
def judge(forecast: Forecast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Capture answers, lay what became true beside them, and run the monitor."""

    def run(given: Series, *, merged: bool = False, kind: str = "model-quality") -> Run:
        base = tmp_path / "opt-ml"
        place = base / "processing" / "input" / "endpoint"
        truths = base / "processing" / "input" / "ground_truth"
        for folder in (place, truths):
            folder.mkdir(parents=True)
        requests, outcomes = [], []
        answers = forecast.answers(given)
        for number, (row, answer) in enumerate(zip(given.rows(), answers.tolist(), strict=True)):
            name = f"quarter-{number}"
            request = json.loads(record(row, f"{answer}\n", name=name))
            if not np.isnan(given.outcome[number]):
                truth = {"data": f"{given.outcome[number]:.7f}\n", "encoding": "CSV"}
                outcomes.append(
                    json.dumps({"groundTruthData": truth, "eventMetadata": {"eventId": name}})
                )
                if merged:
                    request["groundTruthData"] = truth
            requests.append(json.dumps(request, separators=(",", ":")))
        (place / "requests.jsonl").write_text("\n".join(requests) + "\n")
        if not merged:
            (truths / "outcomes.jsonl").write_text("\n".join(outcomes) + "\n")
        layout = "sagemakerMergeJson" if merged else "sagemakerCaptureJson"
        for name, value in {
            "MLZONE_MONITOR": kind,
            "dataset_source": str(place),
            "dataset_format": json.dumps({layout: {}}),
            "output_path": str(tmp_path / "output"),
            "baseline_statistics": str(forecast.baseline),
            "baseline_constraints": str(forecast.baseline),
            "start_time": "2026-11-24T10:00:00Z",
            "end_time": "2026-11-24T11:00:00Z",
            "SAGEMAKER_BASE_DIR": str(base),
        }.items():
            monkeypatch.setenv(name, value)
        code, out, err = analyzer()
        return Run(code, out, err, tmp_path / "output")

    return run


def changed(given: Series, outcome: np.ndarray) -> Series:
    return Series(given.rate, given.growth, given.region, outcome)


def kept(run: Run) -> dict[str, Any]:
    """Hold the explanation against its schema and return it."""
    jsonschema.validate(run.explanation, SCHEMA)
    return dict(run.explanation)


# --- metrics ------------------------------------------------------------------------------------


def drawn(rows: int, seed: int) -> Answered:
    rng = np.random.default_rng(seed)
    answers = rng.gamma(4, 2, rows)
    outcomes = answers * rng.lognormal(0, 0.2, rows)
    return Answered(outcomes=outcomes, answers=answers, no_change=np.full(rows, 8.0))


def test_metrics_are_scikit_learns() -> None:
    known = drawn(2000, 1)
    pair = known.outcomes, known.answers

    found = {name: item.value for name, item in measures(known).items()}

    naive = np.full(2000, 8.0)
    assert found == pytest.approx(
        {
            "mae": reference.mean_absolute_error(*pair),
            "mse": reference.mean_squared_error(*pair),
            "rmse": reference.root_mean_squared_error(*pair),
            "r2": reference.r2_score(*pair),
            "mape": reference.mean_absolute_percentage_error(*pair),
            # The quantile loss at the median, twice, in parts of the outcomes.
            "wape": 2 * reference.mean_pinball_loss(*pair, alpha=0.5) / known.outcomes.mean(),
            "mean_error": np.mean(known.answers - known.outcomes),
            "error_ratio": reference.mean_absolute_error(*pair)
            / reference.mean_absolute_error(known.outcomes, naive),
        }
    )


@pytest.mark.parametrize(
    "name", ["mae", "mse", "rmse", "r2", "mape", "wape", "mean_error", "error_ratio"]
)
def test_errors_are_those_of_repeated_samples(name: str) -> None:
    found = [measures(drawn(400, seed))[name] for seed in range(100, 500)]

    spread = np.std([item.value for item in found])
    assert np.mean([item.error for item in found]) == pytest.approx(spread, rel=0.15)


def test_the_same_case_asked_about_often_is_one_piece_of_evidence() -> None:
    once = drawn(50, 3)
    often = Answered(
        outcomes=np.repeat(once.outcomes, 40), answers=np.repeat(once.answers, 40), no_change=None
    )

    assert measures(often)["mae"].error == pytest.approx(measures(once)["mae"].error)


def test_errors_of_overlapping_forecasts_are_related() -> None:
    """Forecasts over four periods share three of them with the next one."""
    found = []
    for seed in range(300):
        shocks = np.random.default_rng(seed).normal(0, 1, 163)
        errors = np.convolve(shocks, np.ones(4), mode="valid")
        known = Answered(outcomes=np.zeros(160) + errors, answers=np.zeros(160), horizon=4)
        found.append(measures(known)["mean_error"])

    spread = np.std([item.value for item in found])
    plain = 2 / np.sqrt(160)
    assert np.mean([item.error for item in found]) > 1.35 * plain
    assert np.mean([item.error for item in found]) == pytest.approx(spread, rel=0.3)


def test_outcomes_of_nought_have_no_error_in_parts_of_each() -> None:
    found = measures(Answered(outcomes=np.array([0.0, 1, 2]), answers=np.array([0.1, 1, 2])))

    assert "mape" not in found
    assert "wape" in found


# --- judgement ----------------------------------------------------------------------------------


@pytest.mark.parametrize("merged", [True, False], ids=["merged", "side by side"])
def test_where_nothing_changed_nothing_is_found(judge: Judge, *, merged: bool) -> None:
    run = judge(series(1000, 11), merged=merged)

    assert run.code == 0, run.stderr
    explanation = kept(run)
    assert explanation["outcome"] == "no_drift", run.stdout
    assert run.json("constraint_violations.json")["violations"] == []
    told = explanation["performance"]["told"]
    assert told["error_ratio"]["high"] < 1
    assert told["r2"]["value"] > 0.8


def test_MON_02_answers_that_are_too_low_are_concept_drift(judge: Judge) -> None:
    given = series(800, 12)

    explanation = kept(run := judge(changed(given, given.outcome + 0.01)))

    (finding,) = explanation["findings"]
    assert (finding["kind"], finding["cause"]) == ("concept_drift", "changed_relation")
    assert finding["evidence"]["mean_error"] == pytest.approx(-0.01, abs=0.001)
    parts = explanation["performance"]["decomposition"]
    assert parts["concept"] > 0.004
    assert abs(parts["population"]) < 0.001
    assert parts["baseline"] + parts["population"] + parts["concept"] == pytest.approx(
        parts["current"]
    )
    names = {item["metric_name"] for item in run.json("constraint_violations.json")["violations"]}
    assert names == set(finding["metrics"]) == {"mae", "rmse", "mean_error"}


def test_the_segment_in_which_errors_grew_is_named(judge: Judge) -> None:
    given = series(3000, 13)
    noise = np.random.default_rng(4).normal(0, 0.02, 3000) * (given.region == 1)

    explanation = kept(judge(changed(given, given.outcome + noise)))

    (finding,) = explanation["findings"]
    assert finding["segment"]["rule"] == "region is 'south'"
    assert "region is 'south'" in explanation["sentences"][1]


def test_larger_answers_with_larger_errors_are_the_populations_part() -> None:
    """Errors that grow with the answer are expected to be large where answers are."""
    rng = np.random.default_rng(5)
    before = rng.uniform(1, 10, 4000)
    now = rng.uniform(8, 10, 1000)
    known = [
        Answered(outcomes=answers + 0.1 * answers * rng.normal(0, 1, len(answers)), answers=answers)
        for answers in (before, now)
    ]

    judged = number_quality.judge(*known, Settings())

    assert {item.metric for item in judged.losses if item.holds} == {"mae", "rmse"}
    assert not judged.concept


def test_a_forecast_worse_than_no_change_is_said_to_be(judge: Judge) -> None:
    given = series(800, 14)
    little = np.random.default_rng(8).normal(0, 0.0005, 800)

    explanation = kept(judge(changed(given, given.rate / 100 + little)))

    assert explanation["performance"]["told"]["error_ratio"]["low"] > 1
    assert any("forecast of no change would have been" in text for text in explanation["sentences"])


def test_few_different_cases_are_not_judged_however_often_asked_about(judge: Judge) -> None:
    few = series(5, 15)
    often = Series(
        *(np.repeat(item, 100) for item in (few.rate, few.growth, few.region, few.outcome + 0.02))
    )

    assert kept(judge(often))["outcome"] == "too_few_records"


@pytest.mark.parametrize(
    ("known", "outcome", "code"), [(0, "no_ground_truth", 1), (40, "too_few_records", 0)]
)
def test_while_outcomes_are_missing_the_error_is_estimated_and_marked_so(
    judge: Judge, known: int, outcome: str, code: int
) -> None:
    given = series(800, 16)
    late = np.where(np.arange(800) < known, given.outcome, np.nan)

    explanation = kept(run := judge(changed(given, late)))

    assert (run.code, explanation["outcome"]) == (code, outcome)
    estimate = explanation["performance"]["estimated"]
    assert estimate["estimate"] is True
    before = explanation["performance"]["baseline"]["mae"]["value"]
    assert estimate["mae"]["low"] < before < estimate["mae"]["high"]
    assert any(text.startswith("Estimate, from") for text in explanation["sentences"])


def test_windows_without_change_rarely_alarm() -> None:
    settings, alarms = Settings(), 0
    before = drawn(1000, 6)
    for seed in range(1000, 1600):
        judged = number_quality.judge(before, drawn(300, seed), settings)
        alarms += any(item.holds for item in judged.losses)

    assert alarms <= 6


def test_statistics_and_constraints_have_the_published_shape(judge: Judge) -> None:
    run = judge(series(500, 17))

    metrics = run.json("statistics.json")["regression_metrics"]
    assert set(metrics) == {"mae", "mse", "rmse", "r2"}
    assert set(metrics["mae"]) == {"value", "standard_deviation"}
    allowed = run.json("constraints.json")["regression_constraints"]
    assert allowed["rmse"]["comparison_operator"] == "GreaterThanThreshold"
    assert allowed["rmse"]["threshold"] == pytest.approx(1.2 * metrics["rmse"]["value"])


def test_the_page_shows_errors_with_their_intervals_and_needs_nothing_else(judge: Judge) -> None:
    page = (judge(series(500, 18)).output / "report.html").read_text()

    assert "mean absolute error" in page
    assert "not judged" in page
    assert "http" not in page


def test_the_other_monitors_of_a_forecast(judge: Judge) -> None:
    assert kept(judge(series(500, 19), kind="explainability"))["outcome"] == "no_drift"


def test_bias_is_not_judged_of_a_forecast(judge: Judge) -> None:
    run = judge(series(500, 20), kind="bias")

    assert run.code == 2
    assert "unemployment is a forecast; bias is judged of decisions alone" in run.stderr


# --- baselines ----------------------------------------------------------------------------------


def test_a_regression_is_asked_about_its_held_out_records(tmp_path: Path) -> None:
    found = made(tmp_path, task="regression")

    quality = json.loads((found.baseline / "model_quality_statistics.json").read_text())
    assert quality["regression_metrics"]["mae"]["value"] == pytest.approx(0.0035, abs=0.001)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"task": "prophecy"}, "task 'prophecy'; expected one of classification, forecast"),
        ({"no_change": {"feature": "tide", "factor": 1}}, "no_change names tide"),
    ],
)
def test_an_artefact_that_does_not_say_what_it_must_is_refused(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        made(tmp_path, **changes)
