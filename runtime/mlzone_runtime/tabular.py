"""A model artefact of format `tabular/1`: what predicts, and the schema of its input.

The artefact `model.tar.gz` holds `schema.json` and the model, either `model.json`, a booster as
XGBoost writes it, or `model.onnx` with `background.csv`; both are data, no program. Serving, the
analyzer and whoever checks a version read it through this module.
"""

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

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
_BOOSTER = "model.json"
_NETWORK = "model.onnx"
_BACKGROUND = "background.csv"
_SCHEMA = "schema.json"
_KNOWN = (_SCHEMA, _BOOSTER, _NETWORK, _BACKGROUND)
Vector = npt.NDArray[np.float32]
Contributions = npt.NDArray[np.float64]


class Predictor(Protocol):
    """What predicts; safe to use from several threads."""

    @property
    def attribution(self) -> str:
        """How contributions are computed, for people."""
        ...

    def predict(self, matrix: Matrix) -> Vector:
        """Return the probability of the positive class of each of some rows, or the number."""
        ...

    def contributions(self, matrix: Matrix) -> Contributions:
        """Return the features' Shapley values of some rows, and last the expected value."""
        ...


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model in memory; safe to use from several threads."""

    schema: Schema
    predictor: Predictor

    @property
    def attribution(self) -> str:
        """How contributions are computed, for people."""
        return self.predictor.attribution

    def predict(self, matrix: Matrix) -> Vector:
        """Return the probability of the positive class of each encoded row."""
        if not len(matrix):
            return np.empty(0, dtype=np.float32)
        return self.predictor.predict(matrix)

    def contributions(self, matrix: Matrix) -> Contributions:
        """Return Shapley values of encoded rows, in the schema's unit.

        Returns:
            One row each, one column a feature, and last the expected value; a row's sum is the
            log odds of its probability, or of numbers the answer.
        """
        if not len(matrix):
            return np.empty((0, len(self.schema.features) + 1))
        return self.predictor.contributions(matrix)


def load(place: Path, *, threads: int = 0) -> Model:
    """Return the model in a folder or an archive.

    Args:
        place: a folder with the artefact's files or with `model.tar.gz`, or the archive itself.
        threads: how many a prediction uses; 0: one a core. For single rows one is far faster.

    Raises:
        ArtifactError: it holds no model of this format.
    """
    files = _files(place)
    if _SCHEMA not in files:
        raise ArtifactError(f"{place}: no model artefact: it holds no {_SCHEMA}")
    schema = parse_schema(files[_SCHEMA])
    try:
        return Model(schema=schema, predictor=_predictor(files, schema, threads))
    except ArtifactError as error:
        raise ArtifactError(f"{place}: {error}") from error


def _predictor(files: dict[str, bytes], schema: Schema, threads: int) -> Predictor:
    # What predicts is imported here: nobody waits for the kind that they do not have.
    found = [name for name in (_BOOSTER, _NETWORK) if name in files]
    if len(found) != 1:
        both = " and ".join(found) or "neither"
        raise ArtifactError(f"it should hold {_BOOSTER} or {_NETWORK}; it holds {both}")
    if found == [_BOOSTER]:
        from mlzone_runtime.tabular_xgboost import Booster  # noqa: PLC0415 - see above

        return Booster.load(files[_BOOSTER], schema, threads)
    if _BACKGROUND not in files:
        raise ArtifactError(f"{_NETWORK} needs {_BACKGROUND}")
    from mlzone_runtime.tabular_onnx import Network  # noqa: PLC0415 - see above

    return Network.load(files[_NETWORK], schema, files[_BACKGROUND], threads)


def _files(place: Path) -> dict[str, bytes]:
    if place.is_dir() and (place / MODEL_ARCHIVE).is_file():
        place = place / MODEL_ARCHIVE
    try:
        if place.is_dir():
            return {n: (place / n).read_bytes() for n in _KNOWN if (place / n).is_file()}
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
                if name in _KNOWN and content is not None:
                    found[name] = content.read()
    except tarfile.TarError as error:
        raise ArtifactError(f"{place} is no archive: {error}") from error
    return found
