"""Changes planted into what becomes true and into whom the model is asked about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .conftest import closed_cases

Change = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


@dataclass(frozen=True)
class PlantedOutcome:
    """A change, the monitor that must find it, and what that must say."""

    name: str
    monitor: str
    change: Change
    expected: str

    def planted(self, rows: int) -> pd.DataFrame:
        """Draw cases and change them."""
        return self.change(closed_cases(rows, seed=61), np.random.default_rng(62))


def said(explanation: dict[str, Any]) -> str:
    """Return what an explanation says first, in the words of `expected`."""
    if not explanation["findings"]:
        return "nothing"
    first = explanation["findings"][0]
    if first["kind"] == "bias_drift":
        return f"bias_drift of {first['group']}"
    if first["kind"] == "attribution_drift":
        return f"attribution_drift of {first['feature']}"
    segment = first["segment"]
    return (
        f"{first['kind']} in {segment['feature']} {segment['value']}" if segment else first["kind"]
    )


def flipped(cases: pd.DataFrame, where: np.ndarray) -> pd.DataFrame:
    """Turn outcomes round."""
    turned = np.where(cases["default"] == "default", "repaid", "default")
    return cases.assign(default=np.where(where, turned, cases["default"]))


def some_flipped(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return flipped(cases, rng.random(len(cases)) < 0.3)


def flipped_in_a_region(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    del rng
    return flipped(cases, (cases["region"] == "southeast").to_numpy())


def flipped_for_homes(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    del rng
    return flipped(cases, (cases["purpose"] == "home").to_numpy())


def a_recession(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    paid = (cases["default"] == "repaid").to_numpy()
    return flipped(cases, paid & (rng.random(len(cases)) < 0.25))


def women_repay(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    there = ((cases["sex"] == "female") & (cases["default"] == "default")).to_numpy()
    return flipped(cases, there & (rng.random(len(cases)) < 0.7))


def the_young_default(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    there = ((cases["age"] <= 35) & (cases["default"] == "repaid")).to_numpy()
    return flipped(cases, there & (rng.random(len(cases)) < 0.6))


def long_employed(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    months = rng.integers(150, 400, len(cases)).astype(float)
    return cases.assign(income=2500.0, late_payments=1.0, months_employed=months)


def nothing(cases: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    del rng
    return cases


PLANTED = (
    PlantedOutcome("label flip", "model-quality", some_flipped, "concept_drift"),
    PlantedOutcome(
        "label flip in a region",
        "model-quality",
        flipped_in_a_region,
        "concept_drift in region southeast",
    ),
    PlantedOutcome(
        "label flip for a purpose",
        "model-quality",
        flipped_for_homes,
        "concept_drift in purpose home",
    ),
    PlantedOutcome("a recession", "model-quality", a_recession, "concept_drift"),
    PlantedOutcome("women repay", "bias", women_repay, "bias_drift of sex"),
    PlantedOutcome("the young default", "bias", the_young_default, "bias_drift of age"),
    PlantedOutcome(
        "other applicants",
        "explainability",
        long_employed,
        "attribution_drift of months_employed",
    ),
    *(
        PlantedOutcome(f"nothing, for {kind}", kind, nothing, "nothing")
        for kind in ("model-quality", "bias", "explainability")
    ),
)
