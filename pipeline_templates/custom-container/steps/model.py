"""The model in scikit-learn, and its artefact: what serves it, and what explains it.

`model.joblib` is scikit-learn's own and is loaded by this image alone. Beside it lie the same model
in ONNX with its background, and `schema.json`: with these the platform's monitors ask and explain
a model of whichever framework.
"""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

import job

FORMAT = "tabular/1"
ANSWER = "answer"
_BACKGROUND = 25
_OPSET = 17
Vector = npt.NDArray[np.float64]


def table(rows: Sequence[job.Row], features: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as the model takes them: numbers, and categories as their text.

    A category that the contract does not know counts as none.
    """
    columns: dict[str, Any] = {}
    for feature in features:
        cells = [row[feature["name"]] for row in rows]
        if feature["type"] == "category":
            known = set(feature.get("values") or feature.get("categories") or ())
            columns[feature["name"]] = [cell if cell in known else "" for cell in cells]
        else:
            numbers = [float(cell) if cell else np.nan for cell in cells]
            columns[feature["name"]] = np.array(numbers, dtype=np.float32)
    return pd.DataFrame(columns)


def targets(rows: Sequence[job.Row], given: dict[str, Any]) -> Vector:
    """Return what is to be estimated."""
    return np.array([float(row[given["model"]["target"]]) for row in rows])


def fit(rows: Sequence[job.Row], given: dict[str, Any]) -> Pipeline:
    """Return a model of rows; the same rows and settings give the same model."""
    features = job.features(given)
    words = [item["name"] for item in features if item["type"] == "category"]
    numbers = [item["name"] for item in features if item["type"] != "category"]
    columns = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
            ("numbers", SimpleImputer(strategy="median"), numbers),
        ]
    )
    learner = GradientBoostingRegressor(**given["model"]["training"])
    pipeline = Pipeline([("columns", columns), ("learner", learner)])
    return pipeline.fit(table(rows, features), targets(rows, given))


def held_out(rows: Sequence[job.Row], given: dict[str, Any]) -> tuple[Vector, Vector]:
    """Return what models answer to rows that they did not see, and the plainest answer.

    The rows are cut into parts, no group in two of them. Each part is answered for by a model of
    the others; the plainest answer is the others' median.

    Raises:
        job.StepError: there are fewer groups than parts.
    """
    settings, features = given["model"], job.features(given)
    groups = [row[settings["group"]] for row in rows]
    if len(set(groups)) < settings["folds"]:
        raise job.StepError(f"{len(set(groups))} groups are too few for {settings['folds']} folds")
    truth = targets(rows, given)
    answers, plain = np.empty(len(rows)), np.empty(len(rows))
    for others, part in GroupKFold(settings["folds"]).split(rows, groups=groups):
        learned = fit([rows[place] for place in others], given)
        answers[part] = learned.predict(table([rows[place] for place in part], features))
        plain[part] = np.median(truth[others])
    return answers, plain


def schema(given: dict[str, Any]) -> dict[str, Any]:
    """Return the artefact's `schema.json`: answers are numbers, in the target's own unit."""
    model = given["model"]
    return {
        "format": FORMAT,
        "model": given["about"]["model"],
        "task": "regression",
        "link": "identity",
        "features": [_feature(column) for column in job.features(given)],
        "target": model["target"],
        "positive_class": model["positive_class"],
        "threshold": model["threshold"],
        "decisions": model["decisions"],
    }


def save(folder: Path, learned: Pipeline, rows: Sequence[job.Row], given: dict[str, Any]) -> None:
    """Write the artefact's files; SageMaker packs them to `model.tar.gz`."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [feature["name"] for feature in job.features(given)]
    joblib.dump(learned, folder / "model.joblib")
    (folder / "model.onnx").write_bytes(network(learned, job.features(given)))
    step = max(1, len(rows) // _BACKGROUND)
    background = [{name: row[name] for name in names} for row in rows[::step][:_BACKGROUND]]
    job.write_table(folder / "background.csv", names, background)
    job.write_json(folder / "schema.json", schema(given))


def network(learned: Pipeline, features: Sequence[dict[str, Any]]) -> bytes:
    """Return the model in ONNX: a column a feature, by its name, and one output `answer`."""
    # Imported here: an endpoint need not wait for it.
    from skl2onnx import to_onnx  # noqa: PLC0415
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType  # noqa: PLC0415

    kinds = {True: StringTensorType, False: FloatTensorType}
    types = [(item["name"], kinds[item["type"] == "category"]([None, 1])) for item in features]
    made = to_onnx(learned, initial_types=types, target_opset=_OPSET, name="model")
    (output,) = made.graph.output
    for node in made.graph.node:
        node.output[:] = [ANSWER if name == output.name else name for name in node.output]
    output.name = ANSWER
    # The same model is the same bytes: the translation takes these from a set.
    versions = sorted((item.domain, item.version) for item in made.opset_import)
    for item, (domain, version) in zip(made.opset_import, versions, strict=True):
        item.domain, item.version = domain, version
    content: bytes = made.SerializeToString(deterministic=True)
    return content


def asked(content: bytes, frame: pd.DataFrame) -> Vector:
    """Return what a network answers."""
    import onnxruntime  # noqa: PLC0415 - as above

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = {
        name: column.to_numpy(dtype=object if column.dtype.kind not in "fi" else np.float32)[
            :, None
        ]
        for name, column in frame.items()
    }
    (found,) = session.run([ANSWER], given)
    return np.asarray(found, dtype=float).reshape(-1)


def files(folder: Path) -> dict[str, bytes]:
    """Return the artefact's files, by name: from a folder with them, or with `model.tar.gz`.

    Raises:
        job.StepError: there is no such artefact.
    """
    archive = folder / "model.tar.gz"
    if not archive.is_file():
        found = {item.name: item.read_bytes() for item in folder.glob("*") if item.is_file()}
    else:
        found = {}
        with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as packed:
            for member in packed:
                content = packed.extractfile(member)
                if content is not None:
                    found[member.name.removeprefix("./")] = content.read()
    if missing := sorted({"model.joblib", "schema.json"} - found.keys()):
        raise job.StepError(f"the artefact in {folder} lacks {' and '.join(missing)}")
    return found


def load(folder: Path) -> tuple[Pipeline, dict[str, Any]]:
    """Return model and schema of an artefact.

    The platform has checked its hash before: what is loaded here is what this image wrote.
    """
    found = files(folder)
    return joblib.load(io.BytesIO(found["model.joblib"])), json.loads(found["schema.json"])


def _feature(column: dict[str, Any]) -> dict[str, Any]:
    feature = {"name": column["name"], "type": "number", "title": column["title"]}
    if column["type"] == "category":
        feature |= {"type": "category", "categories": column["values"]}
    return feature | ({"sensitive": True} if column.get("sensitive") else {})
