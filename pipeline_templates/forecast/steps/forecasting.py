"""Fits a forecast, and tests it as time would have: by a rolling origin.

XGBoost's logistic loss takes shares as well as classes, so that every forecast is a share, and its
explanation is in log odds as a classifier's is.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import job
import model
import series
from model import Vector


@dataclass(frozen=True, kw_only=True)
class Backtest:
    """Forecasts that were made without knowing what came."""

    periods: list[str]
    """When each forecast was made."""
    origins: list[int]
    """After so many examples the model of each forecast was trained."""
    forecasts: Vector
    naive: Vector
    """What is forecast if nothing changes."""
    truth: Vector
    rows: list[job.Row] = field(default_factory=list)
    """The examples: what was known of each period, and what came."""

    def table(self, name: str) -> list[job.Row]:
        """Return its rows, with each forecast under a name."""
        return [
            {**row, name: f"{forecast:.8g}"}
            for row, forecast in zip(self.rows, self.forecasts.tolist(), strict=True)
        ]


def fit(rows: list[job.Row], given: dict[str, Any]) -> model.xgboost.Booster:
    """Return a model of examples; the same rows and settings give the same bytes."""
    training = given["model"]["training"]
    shares = outcomes(rows)
    return model.xgboost.train(
        {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "nthread": 1,
            "base_score": round(float(shares.mean()), 6),
            **training["parameters"],
        },
        model.data(rows, series.features(given), shares),
        num_boost_round=training["rounds"],
        verbose_eval=False,
    )


def schema(given: dict[str, Any]) -> dict[str, Any]:
    """Return the artefact's `schema.json`: what becomes true is a share, so many periods later."""
    settings = given["model"]
    return {
        **model.schema(given, series.features(given), settings["threshold"]),
        "task": "forecast",
        "target": series.OUTCOME,
        "horizon": settings["horizon"],
        "no_change": {"feature": current(settings), "factor": 1 / series.PERCENT},
    }


def current(settings: dict[str, Any]) -> str:
    """Return the feature that is the target's own value: what a forecast of no change says."""
    return str(next(f["name"] for f in settings["features"] if _is_target(f, settings)))


def outcomes(rows: list[job.Row]) -> Vector:
    """Return what became of the target, as shares."""
    return np.array([float(row[series.OUTCOME]) for row in rows])


def backtest(rows: list[job.Row], given: dict[str, Any]) -> Backtest:
    """Step through time: train on what was known, forecast the next periods.

    Raises:
        job.StepError: there are too few examples to begin with.
    """
    settings = given["model"]
    horizon, step = settings["horizon"], settings["backtest"]["step"]
    first = int(len(rows) * settings["backtest"]["first_share"])
    if first - horizon < horizon or first >= len(rows):
        raise job.StepError(
            f"{len(rows)} examples are too few for a back-test over {horizon} periods"
        )
    same = current(settings)
    periods, origins, forecasts = [], [], []
    for start in range(first, len(rows), step):
        known = start - horizon + 1
        booster = fit(rows[:known], given)
        ahead = rows[start : start + step]
        forecasts += booster.predict(model.data(ahead, series.features(given))).tolist()
        periods += [row["period"] for row in ahead]
        origins += [known] * len(ahead)
    tested = rows[first:]
    return Backtest(
        periods=periods,
        origins=origins,
        forecasts=np.array(forecasts),
        naive=np.array([float(row[same]) / series.PERCENT for row in tested]),
        truth=outcomes(tested),
        rows=tested,
    )


def _is_target(feature: dict[str, Any], settings: dict[str, Any]) -> bool:
    plain = "change" not in feature and "growth" not in feature
    return plain and feature["of"] == settings["target"]
