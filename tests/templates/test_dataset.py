"""The data set is the real one: Statlog (German Credit Data), Hans Hofmann, 1994, CC BY 4.0."""

import csv
import hashlib
import importlib.util
import json
from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

TEMPLATE = Path(__file__).parents[2] / "pipeline_templates" / "tabular-realtime"

SOURCE = TEMPLATE / "source" / "german.data"
DATA = TEMPLATE / "data" / "credit.csv"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_files_are_the_ones_that_were_checked() -> None:
    assert sha256(SOURCE) == "7a09e8e43bac42dbd427e12c5126bc50d95404da465f0f79956eae3243de528e"
    assert sha256(DATA) == "a91b93d5bac1b078ae9321de2af0bf05560feda78202ca16d02db329e160ef58"


def test_it_has_1000_rows_of_20_attributes_and_a_label() -> None:
    lines = [line.split() for line in SOURCE.read_text(encoding="utf-8").splitlines() if line]
    assert len(lines) == 1000
    assert {len(line) for line in lines} == {21}
    assert Counter(line[-1] for line in lines) == {"1": 700, "2": 300}


def test_its_means_are_the_published_ones(rows: list[dict[str, str]]) -> None:
    assert mean(int(row["credit_amount"]) for row in rows) == pytest.approx(3271.258)
    assert mean(int(row["duration_months"]) for row in rows) == pytest.approx(20.903)
    assert mean(int(row["age_years"]) for row in rows) == pytest.approx(35.546)


def test_its_groups_have_the_published_sizes(rows: list[dict[str, str]]) -> None:
    assert Counter(row["outcome"] for row in rows) == {"repaid": 700, "default": 300}
    # The source says 309 times "female: divorced, separated or married", never "female: single".
    assert Counter(row["sex"] for row in rows) == {"male": 691, "female": 309}
    assert Counter(row["foreign_worker"] for row in rows) == {"yes": 963, "no": 37}
    assert Counter(row["checking_status"] for row in rows) == {
        "no-account": 394,
        "below-0": 274,
        "0-to-200": 269,
        "200-or-more": 63,
    }


def test_the_readable_file_is_the_source_in_words() -> None:
    spec = importlib.util.spec_from_file_location("convert", TEMPLATE / "source" / "convert.py")
    assert spec is not None
    assert spec.loader is not None
    convert = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(convert)
    columns = json.loads((TEMPLATE / "source" / "codes.json").read_text(encoding="utf-8"))
    text = convert.convert(SOURCE.read_text(encoding="utf-8"), columns["columns"])
    assert text == DATA.read_text(encoding="utf-8")


def test_its_author_and_licence_are_named() -> None:
    text = (TEMPLATE / "data" / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for fact in ("Hans Hofmann", "10.24432/C5NC77", "Creative Commons Attribution 4.0"):
        assert fact in text


MACRO = Path(__file__).parents[2] / "pipeline_templates" / "forecast"


def test_the_series_of_the_forecast_are_the_published_ones() -> None:
    """United States Macroeconomic Data of statsmodels, public domain."""
    source = MACRO / "source" / "macrodata.csv"
    assert sha256(source) == "d93c0d3a7a77ef83c3af14e46032bb1d02ae3a512b22ab94159a8ca226fcf708"
    with (MACRO / "data" / "macro.csv").open(encoding="utf-8", newline="") as file:
        quarters = list(csv.DictReader(file))
    assert len(quarters) == 203
    assert (quarters[0]["year"], quarters[-1]["year"]) == ("1959", "2009")
    # The highest rate after the war was 10.8 % in a month, 10.7 % in a quarter: late in 1982.
    highest = max(quarters, key=lambda row: float(row["unemployment_percent"]))
    assert (highest["year"], highest["quarter"]) == ("1982", "4")
    assert float(highest["unemployment_percent"]) == pytest.approx(10.7)


def test_the_readable_series_are_the_source() -> None:
    spec = importlib.util.spec_from_file_location("convert_macro", MACRO / "source" / "convert.py")
    assert spec is not None
    assert spec.loader is not None
    convert = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(convert)
    source = (MACRO / "source" / "macrodata.csv").read_text(encoding="utf-8")
    assert convert.convert(source) == (MACRO / "data" / "macro.csv").read_text(encoding="utf-8")


def test_the_model_from_elsewhere_never_saw_the_records_that_judge_it() -> None:
    half = TEMPLATE.parent / "register-only" / "data" / "credit.csv"
    everything = DATA.read_text(encoding="utf-8").splitlines()
    assert half.read_text(encoding="utf-8").splitlines() == [everything[0], *everything[501:]]
