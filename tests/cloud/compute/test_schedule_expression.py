"""When schedules fire, by examples from AWS's documentation and from a calendar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlzone_cloud.compute.schedule_expression import check, next_fire

# Thursday
NOW = datetime(2026, 11, 19, 10, 30, 20, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(expression: str, count: int, after: datetime = NOW, timezone: str = "UTC") -> list[str]:
    """Return the next moments, as text."""
    found: list[str] = []
    for _ in range(count):
        moment = next_fire(expression, after, timezone=timezone)
        if moment is None:
            break
        found.append(f"{moment:%Y-%m-%d %H:%M}")
        after = moment
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 * ? * * *)", ["2026-11-19 11:00", "2026-11-19 12:00"]),
        ("cron(0 10 * * ? *)", ["2026-11-20 10:00", "2026-11-21 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-11-19 12:15", "2026-11-20 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-11-19 18:00", "2026-11-20 18:00", "2026-11-23 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-12-01 08:00", "2027-01-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-11-19 10:45", "2026-11-19 11:00"]),
        ("cron(0/30 20-2 ? * MON-FRI *)", ["2026-11-19 20:00", "2026-11-19 20:30"]),
        ("cron(0 9 ? * 2#1 *)", ["2026-12-07 09:00", "2027-01-04 09:00"]),
        ("cron(0 9 ? * 6L *)", ["2026-11-27 09:00", "2026-12-25 09:00"]),
        ("cron(0 9 ? * L *)", ["2026-11-21 09:00", "2026-11-28 09:00"]),
        ("cron(0 0 L * ? *)", ["2026-11-30 00:00", "2026-12-31 00:00"]),
        ("cron(0 0 LW 1,2 ? *)", ["2027-01-29 00:00", "2027-02-26 00:00"]),
        # 15 November 2026 is a Sunday, 15 August 2027 too; 1 May 2027 is a Saturday.
        ("cron(0 0 15W 8 ? *)", ["2027-08-16 00:00"]),
        ("cron(0 0 1W 5 ? *)", ["2027-05-03 00:00"]),
        ("cron(0 0 31 FEB-APR ? 2027)", ["2027-03-31 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 1,L * ? 2026)", ["2026-11-30 00:00", "2026-12-01 00:00", "2026-12-31 00:00"]),
        ("cron(0 0 ? * FRI-MON *)", ["2026-11-20 00:00", "2026-11-21 00:00", "2026-11-22 00:00"]),
        ("cron(0 0 1 1 ? 2025)", []),
    ],
)
def test_cron(expression: str, expected: list[str]) -> None:
    assert fires(expression, max(1, len(expected))) == expected


def test_a_rate_counts_from_its_anchor() -> None:
    anchor = at("2026-11-19 09:07:00")

    assert next_fire("rate(1 hour)", NOW, anchor=anchor) == at("2026-11-19 11:07:00")
    assert next_fire("rate(5 minutes)", NOW) == NOW + timedelta(minutes=5)
    assert next_fire("rate(7 days)", anchor, anchor=anchor) == anchor + timedelta(days=7)


def test_at_fires_once() -> None:
    assert fires("at(2026-11-19T12:00:00)", 3) == ["2026-11-19 12:00"]
    assert fires("at(2026-11-19T12:00:00)", 3, timezone="America/Sao_Paulo") == ["2026-11-19 15:00"]


def test_a_local_time_follows_daylight_saving() -> None:
    before = at("2026-03-07 20:00")

    local = fires("cron(30 2 * * ? *)", 2, before, timezone="America/New_York")
    twice = fires("cron(30 1 * * ? *)", 2, at("2026-10-31 20:00"), timezone="America/New_York")

    # 8 March has no half past two; 1 November has half past one twice.
    assert local == ["2026-03-09 06:30", "2026-03-10 06:30"]
    assert twice == ["2026-11-01 05:30", "2026-11-02 06:30"]


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 hours)",
        "rate(2 hour)",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "rate(1.5 hours)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(0 10 * * ?)",
        "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 10 32 * ? *)",
        "cron(0 10 ? * 8 *)",
        "cron(0 10 ? * MON#6 *)",
        "cron(0 10 ? FOO MON *)",
        "cron(0 10 * * ? 2300)",
        "at(tomorrow)",
        "every hour",
        "",
    ],
)
def test_what_aws_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="not valid"):
        check(expression)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        check("cron(0 10 * * ? *)", timezone="Mars/Olympus")


@given(
    after=st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    hour=st.integers(0, 23),
    weekday=st.sampled_from(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
)
def test_a_weekly_schedule_fires_within_a_week_on_its_day(
    after: datetime, hour: int, weekday: str
) -> None:
    moment = next_fire(f"cron(0 {hour} ? * {weekday} *)", after)

    assert moment is not None
    assert timedelta() < moment - after <= timedelta(days=7)
    assert (f"{moment:%a}".upper(), moment.hour, moment.minute) == (weekday, hour, 0)
