"""Examples hold what was known in their period, and nothing of what came later."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import contract
import job
import series
from delivery import compiling

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def given(sources: compiling.Sources) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(sources.code.files["settings.json"])
    return loaded


@pytest.fixture
def rows() -> list[job.Row]:
    return job.read_table(DATA)


def test_the_projects_series_meet_their_contract(
    rows: list[job.Row], given: dict[str, Any]
) -> None:
    assert contract.violations(rows, given["contract"]) == []
    assert series.gaps(rows, given) == []


def test_a_missing_quarter_is_named(rows: list[job.Row], given: dict[str, Any]) -> None:
    del rows[9]
    assert series.gaps(rows, given) == ["row 10 is 1961-3, which does not follow 1961-1"]


def test_features_are_what_they_say(rows: list[job.Row], given: dict[str, Any]) -> None:
    first = series.examples(rows, given)[0]
    assert first["period"] == "1960-1"
    assert float(first["unemployment"]) == pytest.approx(5.2)
    assert float(first["unemployment_change_4"]) == pytest.approx(5.2 - 5.8)
    # A hundred times the logarithm of 2847.699 by 2710.349.
    assert float(first["gdp_growth_4"]) == pytest.approx(4.9435, abs=1e-3)
    assert float(first[series.OUTCOME]) == pytest.approx(0.068)


def test_no_feature_looks_ahead(rows: list[job.Row], given: dict[str, Any]) -> None:
    changed = copy.deepcopy(rows)
    for row in changed[100:]:
        row["unemployment_percent"] = row["real_gdp"] = row["treasury_bill_percent"] = "50"
    names = [feature["name"] for feature in given["model"]["features"]]
    before, after = (series.examples(table, given)[:96] for table in (rows, changed))
    assert before[-1]["period"] == "1983-4"
    assert [[row[n] for n in names] for row in before] == [[row[n] for n in names] for row in after]


def test_what_is_not_known_yet_has_no_outcome(rows: list[job.Row], given: dict[str, Any]) -> None:
    made = series.examples(rows, given)
    assert [row["period"] for row in made if not row[series.OUTCOME]] == [
        "2008-4",
        "2009-1",
        "2009-2",
        "2009-3",
    ]
