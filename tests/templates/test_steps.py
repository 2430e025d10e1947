"""The steps on the real data: results worth registering, clear refusals, and no skew in serving."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sagemaker.core.shapes.model_card_shapes import ModelCardContent

from mlzone_runtime import tabular

from .conftest import Trained, python, run_step

PREDICT = """
import json, pathlib, sys
import job, model
booster, document = model.load(pathlib.Path(sys.argv[1]))
rows = job.read_table(pathlib.Path(sys.argv[2]))
values = booster.predict(model.data(rows, document['features']))
print(json.dumps([str(value) for value in values]))
"""


def document(trained: Trained, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((trained.evaluation / name).read_text(encoding="utf-8"))
    return loaded


def records(folder: Path) -> list[dict[str, str]]:
    with next(folder.glob("*.csv")).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_model_is_good_and_fair_enough_for_the_example_estate(trained: Trained) -> None:
    numbers = document(trained, "summary.json")["numbers"]
    assert numbers["auc"] >= 0.7
    assert numbers["disparate_impact_gap"] <= 0.3


def test_the_metrics_are_scikit_learns(trained: Trained) -> None:
    from sklearn import metrics  # noqa: PLC0415 - slow to import, used here only

    model = tabular.load(trained.model)
    rows = records(trained.prepared / "test")
    labels = np.array([row["outcome"] == "default" for row in rows])
    probabilities = model.predict(model.schema.encode_records(rows)).astype(float)
    decisions = probabilities >= model.schema.threshold
    found = document(trained, "quality.json")["binary_classification_metrics"]
    expected = {
        "auc": metrics.roc_auc_score(labels, probabilities),
        "brier": metrics.brier_score_loss(labels, probabilities),
        "accuracy": metrics.accuracy_score(labels, decisions),
        "precision": metrics.precision_score(labels, decisions),
        "recall": metrics.recall_score(labels, decisions),
        "f1": metrics.f1_score(labels, decisions),
    }
    assert {name: found[name]["value"] for name in expected} == pytest.approx(expected)


def test_the_served_probability_is_that_of_training(trained: Trained) -> None:
    done = python("-c", PREDICT, trained.model, trained.prepared / "test", cwd=trained.code)
    assert done.returncode == 0, done.stderr
    model = tabular.load(trained.model)
    served = model.predict(model.schema.encode_records(records(trained.prepared / "test")))
    assert [str(value) for value in served] == json.loads(done.stdout)


def test_contributions_add_up_to_the_probability(trained: Trained) -> None:
    model = tabular.load(trained.model)
    matrix = model.schema.encode_records(records(trained.prepared / "test"))
    log_odds = model.contributions(matrix).sum(axis=1)
    assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(model.predict(matrix), abs=1e-5)


def test_MOD_05_the_model_card_is_sagemakers(trained: Trained) -> None:
    card = json.loads(document(trained, "summary.json")["model_card"])
    parsed = ModelCardContent.model_validate(card)
    assert card.keys() <= ModelCardContent.model_fields.keys()
    assert parsed.intended_uses.risk_rating == "High"
    assert len(json.dumps(card)) <= 100_000


def test_the_analyzer_makes_a_baseline_of_what_the_steps_wrote(
    trained: Trained, code: Path, tmp_path: Path
) -> None:
    arguments: list[str | Path] = [
        *("--dataset", trained.prepared / "train"),
        *("--model", trained.model),
        *("--evaluation", trained.prepared / "test"),
        *("--groups", code / "settings.json"),
        *("--output", tmp_path),
        *("--max-psi", "0.2"),
        *("--min-records", "100"),
    ]
    done = python("-m", "mlzone_runtime.analyzer", "baseline", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert {"statistics.json", "constraints.json", "sample.csv", "model.tar.gz"} <= manifest[
        "files"
    ].keys()
    assert (tmp_path / "digest.json").is_file()
    quality = json.loads((tmp_path / "model_quality_statistics.json").read_text(encoding="utf-8"))
    evaluated = document(trained, "quality.json")["binary_classification_metrics"]
    for name in ("accuracy", "auc", "brier", "precision", "recall"):
        found = quality["binary_classification_metrics"][name]["value"]
        assert found == pytest.approx(evaluated[name]["value"], abs=1e-6), name
    bias = json.loads((tmp_path / "bias_constraints.json").read_text(encoding="utf-8"))
    reported = document(trained, "bias.json")
    for part in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        for facet, (entry,) in reported[part]["facets"].items():
            values = {item["name"]: item["value"] for item in entry["metrics"]}
            (found,) = bias[part]["facets"][facet]
            for item in found["metrics"]:
                assert item["value"] == pytest.approx(values[item["name"]]), (facet, item)


def test_DAT_03_data_that_breaks_the_contract_stops_the_pipeline_with_the_reason(
    project: Path, code: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    text = (project / "data" / "credit.csv").read_text(encoding="utf-8")
    (data / "credit.csv").write_text(text.replace("radio-tv", "gramophone"), encoding="utf-8")
    done = run_step(code, "prepare", ["--data", data, "--output", tmp_path / "out"])
    assert done.returncode == 1
    reason = "purpose has an unknown value: 'gramophone' in row 1 and 279 more"
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    message = code.parent / "opt-ml" / "output" / "message"
    assert reason in message.read_text(encoding="utf-8")
    assert not (tmp_path / "out").exists()


def test_a_missing_model_stops_the_evaluation_with_the_reason(
    trained: Trained, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(trained.prepared / "test", tmp_path / "test")
    arguments: list[str | Path] = ["--model", tmp_path / "empty", "--test", tmp_path / "test"]
    done = run_step(trained.code, "evaluate", [*arguments, "--output", tmp_path / "out"])
    assert done.returncode == 1
    assert "holds no model.tar.gz" in done.stderr
