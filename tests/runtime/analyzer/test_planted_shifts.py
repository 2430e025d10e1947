"""Changes planted into traffic, and what the monitor must say of each: feature, cause, kind."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from .conftest import Run, applicants

ROWS = 3000
FAULT, SHIFT = "data_fault", "covariate_shift"


@dataclass(frozen=True)
class Planted:
    """A change, and the features and causes that must be found: these and no others."""

    name: str
    change: Callable[[pd.DataFrame, np.random.Generator], None]
    causes: dict[str, str]
    kind: str


def share(frame: pd.DataFrame, rng: np.random.Generator, part: float) -> np.ndarray:
    return rng.random(len(frame)) < part


def scaled(name: str, factor: float, offset: float = 0.0):
    def change(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        del rng
        frame[name] = frame[name] * factor + offset

    return change


def some(name: str, value: object, part: float):
    def change(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        frame.loc[share(frame, rng, part), name] = value

    return change


def swapped(first: str, second: str):
    def change(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        del rng
        frame[first], frame[second] = frame[second].copy(), frame[first].copy()

    return change


def respelled(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    del rng
    frame["region"] = frame["region"].str.upper()


def partly_scaled(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    frame.loc[share(frame, rng, 0.4), "income"] *= 1000


def poorer_northeast(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    del rng
    frame.loc[frame["region"] == "northeast", "income"] *= 0.15


def no_travel(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    there = frame["purpose"] == "travel"
    frame.loc[there, "purpose"] = rng.choice(["car", "other"], int(there.sum()))


def younger(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    frame["age"] = np.clip(rng.normal(30, 8, len(frame)), 18, 85).round()


def gradual(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    del rng
    frame["debt_ratio"] = np.clip(frame["debt_ratio"] * np.linspace(1, 2.2, len(frame)), 0, 1)


def wider(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    del rng
    frame["temperature"] = 22 + (frame["temperature"] - 22) * 2


def seasonal(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    del rng
    frame["temperature"] += 5


def more_late(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    frame["late_payments"] = rng.poisson(1.8, len(frame)).astype(float)


def two_at_once(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    younger(frame, rng)
    more_late(frame, rng)


def correlated(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """A crisis: incomes fall, and debt rises with it."""
    fall = rng.uniform(0.3, 0.9, len(frame))
    frame["income"] *= fall
    frame["debt_ratio"] = np.clip(frame["debt_ratio"] / fall, 0, 1)


def text_numbers(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    frame["income"] = frame["income"].astype(object)
    frame.loc[share(frame, rng, 0.1), "income"] = "2.500 reais"


def moved_abroad(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    frame["region"] = rng.choice(["north", "centre"], len(frame), p=[0.7, 0.3])


PLANTED = (
    Planted("cents for whole units", scaled("income", 100), {"income": "unit_change"}, FAULT),
    Planted("thousands", scaled("income", 1 / 1000), {"income": "unit_change"}, FAULT),
    Planted("percent for shares", scaled("debt_ratio", 100), {"debt_ratio": "unit_change"}, FAULT),
    Planted(
        "years for months",
        scaled("months_employed", 1 / 12),
        {"months_employed": "unit_change"},
        FAULT,
    ),
    Planted("Fahrenheit", scaled("temperature", 1.8, 32), {"temperature": "unit_change"}, FAULT),
    Planted("Kelvin", scaled("temperature", 1, 273.15), {"temperature": "unit_change"}, FAULT),
    Planted("a factor nobody knows", scaled("income", 7.3), {"income": "unit_change"}, FAULT),
    Planted("a unit changed in part", partly_scaled, {"income": "unit_change"}, FAULT),
    Planted("a turned sign", scaled("income", -1), {"income": "sign_change"}, FAULT),
    Planted(
        "swapped numbers",
        swapped("age", "debt_ratio"),
        {"age": "swapped_columns", "debt_ratio": "swapped_columns"},
        FAULT,
    ),
    Planted(
        "swapped categories",
        swapped("region", "purpose"),
        {"region": "swapped_columns", "purpose": "swapped_columns"},
        FAULT,
    ),
    Planted("-1 for unknown", some("income", -1, 0.05), {"income": "sentinel_value"}, FAULT),
    Planted("9999 for unknown", some("age", 9999, 0.03), {"age": "sentinel_value"}, FAULT),
    Planted(
        "a default within the range",
        some("debt_ratio", 0.3, 0.25),
        {"debt_ratio": "sentinel_value"},
        FAULT,
    ),
    Planted("stuck", some("temperature", 25.0, 1.0), {"temperature": "constant_value"}, FAULT),
    Planted("missing", some("income", np.nan, 0.2), {"income": "missing_values"}, FAULT),
    Planted("all missing", some("age", np.nan, 1.0), {"age": "missing_values"}, FAULT),
    Planted(
        "missing more",
        some("months_employed", np.nan, 0.1),
        {"months_employed": "missing_values"},
        FAULT,
    ),
    Planted("a missing category", some("region", None, 0.1), {"region": "missing_values"}, FAULT),
    Planted("text for numbers", text_numbers, {"income": "malformed_values"}, FAULT),
    Planted("infinities", some("income", np.inf, 0.1), {"income": "malformed_values"}, FAULT),
    Planted("another spelling", respelled, {"region": "respelled_values"}, FAULT),
    Planted("a new category", some("purpose", "boat", 0.1), {"purpose": "new_category"}, SHIFT),
    Planted("a vanished category", no_travel, {"purpose": "vanished_category"}, SHIFT),
    Planted("another mix of regions", moved_abroad, {"region": "vanished_category"}, SHIFT),
    Planted("younger applicants", younger, {"age": "shift"}, SHIFT),
    Planted("a gradual rise", gradual, {"debt_ratio": "shift"}, SHIFT),
    Planted("another spread", wider, {"temperature": "shift"}, SHIFT),
    Planted("a season", seasonal, {"temperature": "shift"}, SHIFT),
    Planted("inflation", scaled("income", 1.6), {"income": "shift"}, SHIFT),
    Planted("a subpopulation", poorer_northeast, {"income": "shift"}, SHIFT),
    Planted("more late payments", more_late, {"late_payments": "shift"}, SHIFT),
    Planted("two features", two_at_once, {"age": "shift", "late_payments": "shift"}, SHIFT),
    Planted("a crisis", correlated, {"income": "shift", "debt_ratio": "shift"}, SHIFT),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_the_cause_is_found(watch: Callable[..., Run], planted: Planted) -> None:
    frame = applicants(ROWS, seed=11)
    planted.change(frame, np.random.default_rng(12))

    run = watch(frame)

    assert run.code == 0, run.stderr
    assert run.causes == planted.causes, run.stdout
    assert {finding["kind"] for finding in run.explanation["findings"]} == {planted.kind}
    assert {v["feature_name"] for v in run.json("constraint_violations.json")["violations"]} - {
        "prediction"
    } == set(planted.causes)
