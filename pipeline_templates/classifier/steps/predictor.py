"""What is judged: the booster that the training step wrote."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import job
import model


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """A model and what it expects."""

    booster: model.xgboost.Booster
    document: dict[str, Any]
    attribution: str = "exact TreeSHAP"

    def probabilities(self, rows: list[job.Row]) -> model.Vector:
        """Return the probability of the positive class of each row."""
        return self.booster.predict(model.data(rows, self.document["features"])).astype(float)

    def contributions(self, rows: list[job.Row]) -> model.Vector:
        """Return Shapley values, in log odds: a column a feature, and last the expected value."""
        return model.contributions(self.booster, model.data(rows, self.document["features"]))


def load(folder: Path) -> Predictor:
    """Return the model in a folder with `model.tar.gz`."""
    booster, document = model.load(folder)
    return Predictor(booster=booster, document=document)
