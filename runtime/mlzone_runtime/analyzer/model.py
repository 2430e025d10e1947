"""The model under watch: predictions and contributions for a table's records."""

import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.table import FloatArray, Table
from mlzone_runtime.tabular_schema import ArtifactError, Feature, Schema, parse_schema

ARCHIVE = "model.tar.gz"


@dataclass(frozen=True)
class WatchedModel:
    """A model artefact, asked by whole columns."""

    _model: Any

    @classmethod
    def load(cls, place: Path) -> Self:
        """Load the artefact in a folder.

        What predicts is imported here: an analysis that needs no model does not wait for it.

        Raises:
            AnalysisError: It is no artefact of the known format.
        """
        from mlzone_runtime import tabular  # noqa: PLC0415 - see above

        try:
            return cls(tabular.load(place))
        except ArtifactError as error:
            raise AnalysisError(f"model artefact: {error}") from error

    @property
    def schema(self) -> Schema:
        """What the model expects."""
        schema: Schema = self._model.schema
        return schema

    @property
    def attribution(self) -> str:
        """How contributions are computed, for people."""
        said: str = self._model.attribution
        return said

    def probabilities(self, table: Table) -> FloatArray:
        """Return the probability of the positive class of each record."""
        found = self._model.predict(encode(self.schema.features, table))
        return np.asarray(found, dtype=np.float64)

    def contributions(self, table: Table) -> FloatArray:
        """Return Shapley values in the schema's unit: a row a record, a column a feature.

        The last column is the expected value; a row's sum is the log odds of its probability, or
        of numbers the answer.
        """
        found = self._model.contributions(encode(self.schema.features, table))
        return np.asarray(found, dtype=np.float64)


def encode(features: tuple[Feature, ...], table: Table) -> NDArray[np.float32]:
    """Return a table as the numbers that the model takes, as `Schema.encode` does by row."""
    matrix = np.empty((table.rows, len(features)), dtype=np.float32)
    for place, feature in enumerate(features):
        if feature.kind == "number":
            matrix[:, place] = table.number(feature.name).numbers
        else:
            column = table.category(feature.name)
            known = {value: float(code) for code, value in enumerate(feature.categories)}
            codes = [known.get(label, np.nan) for label in column.labels]
            matrix[:, place] = np.array([*codes, np.nan], dtype=np.float32)[column.codes]
    return matrix


def read_schema(archive: Path) -> Schema:
    """Read only the schema of an artefact: nothing of XGBoost is needed for it.

    Raises:
        AnalysisError: It is no artefact of the known format.
    """
    try:
        with tarfile.open(archive) as opened:
            member = next(
                (item for item in opened if item.name.removeprefix("./") == "schema.json"), None
            )
            content = opened.extractfile(member) if member else None
            if content is None:
                raise AnalysisError(f"{archive} holds no schema.json")
            return parse_schema(content.read())
    except (tarfile.TarError, OSError, ArtifactError) as error:
        raise AnalysisError(f"model artefact {archive}: {error}") from error
