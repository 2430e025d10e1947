"""The model artefact of format `tabular/1`: booster and schema; and how rows become numbers."""

import io
import json
import math
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import job

# XGBoost imports scikit-learn where it is installed, for an interface that is not used here: two
# seconds of every job's start. While the import runs, scikit-learn counts as not installed.
sys.modules.setdefault("sklearn", None)  # type: ignore[arg-type]
import xgboost  # noqa: E402

if sys.modules["sklearn"] is None:
    del sys.modules["sklearn"]

FORMAT = "tabular/1"
Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]


def schema(
    given: dict[str, Any], features: Sequence[dict[str, Any]], threshold: float
) -> dict[str, Any]:
    """Return the artefact's `schema.json`."""
    model = given["model"]
    return {
        "format": FORMAT,
        "model": given["about"]["model"],
        "features": [_feature(column) for column in features],
        "target": model["target"],
        "positive_class": model["positive_class"],
        "threshold": threshold,
        "decisions": model["decisions"],
    }


def encode(rows: list[job.Row], features: Sequence[dict[str, Any]]) -> Matrix:
    """Return rows as numbers: a category becomes its place in the list, an empty cell NaN."""
    matrix = np.empty((len(rows), len(features)), dtype=np.float32)
    for column, feature in enumerate(features):
        codes = {text: float(code) for code, text in enumerate(feature.get("categories", []))}
        for index, row in enumerate(rows):
            value = row[feature["name"]]
            if feature["type"] == "category":
                matrix[index, column] = codes.get(value, math.nan)
            else:
                matrix[index, column] = float(value) if value else math.nan
    return matrix


def data(
    rows: list[job.Row], features: Sequence[dict[str, Any]], labels: Vector | None = None
) -> xgboost.DMatrix:
    """Return rows as XGBoost takes them."""
    return xgboost.DMatrix(
        encode(rows, features),
        label=labels,
        feature_names=[feature["name"] for feature in features],
        feature_types=["c" if feature["type"] == "category" else "q" for feature in features],
        enable_categorical=True,
        nthread=1,
    )


def contributions(booster: xgboost.Booster, rows: xgboost.DMatrix) -> Vector:
    """Return exact TreeSHAP values, in log odds: a column a feature, and last the expected one."""
    return np.asarray(booster.predict(rows, pred_contribs=True), dtype=float)


def labels(rows: list[job.Row], model: dict[str, Any]) -> Vector:
    """Return 1 for each row of the positive class, 0 for the others."""
    return np.array([row[model["target"]] == model["positive_class"] for row in rows], dtype=float)


def save(folder: Path, booster: xgboost.Booster, document: dict[str, Any]) -> None:
    """Write the artefact's files; SageMaker packs them to `model.tar.gz`."""
    folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(folder / "model.json")
    job.write_json(folder / "schema.json", document)


def files(folder: Path) -> dict[str, bytes]:
    """Return the artefact's files, by name, from a folder with `model.tar.gz`.

    Raises:
        job.StepError: there is no such artefact.
    """
    file = folder / "model.tar.gz"
    if not file.is_file():
        raise job.StepError(f"{folder} holds no model.tar.gz")
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(file.read_bytes())) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                found[member.name.removeprefix("./")] = content.read()
    return found


def load(folder: Path) -> tuple[xgboost.Booster, dict[str, Any]]:
    """Return booster and schema from a folder with `model.tar.gz`."""
    found = files(folder)
    booster = xgboost.Booster()
    booster.load_model(bytearray(found["model.json"]))
    booster.set_param({"nthread": 1})
    return booster, json.loads(found["schema.json"])


def _feature(column: dict[str, Any]) -> dict[str, Any]:
    feature = {"name": column["name"], "type": "number", "title": column["title"]}
    if column["type"] == "category":
        feature |= {"type": "category", "categories": column["values"]}
    return feature | ({"sensitive": True} if column.get("sensitive") else {})
