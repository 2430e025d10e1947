"""Models of unknown origin are opened where they can do no harm, or not at all."""

import csv
import json
import os
import pickle
import shutil
import tarfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import xgboost
from skl2onnx import to_onnx
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone_runtime import tabular
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


def opened(
    place: Path, artifact: Path, data: Path, *, features: Any = (), seconds: int = 60
) -> dict[str, Any]:
    """Open a model as the migration does."""
    source, output = place / "input", place / "output"
    source.mkdir()
    output.mkdir()
    if artifact.is_dir():
        shutil.copytree(artifact, source / "artifact")
    else:
        shutil.copyfile(artifact, source / "artifact")
    (source / "rows.csv").write_bytes(data.read_bytes())
    schema = {"model": "m", "target": "outcome", "positive_class": "default", "threshold": 0.4}
    request = {"name": artifact.name, "features": list(features), "schema": schema}
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


NUMBERS = [{"name": name, "type": "number"} for name in FEATURES]
HOUSING = {"name": "housing", "type": "category", "categories": ["free", "own", "rent"]}


@pytest.fixture(scope="module")
def table(data: Path) -> pd.DataFrame:
    return pd.read_csv(data)


def scorecard(table: pd.DataFrame, outcomes: Any) -> Pipeline:
    """Return a model as data scientists save them: its preparation of columns inside."""
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), FEATURES),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["housing"]),
        ]
    )
    return make_pipeline(columns, LogisticRegression()).fit(table[[*FEATURES, "housing"]], outcomes)


def artefact(folder: Path) -> tabular.Model:
    """Return what the migration wrote, as an endpoint serves it."""
    return tabular.load(folder / "output")


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(max_iter=1000),
        RandomForestClassifier(20, random_state=1),
        GradientBoostingClassifier(n_estimators=20, random_state=1),
        make_pipeline(StandardScaler(), CalibratedClassifierCV(LinearSVC(random_state=1))),
        make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=50, tol=1, random_state=1)),
    ],
    ids=lambda item: type(item[-1] if isinstance(item, Pipeline) else item).__name__,
)
def test_a_model_of_scikit_learn_becomes_a_network_that_answers_alike(
    estimator: Any, data: Path, table: pd.DataFrame, tmp_path: Path
):
    # Classes are sorted: here the positive one comes first.
    estimator.fit(table[FEATURES].to_numpy(), table["outcome"])
    file = tmp_path / "model.joblib"
    joblib.dump(estimator, file)

    found = opened(tmp_path, file, data, features=NUMBERS)

    own = estimator.predict_proba(table[FEATURES].to_numpy())
    assert list(estimator.classes_) == ["default", "repaid"]
    assert found["predictions"] == pytest.approx(own[:, 0].tolist(), abs=1e-4)
    assert {item.name for item in (tmp_path / "output").iterdir()} == {
        *("model.onnx", "background.csv", "schema.json", "report.json")
    }


def test_a_model_takes_its_columns_by_name_and_categories_as_words(
    data: Path, table: pd.DataFrame, tmp_path: Path
):
    model = scorecard(table, table["outcome"] == "default")
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(model))

    found = opened(tmp_path, file, data, features=[*NUMBERS, HOUSING])

    own = model.predict_proba(table[[*FEATURES, "housing"]])[:, 1]
    assert found["kind"] == "sklearn.pipeline.Pipeline"
    assert found["predictions"] == pytest.approx(own.tolist(), abs=1e-5)
    served = artefact(tmp_path)
    never_seen = served.predict(served.schema.encode([[24, 1000, 2, "houseboat"]]))
    as_missing = served.predict(served.schema.encode([[24, 1000, 2, None]]))
    assert never_seen == as_missing


def test_an_MLflow_folder_is_opened(data: Path, table: pd.DataFrame, tmp_path: Path):
    model = LogisticRegression(max_iter=1000).fit(table[FEATURES], table["outcome"] == "default")
    folder = tmp_path / "mlflow"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {sklearn: {pickled_model: model.pkl}}\n")
    (folder / "requirements.txt").write_text("scikit-learn\n")
    (folder / "model.pkl").write_bytes(pickle.dumps(model))

    # It names its features itself.
    found = opened(tmp_path, folder, data)

    assert [item["name"] for item in found["features"]] == FEATURES
    own = model.predict_proba(table[FEATURES])[:, 1]
    assert found["predictions"] == pytest.approx(own.tolist(), abs=1e-5)


@pytest.mark.parametrize("zipmap", [True, False])
def test_a_network_keeps_the_probability_of_the_positive_class_alone(
    zipmap: bool, data: Path, table: pd.DataFrame, tmp_path: Path
):
    model = LogisticRegression(max_iter=1000).fit(table[FEATURES].to_numpy(), table["outcome"])
    given = to_onnx(model, np.zeros((1, len(FEATURES)), np.float32), options={"zipmap": zipmap})
    file = tmp_path / "model.onnx"
    file.write_bytes(given.SerializeToString())

    found = opened(tmp_path, file, data, features=NUMBERS)

    own = model.predict_proba(table[FEATURES].to_numpy())[:, 0]
    assert found["kind"] == "ONNX model of skl2onnx"
    assert found["predictions"] == pytest.approx(own.tolist(), abs=1e-5)


def test_a_networks_contributions_add_up_and_are_those_of_a_linear_model(
    data: Path, table: pd.DataFrame, tmp_path: Path
):
    model = LogisticRegression(max_iter=1000).fit(
        table[FEATURES].to_numpy(), table["outcome"] == "default"
    )
    file = tmp_path / "model.joblib"
    joblib.dump(model, file)
    opened(tmp_path, file, data, features=NUMBERS)
    served = artefact(tmp_path)
    rows = served.schema.encode(table[FEATURES].to_numpy().tolist()[:50])

    values = served.contributions(rows)

    chances = served.predict(rows).astype(float)
    assert values.sum(axis=1) == pytest.approx(np.log(chances / (1 - chances)), abs=1e-4)
    background = pd.read_csv(tmp_path / "output" / "background.csv").to_numpy()
    expected = model.coef_[0] * (rows - background.mean(axis=0))
    assert values[:, :-1] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("model", "features", "problem"),
    [
        (
            LinearRegression(),
            NUMBERS,
            r"it is a sklearn\..*LinearRegression; expected a classifier",
        ),
        (LabelPropagation(), NUMBERS, "cannot be written as ONNX"),
        (DecisionTreeClassifier(max_depth=1), [], "it does not name its features; describe them"),
        (DecisionTreeClassifier(max_depth=1), [*NUMBERS, HOUSING], "cannot be written as ONNX"),
    ],
    ids=["no classifier", "no translation", "no features", "too many features"],
)
def test_a_model_that_cannot_be_served_is_named(
    model: Any, features: Any, problem: str, data: Path, table: pd.DataFrame, tmp_path: Path
):
    file = tmp_path / "model.joblib"
    joblib.dump(model.fit(table[FEATURES].to_numpy(), table["outcome"] == "default"), file)
    with pytest.raises(sandbox.UnreadableModelError, match=problem):
        opened(tmp_path, file, data, features=features)


def test_classes_of_which_none_is_the_positive_one_are_said(
    data: Path, table: pd.DataFrame, tmp_path: Path
):
    words = table["outcome"].map({"default": "bad", "repaid": "good"})
    file = tmp_path / "model.joblib"
    joblib.dump(DecisionTreeClassifier().fit(table[FEATURES].to_numpy(), words), file)
    with pytest.raises(sandbox.UnreadableModelError, match="bad and good; none is default"):
        opened(tmp_path, file, data, features=NUMBERS)


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
