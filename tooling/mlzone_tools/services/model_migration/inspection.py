"""Opens one model and lets it predict; runs in the sandbox alone, with nothing to lose.

Reads `/input`: `artifact`, `rows.csv` (the features' columns) and `request.json`. Writes `/output`:
an artefact of the format `tabular/1`, unpacked, and `report.json`. The probabilities are those of
the code that serves models.
"""

import csv
import json
import pickle
import sys
import tarfile
from pathlib import Path
from typing import Any

# The sandbox shows of our code this folder and the model server's, and says where they are.
sys.path[:0] = sys.argv[1:]

from mlzone_runtime import tabular  # noqa: E402 - after the path says where
from mlzone_tools.services.model_migration import network  # noqa: E402
from mlzone_tools.services.model_migration.network import Unusable  # noqa: E402

SOURCE, TARGET = Path("/input"), Path("/output")
_PICKLES = (".joblib", ".pkl", ".pickle")
_BOOSTERS = (".json", ".ubj", ".xgb", ".bst", ".model")
_NETWORK = ".onnx"
_BOOSTER_FORMAT = "model.json"
_SAME = 1e-4
"""So far may a translated model's probabilities be from its own: single precision."""


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
        if (file.suffix in (*_PICKLES, *_BOOSTERS, _NETWORK) or file.name == "xgboost-model")
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
    if suffix == _NETWORK:
        return network.read(file.read_bytes())
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
    """Return a model's XGBoost booster, or None if it is none."""
    if not type(model).__module__.startswith("xgboost."):
        return None
    import xgboost  # noqa: PLC0415 - only where needed

    if isinstance(model, xgboost.XGBClassifier):
        return model.get_booster()
    return model if isinstance(model, xgboost.Booster) else None


def features_of(model: Any, described: list[dict[str, Any]], rows: list[Any]) -> list[Any]:
    """Return the model's features, in order; those that it names if none are described."""
    named = [str(name) for name in getattr(model, "feature_names", None) or ()] or [
        str(name) for name in getattr(model, "feature_names_in_", ())
    ]
    features = described or [{"name": name, "type": "number"} for name in named]
    if not features:
        raise Unusable("it does not name its features; describe them (column `features`)")
    names = [item["name"] for item in features]
    if named and named != names:
        raise Unusable(f"its features are {', '.join(named)}; others are described")
    if missing := [name for name in names if name not in rows[0]]:
        raise Unusable(f"the data have no column {', '.join(missing)}")
    return features


def write(model: Any, features: list[Any], rows: list[Any], request: dict[str, Any]) -> Any:
    """Write the artefact; return the model's own probabilities, or None if it is its own format."""
    booster = booster_of(model)
    if booster is not None:
        if booster.num_features() != len(features):
            raise Unusable(
                f"it has {booster.num_features()} features; {len(features)} are described"
            )
        booster.save_model(TARGET / _BOOSTER_FORMAT)
        return None
    translated = network.translated(model, features, rows, request["schema"]["positive_class"])
    (TARGET / "model.onnx").write_bytes(translated.content)
    names = [item["name"] for item in features]
    with (TARGET / "background.csv").open("w", encoding="utf-8", newline="") as text:
        background = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
        background.writeheader()
        background.writerows(network.background(rows))
    return translated.probabilities


def main() -> None:
    """Open, write in a format that is data, predict."""
    request = json.loads((SOURCE / "request.json").read_text(encoding="utf-8"))
    with (SOURCE / "rows.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    file = artifact(request)
    model = opened(file, request["name"])
    described = network.inputs(model, request["features"])
    features = features_of(model, described, rows)
    own = write(model, features, rows, request)
    schema = {"format": "tabular/1", **request["schema"], "features": features}
    (TARGET / "schema.json").write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")
    served = tabular.load(TARGET, threads=1)
    predictions = served.predict(served.schema.encode_records(rows, strict=False)).tolist()
    if not all(0 <= item <= 1 for item in predictions):
        raise Unusable("it does not predict probabilities")
    if own is not None:
        furthest = max(abs(one - other) for one, other in zip(own, predictions, strict=True))
        if not furthest <= _SAME:
            raise Unusable(f"written as ONNX it answers otherwise, by up to {furthest:.3g}")
    report = {"kind": network.kind(model), "features": features, "predictions": predictions}
    (TARGET / "report.json").write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - whatever it is, one line says it
        said = str(error).strip().splitlines() or [type(error).__name__]
        print(f"error: {said[0]}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
