"""Opens one model and lets it predict; runs in the sandbox alone, with nothing of ours to import.

Reads `/input`: `artifact`, `rows.csv` (the features' columns) and `request.json`. Writes `/output`:
`model.json` and `schema.json` in the format `tabular/1`, and `report.json`.
"""

import csv
import json
import pickle
import sys
import tarfile
from pathlib import Path
from typing import Any

SOURCE, TARGET = Path("/input"), Path("/output")
_PICKLES = (".joblib", ".pkl", ".pickle")
_BOOSTERS = (".json", ".ubj", ".xgb", ".bst", ".model")


class Unusable(Exception):  # noqa: N818 - a finding, not a malfunction
    """The model cannot be used; the message says why."""


def artifact(request: dict[str, Any]) -> Path:
    """Return the file that holds the model."""
    place = SOURCE / "artifact"
    if place.is_file():
        suffix = "".join(Path(request["name"]).suffixes[-2:])
        if suffix.endswith((".tar.gz", ".tgz")):
            folder = Path("/tmp/model")  # noqa: S108 - the sandbox's own
            with tarfile.open(place) as archive:
                archive.extractall(folder, filter="data")
            return only(folder, request)
        return place
    return only(place, request)


def only(folder: Path, request: dict[str, Any]) -> Path:
    """Return the one model file of a folder."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    wanted = [
        file
        for file in files
        if (file.suffix in (*_PICKLES, *_BOOSTERS, ".onnx") or file.name == "xgboost-model")
        and file.name != "schema.json"
    ]
    if len(wanted) != 1:
        names = ", ".join(sorted(file.name for file in wanted)) or "none"
        raise Unusable(f"it should hold one model file; it holds {names}")
    request["name"] = wanted[0].name
    return wanted[0]


def opened(file: Path, name: str) -> Any:
    """Return the model object in a file."""
    suffix = Path(name).suffix
    if suffix == ".onnx":
        raise Unusable("ONNX models cannot be served: the platform's image serves XGBoost boosters")
    if suffix == ".joblib":
        import joblib  # noqa: PLC0415 - only where needed

        return joblib.load(file)
    if suffix in _PICKLES:
        with file.open("rb") as content:
            return pickle.load(content)  # noqa: S301 - this is what the sandbox is for
    import xgboost  # noqa: PLC0415 - only where needed

    booster = xgboost.Booster()
    booster.load_model(bytearray(file.read_bytes()))
    return booster


def booster_of(model: Any) -> Any:
    """Return a model's XGBoost booster."""
    import xgboost  # noqa: PLC0415 - only where needed

    if isinstance(model, xgboost.Booster):
        return model
    if isinstance(model, xgboost.XGBClassifier):
        return model.get_booster()
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    raise Unusable(f"it is a {kind}; the platform's image serves XGBoost boosters")


def main() -> None:
    """Open, predict, write."""
    request = json.loads((SOURCE / "request.json").read_text(encoding="utf-8"))
    file = artifact(request)
    model = opened(file, request["name"])
    booster = booster_of(model)
    import xgboost  # noqa: PLC0415 - after the model said what it is

    names = booster.feature_names
    features = request["features"] or [{"name": name, "type": "number"} for name in names or []]
    if booster.num_features() != len(features):
        raise Unusable(f"it has {booster.num_features()} features; {len(features)} are described")
    if names and [item["name"] for item in features] != list(names):
        raise Unusable(f"its features are {', '.join(names)}; others are described")
    with (SOURCE / "rows.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    if missing := [item["name"] for item in features if item["name"] not in rows[0]]:
        raise Unusable(f"the data have no column {', '.join(missing)}")
    table = xgboost.DMatrix(
        [[value(row[item["name"]], item) for item in features] for row in rows],
        feature_names=[item["name"] for item in features],
        feature_types=["c" if item["type"] == "category" else "q" for item in features],
        enable_categorical=True,
        nthread=1,
    )
    predictions = [float(item) for item in booster.predict(table)]
    if not all(0 <= item <= 1 for item in predictions):
        raise Unusable("it does not predict probabilities")
    booster.save_model(TARGET / "model.json")
    schema = {"format": "tabular/1", **request["schema"], "features": features}
    (TARGET / "schema.json").write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")
    report = {
        "kind": f"{type(model).__module__}.{type(model).__qualname__}",
        "features": features,
        "predictions": predictions,
    }
    (TARGET / "report.json").write_text(json.dumps(report), encoding="utf-8")


def value(text: str, feature: dict[str, Any]) -> float:
    """Return a cell as the number that the model takes; what is unknown is missing."""
    if feature["type"] == "number":
        return float(text) if text else float("nan")
    known = feature["categories"]
    return float(known.index(text)) if text in known else float("nan")


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - whatever it is, one line says it
        said = str(error).strip().splitlines() or [type(error).__name__]
        print(f"error: {said[0]}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
