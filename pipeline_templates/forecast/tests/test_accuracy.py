"""The metrics agree with their definitions on numbers that can be checked by hand."""

import numpy as np
import pytest

import accuracy
from forecasting import Backtest

FOUND = Backtest(
    periods=["2001-1", "2001-2"],
    origins=[80, 80],
    forecasts=np.array([0.05, 0.07]),
    naive=np.array([0.04, 0.04]),
    truth=np.array([0.06, 0.06]),
)


def test_the_error_is_held_against_that_of_a_forecast_of_no_change() -> None:
    assert accuracy.mean_absolute_error(FOUND.forecasts, FOUND.truth) == pytest.approx(0.01)
    assert accuracy.error_ratio(FOUND) == pytest.approx(0.5)


def test_large_errors_weigh_more_in_the_root_of_the_mean_square() -> None:
    error = accuracy.root_mean_squared_error(np.array([0.0, 0.0]), np.array([0.03, 0.01]))
    assert error == pytest.approx(np.sqrt((0.0009 + 0.0001) / 2))


def test_a_series_that_never_changes_gains_nothing_from_a_model() -> None:
    same = np.array([0.05, 0.05])
    still = Backtest(periods=["a", "b"], origins=[1, 1], forecasts=same, naive=same, truth=same)
    assert accuracy.error_ratio(still) == 0
    worse = Backtest(
        periods=["a"], origins=[1], forecasts=same[:1] + 1, naive=same[:1], truth=same[:1]
    )
    assert accuracy.error_ratio(worse) == 1


def test_the_report_has_a_row_for_each_forecast() -> None:
    document = accuracy.report(FOUND)
    assert document["backtest"]["origins"] == 1
    assert document["backtest"]["bias"] == pytest.approx(0)
    assert document["backtest"]["rows"][1] == {
        "made_in": "2001-2",
        "known": 80,
        "forecast": 0.07,
        "truth": 0.06,
    }
