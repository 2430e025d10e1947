"""A model artefact of format `tabular/1`: an XGBoost booster and the schema of its input.

The artefact `model.tar.gz` holds `model.json`, the booster as XGBoost writes it (no pickle), and
`schema.json`. Serving, the analyzer and whoever checks a version read it through this module.
"""

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlzone_runtime.tabular_schema import (
    FORMAT,
    ArtifactError,
    Feature,
    InvalidValueError,
    Matrix,
    Schema,
    parse_schema,
    read_schema,
)
from mlzone_runtime.tabular_xgboost import xgboost

__all__ = [
    "FORMAT",
    "MODEL_ARCHIVE",
    "ArtifactError",
    "Feature",
    "InvalidValueError",
    "Matrix",
    "Model",
    "Schema",
    "load",
    "parse_schema",
    "read_schema",
]

MODEL_ARCHIVE = "model.tar.gz"
_MODEL = "model.json"
_SCHEMA = "schema.json"
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model in memory; safe to use from several threads."""

    schema: Schema
    booster: Any

    def predict(self, matrix: Matrix) -> Vector:
        """Return the probability of the positive class of each encoded row."""
        if not len(matrix):
            return np.empty(0, dtype=np.float32)
        result = self.booster.inplace_predict(matrix, validate_features=False)
        return np.asarray(result, dtype=np.float32)

    def contributions(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """Return exact TreeSHAP values of encoded rows, in log odds.

        Returns:
            One row each, one column a feature, and last the expected value; a row's sum is the
            log odds of its probability.
        """
        if not len(matrix):
            return np.empty((0, len(self.schema.features) + 1))
        data = xgboost.DMatrix(
            matrix,
            feature_names=self.schema.names,
            feature_types=self.schema.types,
            enable_categorical=True,
        )
        return np.asarray(self.booster.predict(data, pred_contribs=True), dtype=np.float64)


def load(place: Path, *, threads: int = 0) -> Model:
    """Return the model in a folder or an archive.

    Args:
        place: a folder with the artefact's files or with `model.tar.gz`, or the archive itself.
        threads: how many a prediction uses; 0: one a core. For single rows one is far faster.

    Raises:
        ArtifactError: it holds no model of this format.
    """
    files = _files(place)
    schema = parse_schema(files[_SCHEMA])
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(files[_MODEL]))
    except xgboost.core.XGBoostError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ArtifactError(f"{place}: {_MODEL} is no booster: {reason}") from error
    booster.set_param({"nthread": threads})
    if booster.num_features() != len(schema.features):
        raise ArtifactError(
            f"{place}: the booster has {booster.num_features()} features, "
            f"{_SCHEMA} {len(schema.features)}"
        )
    if booster.feature_names is not None and booster.feature_names != schema.names:
        raise ArtifactError(f"{place}: booster and {_SCHEMA} name other features")
    return Model(schema=schema, booster=booster)


def _files(place: Path) -> dict[str, bytes]:
    if place.is_dir() and (place / MODEL_ARCHIVE).is_file():
        place = place / MODEL_ARCHIVE
    try:
        if place.is_dir():
            return {name: (place / name).read_bytes() for name in (_MODEL, _SCHEMA)}
        return _members(place.read_bytes(), place)
    except OSError as error:
        raise ArtifactError(f"{place}: no model artefact: {error}") from error


def _members(data: bytes, place: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                content = archive.extractfile(member) if member.isfile() else None
                if name in (_MODEL, _SCHEMA) and content is not None:
                    found[name] = content.read()
    except tarfile.TarError as error:
        raise ArtifactError(f"{place} is no archive: {error}") from error
    for name in (_MODEL, _SCHEMA):
        if name not in found:
            raise ArtifactError(f"{place} holds no {name}")
    return found
