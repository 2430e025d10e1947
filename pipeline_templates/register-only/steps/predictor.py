"""What is judged: a model that was trained elsewhere, an XGBoost booster or a network in ONNX."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import job
import model
import network


class Predictor(Protocol):
    """A model and what it expects."""

    @property
    def document(self) -> dict[str, Any]:
        """The artefact's `schema.json`."""
        ...

    @property
    def attribution(self) -> str:
        """How contributions are computed, for people."""
        ...

    def probabilities(self, rows: list[job.Row]) -> model.Vector:
        """Return the probability of the positive class of each row."""
        ...

    def contributions(self, rows: list[job.Row]) -> model.Vector:
        """Return Shapley values, in log odds: a column a feature, and last the expected value."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Booster:
    booster: model.xgboost.Booster
    document: dict[str, Any]
    attribution: str = "exact TreeSHAP"

    def probabilities(self, rows: list[job.Row]) -> model.Vector:
        return self.booster.predict(model.data(rows, self.document["features"])).astype(float)

    def contributions(self, rows: list[job.Row]) -> model.Vector:
        return model.contributions(self.booster, model.data(rows, self.document["features"]))


@dataclass(frozen=True, kw_only=True)
class _Network:
    session: Any
    document: dict[str, Any]
    background: model.Matrix
    attribution: str = "sampled Shapley"

    def probabilities(self, rows: list[job.Row]) -> model.Vector:
        matrix = model.encode(rows, self.document["features"])
        return network.probabilities(self.session, matrix, self.document["features"])

    def contributions(self, rows: list[job.Row]) -> model.Vector:
        def log_odds(matrix: model.Matrix) -> model.Vector:
            found = network.probabilities(self.session, matrix, self.document["features"])
            return network.log_odds(found)

        matrix = model.encode(rows, self.document["features"])
        return network.sampled_contributions(log_odds, matrix, self.background)


def load(folder: Path) -> Predictor:
    """Return the model in a folder with `model.tar.gz`.

    Raises:
        job.StepError: there is none.
    """
    found = model.files(folder)
    if "model.json" in found:
        booster, document = model.load(folder)
        return _Booster(booster=booster, document=document)
    if missing := [name for name in ("model.onnx", "background.csv") if name not in found]:
        raise job.StepError(f"the artefact holds no model.json, and no {', '.join(missing)}")
    document = json.loads(found["schema.json"])
    records = list(csv.DictReader(io.StringIO(found["background.csv"].decode())))
    return _Network(
        session=network.session(found["model.onnx"]),
        document=document,
        background=np.asarray(model.encode(records, document["features"])),
    )
