"""The model from elsewhere is judged on records that it never saw, and is what its card says."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import execute, read
from delivery import bundle, compiling


@dataclass(frozen=True, kw_only=True)
class Run:
    """The folders that the steps wrote."""

    prepared: Path
    evaluation: Path

    def document(self, name: str) -> dict[str, Any]:
        """Return a document of the evaluation."""
        return read(self.evaluation, name)


@pytest.fixture(scope="module")
def run(sources: compiling.Sources, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run all steps as the jobs do: one process each; code, data and model in folders."""
    root = tmp_path_factory.mktemp("run")
    code, data, model = root / "code", root / "data", root / "model"
    assert sources.model is not None
    for files, folder in ((sources.code, code), (sources.data, data), (sources.model, model)):
        files.write(folder)
    result = Run(prepared=root / "prepared", evaluation=root / "evaluation")
    execute(code, "prepare", "--data", data, "--output", result.prepared)
    execute(
        code,
        "evaluate",
        *("--model", model),
        *("--test", result.prepared / "test"),
        *("--output", result.evaluation),
    )
    return result


def test_the_model_expects_what_model_yaml_says(sources: compiling.Sources) -> None:
    settings = json.loads(sources.code.files["settings.json"])["model"]
    schema = json.loads((bundle.PROJECT / settings["trained_model"] / "schema.json").read_text())
    assert [feature["name"] for feature in schema["features"]] == settings["features"]
    assert (schema["target"], schema["positive_class"]) == (
        settings["target"],
        settings["positive_class"],
    )


def test_the_same_files_give_the_same_archive() -> None:
    first, second = bundle.model(), bundle.model()
    assert first is not None
    assert first == second


def test_it_is_good_enough_on_what_it_never_saw(run: Run) -> None:
    assert run.document("summary.json")["numbers"]["auc"] >= 0.7


def test_bias_is_reported_for_each_facet(run: Run) -> None:
    facets = run.document("bias.json")["post_training_bias_metrics"]["facets"]
    assert facets.keys() == {"sex", "age"}


def test_the_card_says_where_the_model_comes_from(run: Run) -> None:
    card = json.loads(run.document("summary.json")["model_card"])
    said = card["training_details"]["training_observations"]
    assert said.startswith("Trained elsewhere, not by this platform.")
    assert "the old platform" in said
