"""The data is what the contract says, and a breach stops the pipeline."""

import json
from pathlib import Path
from typing import Any

import pytest

import contract
import job
import prepare
from delivery import compiling

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def given(sources: compiling.Sources) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(sources.code.files["settings.json"])
    return loaded


@pytest.fixture
def rows() -> list[job.Row]:
    return job.read_table(DATA)


def test_the_projects_data_meets_its_contract(rows: list[job.Row], given: dict[str, Any]) -> None:
    assert contract.violations(rows, given["contract"]) == []
    assert prepare.unmet_expectations(rows, given) == []


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("credit_amount", "", "credit_amount is missing in row 3"),
        ("credit_amount", "much", "credit_amount is no number: 'much' in row 3"),
        ("credit_amount", "nan", "credit_amount is no number: 'nan' in row 3"),
        ("credit_amount", "-5", "credit_amount is out of range: -5 in row 3"),
        ("age_years", "30.5", "age_years is no integer: '30.5' in row 3"),
        ("purpose", "boat", "purpose has an unknown value: 'boat' in row 3"),
    ],
)
def test_a_bad_cell_is_named(
    rows: list[job.Row], given: dict[str, Any], column: str, value: str, problem: str
) -> None:
    rows[2][column] = value
    assert contract.violations(rows, given["contract"]) == [problem]


def test_many_bad_cells_of_a_column_make_one_line(
    rows: list[job.Row], given: dict[str, Any]
) -> None:
    for row in rows[:5]:
        row["purpose"] = "boat"
    assert contract.violations(rows, given["contract"]) == [
        "purpose has an unknown value: 'boat' in row 1 and 4 more"
    ]


def test_columns_must_be_those_of_the_contract(rows: list[job.Row], given: dict[str, Any]) -> None:
    renamed = [
        {("amount" if k == "credit_amount" else k): v for k, v in row.items()} for row in rows
    ]
    assert contract.violations(renamed, given["contract"]) == [
        "column credit_amount is not there",
        "column amount is not in the contract",
    ]


def test_too_few_rows_or_too_many_repeated_ones_stop_it(
    rows: list[job.Row], given: dict[str, Any]
) -> None:
    least = given["contract"]["rows"]["min"]
    assert prepare.unmet_expectations(rows[:10], given) == [
        f"got 10 rows; expected at least {least}"
    ]
    assert prepare.unmet_expectations(rows + rows[:100], given) == ["100 rows repeat another one"]


def test_a_row_stays_in_its_part_when_data_is_added(
    rows: list[job.Row], given: dict[str, Any]
) -> None:
    split = given["model"]["split"]
    assert [prepare.part(row, split) for row in rows] == [
        prepare.part(row, split) for row in [*rows, dict(rows[0], age_years="99")][:-1]
    ]
