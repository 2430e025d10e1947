"""All steps on the project's data: the documents say what the registry and the gate need."""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import execute, pack, read
from delivery import compiling


@dataclass(frozen=True, kw_only=True)
class Run:
    """The folders that the steps wrote."""

    prepared: Path
    model: Path
    evaluation: Path

    def document(self, name: str) -> dict[str, Any]:
        """Return a document of the evaluation."""
        return read(self.evaluation, name)


@pytest.fixture(scope="module")
def run(sources: compiling.Sources, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run all steps as the jobs do: one process each, code and data in folders."""
    root = tmp_path_factory.mktemp("run")
    code, data = root / "code", root / "data"
    sources.code.write(code)
    sources.data.write(data)
    result = Run(prepared=root / "prepared", model=root / "model", evaluation=root / "evaluation")
    execute(code, "prepare", "--data", data, "--output", result.prepared)
    execute(
        code,
        "train",
        *("--train", result.prepared / "train"),
        *("--validation", result.prepared / "validation"),
        *("--model-dir", result.model),
    )
    packed = pack(result.model, root / "packed")
    execute(
        code,
        "evaluate",
        *("--model", packed),
        *("--test", result.prepared / "test"),
        *("--output", result.evaluation),
    )
    return result


def test_no_row_is_lost_and_none_stands_in_two_parts(run: Run) -> None:
    parts = {
        name: (run.prepared / name / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]
        for name in ("train", "validation", "test")
    }
    source = (run.prepared.parent / "data" / "credit.csv").read_text(encoding="utf-8")
    assert sorted(itertools.chain(*parts.values())) == sorted(source.splitlines()[1:])
    assert not set(parts["train"]) & set(parts["test"])


def test_the_model_does_not_see_what_is_protected(run: Run) -> None:
    schema = json.loads((run.model / "schema.json").read_text(encoding="utf-8"))
    names = {feature["name"] for feature in schema["features"]}
    assert not names & {"sex", "personal_status", "age_years", "foreign_worker", "outcome"}


def test_quality_is_in_the_format_of_model_quality_statistics(run: Run) -> None:
    scores = run.document("quality.json")["binary_classification_metrics"]
    assert scores["auc"]["value"] >= 0.7
    assert {"confusion_matrix", "accuracy", "precision", "recall"} <= scores.keys()


def test_bias_is_reported_for_each_facet(run: Run) -> None:
    document = run.document("bias.json")
    for part in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        assert document[part]["facets"].keys() == {"sex", "age"}


def test_every_feature_is_explained(run: Run) -> None:
    schema = json.loads((run.model / "schema.json").read_text(encoding="utf-8"))
    values = run.document("explanation.json")["explanations"]["kernel_shap"]["label0"]
    names = {feature["name"] for feature in schema["features"]}
    assert values["global_shap_values"].keys() == names


def test_the_summary_says_what_the_gate_compares_and_the_registry_keeps(run: Run) -> None:
    summary = run.document("summary.json")
    quality = run.document("quality.json")["binary_classification_metrics"]
    assert summary["numbers"]["auc"] == quality["auc"]["value"]
    assert 0 <= summary["numbers"]["disparate_impact_gap"] <= 1
    assert all(isinstance(text, str) and len(text) <= 256 for text in summary["texts"].values())


def test_the_model_card_carries_the_results(run: Run) -> None:
    card = json.loads(run.document("summary.json")["model_card"])
    quality = run.document("quality.json")["binary_classification_metrics"]
    groups = {group["name"]: group for group in card["evaluation_details"][0]["metric_groups"]}
    values = {item["name"]: item["value"] for item in groups["Quality"]["metric_data"]}
    assert values["auc"] == pytest.approx(quality["auc"]["value"], abs=1e-6)
    assert card["intended_uses"]["risk_rating"] == "High"


def test_training_twice_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    execute(
        run.prepared.parent / "code",
        "train",
        *("--train", run.prepared / "train"),
        *("--validation", run.prepared / "validation"),
        *("--model-dir", tmp_path),
    )
    for name in ("model.json", "schema.json"):
        assert (tmp_path / name).read_bytes() == (run.model / name).read_bytes()
