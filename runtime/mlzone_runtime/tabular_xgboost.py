"""Boosters of XGBoost, and XGBoost itself, imported without scikit-learn.

XGBoost imports scikit-learn where it is installed, for its scikit-learn interface: two seconds of
start-up that nothing here needs. While the import runs, scikit-learn counts as not installed;
afterwards others import it as usual. In such a process `xgboost.XGBClassifier` does not work.
"""

import sys
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mlzone_runtime.tabular_schema import ArtifactError, Matrix, Schema

_ABSENT = "sklearn"

if _ABSENT in sys.modules:
    import xgboost
else:
    sys.modules[_ABSENT] = None  # type: ignore[assignment] # how Python marks a module as absent
    try:
        import xgboost
    finally:
        del sys.modules[_ABSENT]

__all__ = ["Booster", "xgboost"]


@dataclass(frozen=True, kw_only=True)
class Booster:
    """Predicts with a booster's trees."""

    booster: Any
    schema: Schema
    attribution: str = "exact TreeSHAP"

    @classmethod
    def load(cls, content: bytes, schema: Schema, threads: int) -> Self:
        """Load what XGBoost wrote as `model.json`.

        Raises:
            ArtifactError: it is no booster, or one that expects other features.
        """
        booster = xgboost.Booster()
        try:
            booster.load_model(bytearray(content))
        except xgboost.core.XGBoostError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ArtifactError(f"model.json is no booster: {reason}") from error
        booster.set_param({"nthread": threads})
        if booster.num_features() != len(schema.features):
            raise ArtifactError(
                f"the booster has {booster.num_features()} features, "
                f"schema.json {len(schema.features)}"
            )
        if booster.feature_names is not None and booster.feature_names != schema.names:
            raise ArtifactError("booster and schema.json name other features")
        return cls(booster=booster, schema=schema)

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float32]:
        """Return the probability of the positive class of each row."""
        result = self.booster.inplace_predict(matrix, validate_features=False)
        return np.asarray(result, dtype=np.float32)

    def contributions(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """Return exact TreeSHAP values of the trees' sum, and last the expected value.

        The sum is the log odds of a probability, or of numbers the answer.
        """
        data = xgboost.DMatrix(
            matrix,
            feature_names=self.schema.names,
            feature_types=self.schema.types,
            enable_categorical=True,
        )
        return np.asarray(self.booster.predict(data, pred_contribs=True), dtype=np.float64)
