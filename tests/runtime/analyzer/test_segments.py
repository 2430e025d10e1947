"""A shift of one segment is placed there; a shift of everybody is placed nowhere."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from .conftest import Run, applicants


def poorer_northeast(frame: pd.DataFrame) -> str:
    frame.loc[frame["region"] == "northeast", "income"] *= 0.15
    return "income"


def poorer_young(frame: pd.DataFrame) -> str:
    frame.loc[frame["age"] <= 34, "income"] *= 0.15
    return "income"


def no_history_in_the_south(frame: pd.DataFrame) -> str:
    frame.loc[frame["region"] == "south", "months_employed"] = np.nan
    return "months_employed"


def other_purposes_of_the_indebted(frame: pd.DataFrame) -> str:
    frame.loc[frame["debt_ratio"] > 0.37, "purpose"] = "travel"
    return "purpose"


@pytest.mark.parametrize(
    ("change", "feature", "rule"),
    [
        (poorer_northeast, "region", "region is 'northeast'"),
        (poorer_young, "age", "age is at most 3"),
        (no_history_in_the_south, "region", "region is 'south'"),
        (other_purposes_of_the_indebted, "debt_ratio", "debt ratio is above 0.3"),
    ],
)
def test_the_segment_is_found(
    watch: Callable[..., Run], change: Callable[[pd.DataFrame], str], feature: str, rule: str
) -> None:
    frame = applicants(3000, seed=71)
    moved = change(frame)

    run = watch(frame)

    (finding,) = run.explanation["findings"]
    segment = finding["segment"]
    assert finding["feature"] == moved
    assert segment["feature"] == feature
    assert segment["rule"].startswith(rule)
    assert segment["distance_inside"] > 2 * segment["distance_outside"]
    assert segment["rule"] in finding["sentence"]


@pytest.mark.parametrize("seed", range(72, 77))
def test_a_shift_of_everybody_has_no_segment(watch: Callable[..., Run], seed: int) -> None:
    frame = applicants(3000, seed=seed)
    frame["income"] *= 0.5

    run = watch(frame)

    assert run.causes == {"income": "shift"}
    assert run.explanation["findings"][0]["segment"] is None
