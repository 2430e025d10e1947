"""Models of unknown origin are opened where they can do no harm, or not at all."""

import csv
import json
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import joblib
import pytest
import xgboost
from sklearn.linear_model import LogisticRegression

from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone_tools.services.model_migration import manifest, sandbox

ROOT = Path(__file__).parents[2]
FEATURES = ["duration_months", "credit_amount", "installment_rate"]
Rows = list[list[float]]


@pytest.fixture(scope="module")
def data() -> Path:
    return ROOT / "pipeline_templates" / "register-only" / "data" / "credit.csv"


@pytest.fixture(scope="module")
def examples(data: Path) -> tuple[Rows, list[float]]:
    with data.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    inputs = [[float(row[name]) for name in FEATURES] for row in rows]
    return inputs, [float(row["outcome"] == "default") for row in rows]


@pytest.fixture(scope="module")
def booster(examples: tuple[Rows, list[float]]) -> xgboost.Booster:
    table = xgboost.DMatrix(examples[0], label=examples[1], feature_names=FEATURES)
    parameters = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}
    return xgboost.train(parameters, table, num_boost_round=10)


class Program:
    """What a pickle can hold."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (self.code, {})


def opened(place: Path, artifact: Path, data: Path, *, seconds: int = 60) -> dict[str, Any]:
    """Open a model as the migration does."""
    source, output = place / "input", place / "output"
    source.mkdir()
    output.mkdir()
    (source / "artifact").write_bytes(artifact.read_bytes())
    (source / "rows.csv").write_bytes(data.read_bytes())
    schema = {"model": "m", "target": "outcome", "positive_class": "default", "threshold": 0.4}
    request = {"name": artifact.name, "features": [], "schema": schema}
    (source / "request.json").write_text(json.dumps(request), encoding="utf-8")
    return sandbox.inspect(source, output, seconds=seconds)


@pytest.mark.parametrize("kind", ["joblib", "pkl", "json", "tar.gz"])
def test_a_booster_is_opened_from_any_of_its_forms(
    kind: str, booster: xgboost.Booster, data: Path, tmp_path: Path, examples: Any
):
    file = tmp_path / f"model.{kind}"
    if kind == "joblib":
        joblib.dump(booster, file)
    elif kind == "pkl":
        file.write_bytes(pickle.dumps(booster))
    elif kind == "json":
        booster.save_model(file)
    else:
        booster.save_model(tmp_path / "model.json")
        with tarfile.open(file, "w:gz") as archive:
            archive.add(tmp_path / "model.json", "xgboost-model")

    found = opened(tmp_path, file, data)

    expected = booster.predict(xgboost.DMatrix(examples[0], feature_names=FEATURES))
    assert found["kind"] == "xgboost.core.Booster"
    assert found["predictions"] == pytest.approx(expected.tolist(), abs=1e-6)
    assert (tmp_path / "output" / "model.json").is_file()


def test_a_model_that_the_platform_cannot_serve_is_named(data: Path, tmp_path: Path, examples: Any):
    file = tmp_path / "model.joblib"
    joblib.dump(LogisticRegression(max_iter=1000).fit(*examples), file)
    with pytest.raises(sandbox.UnreadableModelError, match=r"sklearn\..*LogisticRegression; the"):
        opened(tmp_path, file, data)


def test_a_program_in_a_pickle_reaches_nothing(data: Path, tmp_path: Path):
    secret, mark = tmp_path / "secret", tmp_path / "mark"
    secret.write_text("secret", encoding="utf-8")
    code = f"""
import os, socket
left = []
for attempt in (
    lambda: open({str(secret)!r}).read(),
    lambda: open({str(mark)!r}, "w").write("here"),
    lambda: open("/input/artifact", "w"),
    lambda: open({str(ROOT / "README.md")!r}),
    lambda: socket.create_connection(("127.0.0.1", 1), 1),
    lambda: os.kill({os.getpid()}, 0),
    lambda: os.chroot("/tmp"),
):
    try:
        attempt()
        left.append(attempt.__code__.co_firstlineno)
    except OSError:
        pass
raise RuntimeError(f"could do: {{left}}")
"""
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(Program(code)))

    with pytest.raises(sandbox.UnreadableModelError, match=r"could do: \[\]"):
        opened(tmp_path, file, data)

    assert not mark.exists()


def test_a_program_that_never_ends_is_ended(data: Path, tmp_path: Path):
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(Program("while True: pass")))
    with pytest.raises(sandbox.UnreadableModelError, match=r"its process was ended|did not end"):
        opened(tmp_path, file, data, seconds=2)


def test_what_is_no_model_is_said(data: Path, tmp_path: Path):
    file = tmp_path / "model.json"
    file.write_text("no model", encoding="utf-8")
    with pytest.raises(sandbox.UnreadableModelError):
        opened(tmp_path, file, data)


def rows(tmp_path: Path, estate: Estate, **changes: str) -> list[manifest.Row]:
    (tmp_path / "model.pkl").write_bytes(b"x")
    item = {
        "model": "retail-banking/credit-default",
        "person": "bruno.lima",
        "artifact": "model.pkl",
        "data": "data.csv",
        "target": "outcome",
        "positive_class": "default",
        "threshold": "0.4",
        "trained_by": "us",
        "features": "",
    } | changes
    file = tmp_path / "manifest.csv"
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(item))
        writer.writeheader()
        writer.writerows([item, item])
    return manifest.read(file, estate)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"model": "retail-banking/nothing"}, "nothing"),
        ({}, "the estate says template tabular-realtime; expected register-only"),
        ({"person": "kleber.moraes"}, "kleber.moraes is not in team credit-risk"),
        ({"artifact": "gone.pkl"}, "gone.pkl does not exist"),
        ({"threshold": "high"}, "threshold 'high'; expected a number between 0 and 1"),
    ],
)
def test_every_problem_of_a_row_is_said(tmp_path: Path, changes: dict[str, str], problem: str):
    first, second = rows(tmp_path, load_estate(ROOT / "organization"), **changes)
    assert problem in first.problem
    assert second.problem
