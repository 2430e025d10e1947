"""What state alarms are in, by CloudWatch's documentation."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlzone_cloud.compute.alarms import composite_rule
from mlzone_cloud.compute.alarms.evaluation import (
    Datum,
    Settings,
    judge,
    next_change,
    period_values,
    supports,
)

NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)


def settings(**more: Any) -> Settings:
    return Settings(
        **{
            "statistic": "Sum",
            "period": timedelta(minutes=5),
            "comparison": "GreaterThanThreshold",
            "threshold": 0.0,
            "periods": 1,
            "to_alarm": 1,
            "missing": "missing",
            **more,
        }
    )


def data(*values: tuple[float, float]) -> list[Datum]:
    """Return data from minutes ago and values."""
    return [Datum.of(NOW - timedelta(minutes=ago), value) for ago, value in values]


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("Sum", 10.0),
        ("Average", 2.5),
        ("Minimum", 1.0),
        ("Maximum", 4.0),
        ("SampleCount", 4.0),
        ("p50", 2.5),
        ("p100", 4.0),
    ],
)
def test_statistics(statistic: str, expected: float) -> None:
    found = period_values(
        settings(statistic=statistic), data((0, 1), (1, 2), (2, 3), (3, 4), (9, 99)), NOW
    )

    assert found == (expected,)


def test_sets_of_values_count_as_what_they_sum_up() -> None:
    summed = Datum(NOW, total=12, count=4, low=1, high=7)

    average = period_values(settings(statistic="Average"), [summed, Datum.of(NOW, 8)], NOW)

    assert average == (4.0,)


@pytest.mark.parametrize(
    ("comparison", "states"),
    [
        ("GreaterThanThreshold", "OOA"),
        ("GreaterThanOrEqualToThreshold", "OAA"),
        ("LessThanThreshold", "AOO"),
        ("LessThanOrEqualToThreshold", "AAO"),
    ],
)
def test_comparisons(comparison: str, states: str) -> None:
    alarm = settings(comparison=comparison, threshold=2.0)

    found = [judge(alarm, data((0, value)), NOW, "OK").state for value in (1, 2, 3)]

    assert "".join(state[0] for state in found) == states


# Periods from the oldest to the newest: 0 is fine, X breaching, - without data.
@pytest.mark.parametrize(
    ("pattern", "to_alarm", "missing", "state"),
    [
        ("0X0", 1, "missing", "ALARM"),
        ("0X0", 2, "missing", "OK"),
        ("XX0", 2, "missing", "ALARM"),
        ("0-X", 3, "missing", "OK"),
        ("--X", 3, "missing", "ALARM"),
        ("--0", 3, "missing", "OK"),
        ("---", 3, "missing", "INSUFFICIENT_DATA"),
        ("---", 3, "ignore", "before"),
        ("--X", 3, "ignore", "before"),
        ("--X", 1, "ignore", "ALARM"),
        ("---", 3, "breaching", "ALARM"),
        ("--0", 2, "breaching", "ALARM"),
        ("--0", 3, "breaching", "OK"),
        ("---", 3, "notBreaching", "OK"),
        ("--X", 1, "notBreaching", "ALARM"),
        ("-XX", 3, "notBreaching", "OK"),
    ],
)
def test_m_of_n_and_missing_data(pattern: str, to_alarm: int, missing: str, state: str) -> None:
    alarm = settings(periods=3, to_alarm=to_alarm, missing=missing)
    values = [
        ((2 - place) * 5, 1.0 if mark == "X" else 0.0)
        for place, mark in enumerate(pattern)
        if mark != "-"
    ]

    assert judge(alarm, data(*values), NOW, "before").state == state


def test_the_reason_is_worded_as_cloudwatch_does() -> None:
    verdict = judge(settings(), data((0, 5)), NOW, "OK")

    assert verdict.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [5.0] was greater than the threshold "
        "(0.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )


def test_a_value_stops_counting_when_its_period_has_passed() -> None:
    alarm, values = settings(missing="notBreaching"), data((0, 5))

    moment = next_change(alarm, values, NOW)

    assert moment is not None
    assert timedelta(minutes=5) <= moment - NOW <= timedelta(minutes=6)
    assert judge(alarm, values, moment - timedelta(minutes=2), "OK").state == "ALARM"
    assert judge(alarm, values, moment, "ALARM").state == "OK"
    assert next_change(alarm, values, moment) is None


def test_what_can_be_evaluated() -> None:
    assert supports("LessThanThreshold", "p99.9")
    assert not supports("LessThanThreshold", "pretty")
    assert not supports("GreaterThanUpperThreshold", "Sum")


STATES = {"a": "ALARM", "b": "OK", "with space": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ALARM(a)", True),
        ('ALARM("a")', True),
        ("ALARM(b)", False),
        ("OK(b) AND ALARM(a)", True),
        ("OK(a) OR ALARM(b)", False),
        ("NOT ALARM(b)", True),
        ('INSUFFICIENT_DATA("with space") AND NOT (OK(a) OR FALSE)', True),
        ("FALSE OR TRUE AND FALSE", False),
        ("ALARM(nobody)", False),
    ],
)
def test_composite_rules(rule: str, expected: bool) -> None:
    condition = composite_rule.parse(rule)

    assert condition(lambda name: STATES.get(name, "")) is expected


@pytest.mark.parametrize(
    "rule", ["", "ALARM", "ALARM(a", "(ALARM(a)", "ALARM(a) OK(b)", "AND", "?"]
)
def test_what_is_no_rule(rule: str) -> None:
    with pytest.raises(composite_rule.RuleError):
        composite_rule.parse(rule)
