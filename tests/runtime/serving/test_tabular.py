"""The artefact is read whole or refused; rows become the numbers that training saw."""

import json
import math
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlzone_runtime import tabular

from .conftest import SCHEMA


def archive(folder: Path, target: Path, prefix: str = "") -> Path:
    with tarfile.open(target, "w:gz") as packed:
        for name in ("model.json", "schema.json"):
            packed.add(folder / name, prefix + name)
    return target


@pytest.mark.parametrize("prefix", ["", "./"])
def test_folder_and_archive_give_the_same_model(
    artifact: Path, tmp_path: Path, prefix: str
) -> None:
    packed = archive(artifact, tmp_path / "model.tar.gz", prefix)
    rows = [["10", "car"], ["90", "boat"]]
    first, second, third = (tabular.load(place) for place in (artifact, packed, tmp_path))
    expected = first.predict(first.schema.encode(rows))
    for model in (second, third):
        assert np.array_equal(model.predict(model.schema.encode(rows)), expected)


def test_categories_become_their_place_and_missing_values_nan(artifact: Path) -> None:
    schema = tabular.load(artifact).schema
    matrix = schema.encode([[1, "car"], ["2.5", "boat"], [None, None], ["", "spaceship"]])
    assert matrix[:2].tolist() == [[1.0, 0.0], [2.5, 2.0]]
    assert np.isnan(matrix[2:]).all()


def test_records_are_put_into_the_features_order(artifact: Path) -> None:
    schema = tabular.load(artifact).schema
    record = {"purpose": "house", "other": "x", "amount": "7"}
    assert schema.encode_records([record]).tolist() == [[7.0, 1.0]]


def test_a_value_that_is_no_number_is_named_or_counts_as_missing(artifact: Path) -> None:
    schema = tabular.load(artifact).schema
    with pytest.raises(tabular.InvalidValueError) as caught:
        schema.encode([["1", "car"], ["x", "car"]])
    assert (caught.value.field, caught.value.row) == ("amount", 1)
    assert math.isnan(schema.encode([["x", "car"]], strict=False)[0, 0])


def test_contributions_add_up_to_the_log_odds(artifact: Path) -> None:
    model = tabular.load(artifact)
    matrix = model.schema.encode([["10", "car"], ["90", "boat"], ["", ""]])
    total = model.contributions(matrix).sum(axis=1)
    assert 1 / (1 + np.exp(-total)) == pytest.approx(model.predict(matrix), abs=1e-6)


def test_no_rows_give_no_results(artifact: Path) -> None:
    model = tabular.load(artifact)
    matrix = model.schema.encode([])
    assert model.predict(matrix).shape == (0,)
    assert model.contributions(matrix).shape == (0, 3)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"format": "tabular/2"}, "format 'tabular/2'; expected 'tabular/1'"),
        ({"threshold": "half"}, "schema.json is not of format"),
        ({"features": [{"name": "amount", "type": "text"}]}, "expected number or category"),
        ({"features": [{"name": "a", "type": "category"}]}, "a category without categories"),
        ({"features": SCHEMA["features"][:1]}, "the booster has 2 features, schema.json 1"),  # type: ignore[index]
        ({"features": SCHEMA["features"][::-1]}, "booster and schema.json name other"),  # type: ignore[index]
    ],
)
def test_a_schema_that_does_not_fit_is_refused(
    artifact: Path, tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    (tmp_path / "model.json").write_bytes((artifact / "model.json").read_bytes())
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA | change), encoding="utf-8")
    with pytest.raises(tabular.ArtifactError, match=problem):
        tabular.load(tmp_path)


def test_a_broken_artefact_is_refused(artifact: Path, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    (tmp_path / "schema.json").write_bytes((artifact / "schema.json").read_bytes())
    with pytest.raises(tabular.ArtifactError, match=r"model.json is no booster"):
        tabular.load(tmp_path)
    (tmp_path / "model.tar.gz").write_bytes(b"no archive")
    with pytest.raises(tabular.ArtifactError, match="is no archive"):
        tabular.load(tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "schema.json", "schema.json")
    with pytest.raises(tabular.ArtifactError, match=r"model.json or model.onnx; it holds neither"):
        tabular.load(tmp_path)


def test_loading_and_predicting_imports_neither_pandas_nor_scikit_learn(artifact: Path) -> None:
    script = (
        "import pathlib, sys; from mlzone_runtime import tabular;"
        "m = tabular.load(pathlib.Path(sys.argv[1])); x = m.schema.encode([['1', 'car']]);"
        "m.predict(x); m.contributions(x);"
        "print([name for name in ('pandas', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(artifact)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
