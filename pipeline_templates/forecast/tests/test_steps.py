"""All steps on the project's data: a back-test without hindsight, documents for the registry."""

import csv
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
    examples = result.prepared / "examples"
    execute(code, "prepare", "--data", data, "--output", result.prepared)
    execute(code, "train", "--examples", examples, "--model-dir", result.model)
    execute(
        code,
        "evaluate",
        *("--model", pack(result.model, root / "packed")),
        *("--examples", examples),
        *("--output", result.evaluation),
    )
    return result


def test_it_beats_a_forecast_of_no_change(run: Run) -> None:
    numbers = run.document("summary.json")["numbers"]
    assert numbers["error_ratio"] < 0.9
    assert numbers["mae"] < 0.007


def test_no_forecast_of_the_back_test_knows_what_came(run: Run) -> None:
    examples = run.prepared / "examples" / "examples.csv"
    with examples.open(encoding="utf-8", newline="") as file:
        places = {row["period"]: place for place, row in enumerate(csv.DictReader(file))}
    rows = run.document("quality.json")["backtest"]["rows"]
    assert len({row["known"] for row in rows}) > 20
    for row in rows:
        # The outcome of the last example that was known lies 4 quarters after it.
        assert row["known"] - 1 + 4 <= places[row["made_in"]]


def test_every_feature_is_explained(run: Run) -> None:
    schema = json.loads((run.model / "schema.json").read_text(encoding="utf-8"))
    values = run.document("explanation.json")["explanations"]["kernel_shap"]["label0"]
    assert values["global_shap_values"].keys() == {item["name"] for item in schema["features"]}


def test_the_registry_gets_texts_that_fit(run: Run) -> None:
    texts = run.document("summary.json")["texts"]
    assert {"error_ratio", "mae", "horizon", "origins", "top_features"} <= texts.keys()
    assert all(isinstance(text, str) and len(text) <= 256 for text in texts.values())


def test_the_model_card_carries_the_back_test(run: Run) -> None:
    card = json.loads(run.document("summary.json")["model_card"])
    groups = {group["name"]: group for group in card["evaluation_details"][0]["metric_groups"]}
    ratio = groups["Against a forecast of no change"]["metric_data"][0]
    assert ratio["value"] == pytest.approx(
        run.document("summary.json")["numbers"]["error_ratio"], abs=1e-6
    )


def test_training_twice_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    code, examples = run.prepared.parent / "code", run.prepared / "examples"
    execute(code, "train", "--examples", examples, "--model-dir", tmp_path)
    for name in ("model.json", "schema.json"):
        assert (tmp_path / name).read_bytes() == (run.model / name).read_bytes()
