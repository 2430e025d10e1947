"""What state a metric alarm is in. Nothing here knows a cloud.

Source: Amazon CloudWatch User Guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms
treat missing data". Periods slide with the minute, as CloudWatch's do.
"""

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"

_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
}
_MINUTE = 60


@dataclass(frozen=True)
class Datum:
    """What was measured at a moment: one value, or a set of them summed up."""

    at: datetime
    total: float
    count: float
    low: float
    high: float

    @classmethod
    def of(cls, at: datetime, value: float) -> "Datum":
        """Return a single value."""
        return cls(at, value, 1.0, value, value)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How an alarm judges."""

    statistic: str
    """Such as `Sum` or `p99`."""
    period: timedelta
    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    """How many of the periods must be breaching."""
    missing: str
    """What a period without data counts as."""

    def breaches(self, value: float) -> bool:
        """Tell whether a value is beyond the threshold."""
        return _COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass(frozen=True)
class Verdict:
    """A state and why."""

    state: str
    reason: str
    values: tuple[float | None, ...]
    """The value of each period, the oldest first."""


def supports(comparison: str, statistic: str) -> bool:
    """Tell whether an alarm can be evaluated."""
    plain = statistic in ("Sum", "Average", "Minimum", "Maximum", "SampleCount")
    return comparison in _COMPARISONS and (plain or _percentile(statistic) is not None)


def judge(settings: Settings, data: Iterable[Datum], now: datetime, before: str) -> Verdict:
    """Return the state of an alarm.

    Args:
        settings: how it judges.
        data: all that was measured, in any order.
        now: the present moment.
        before: the state that it was in.
    """
    values = period_values(settings, data, now)
    present = [value for value in values if value is not None]
    breaching = sum(settings.breaches(value) for value in present)
    absent = len(values) - len(present)
    if not present and settings.missing not in ("breaching", "notBreaching"):
        state = before if settings.missing == "ignore" else INSUFFICIENT
        return Verdict(state, _unknown(absent), values)
    if settings.missing == "breaching":
        in_alarm = breaching + absent >= settings.to_alarm
    elif settings.missing == "missing":
        # Too few periods with data: they decide alone, even if that is too early.
        in_alarm = breaching >= min(settings.to_alarm, len(present))
    else:
        in_alarm = breaching >= settings.to_alarm
    if settings.missing == "ignore" and not in_alarm and len(present) < settings.to_alarm:
        return Verdict(before, _unknown(absent), values)
    state = ALARM if in_alarm else OK
    return Verdict(state, _reason(settings, values, state, before), values)


def period_values(
    settings: Settings, data: Iterable[Datum], now: datetime
) -> tuple[float | None, ...]:
    """Return the statistic of each period, the oldest first; None where nothing was measured."""
    last = end_of_last_period(settings, now)
    periods: list[list[Datum]] = [[] for _ in range(settings.periods)]
    for datum in data:
        place = math.floor((last - datum.at) / settings.period)
        if 0 <= place < settings.periods and datum.at <= last:
            periods[-1 - place].append(datum)
    return tuple(statistic(settings.statistic, found) if found else None for found in periods)


def end_of_last_period(settings: Settings, now: datetime) -> datetime:
    """Return up to when data counts: the next full minute, or less for short periods."""
    step = min(_MINUTE, int(settings.period.total_seconds()))
    seconds = (math.floor(now.timestamp() / step) + 1) * step
    return datetime.fromtimestamp(seconds, UTC)


def next_change(settings: Settings, data: Iterable[Datum], now: datetime) -> datetime | None:
    """Return when time alone may change the state: a value leaves its period, or comes to count."""
    step = timedelta(seconds=min(_MINUTE, int(settings.period.total_seconds())))
    moments = (
        datum.at + periods * settings.period + step - step * (1 if periods == 0 else 0)
        for datum in data
        for periods in range(settings.periods + 1)
    )
    return min((moment for moment in moments if moment > now), default=None)


def statistic(name: str, data: Sequence[Datum]) -> float:
    """Return a statistic of what was measured, such as `Sum` or `p95`; there is some data."""
    total, count = sum(item.total for item in data), sum(item.count for item in data)
    match name:
        case "Sum":
            return total
        case "SampleCount":
            return count
        case "Average":
            return total / count
        case "Minimum":
            return min(item.low for item in data)
        case "Maximum":
            return max(item.high for item in data)
    share = _percentile(name)
    assert share is not None, name  # noqa: S101 - `supports` was asked
    ordered = sorted(item.total / item.count for item in data)
    place = share / 100 * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _percentile(name: str) -> float | None:
    try:
        share = float(name[1:]) if name.startswith("p") else -1.0
    except ValueError:
        return None
    return share if 0 <= share <= 100 else None  # noqa: PLR2004


def _unknown(absent: int) -> str:
    points = "datapoint was" if absent == 1 else "datapoints were"
    return f"Insufficient Data: {absent} {points} unknown."


def _reason(settings: Settings, values: Sequence[float | None], state: str, before: str) -> str:
    """Word the reason as CloudWatch does."""
    words = _COMPARISONS[settings.comparison][1]
    present = [value for value in values if value is not None]
    if not present:
        treated = "Breaching" if settings.missing == "breaching" else "NonBreaching"
        periods = "period" if len(values) == 1 else "periods"
        points = "datapoint was" if len(values) == 1 else "datapoints were"
        return (
            f"Threshold Crossed: no datapoints were received for {len(values)} {periods} and "
            f"{len(values)} missing {points} treated as [{treated}]."
        )
    shown = ", ".join(str(float(value)) for value in reversed(present))
    verb = "was" if len(present) == 1 else "were"
    negation = "" if state == ALARM else "not "
    return (
        f"Threshold Crossed: {len(present)} out of the last {len(values)} datapoints [{shown}] "
        f"{verb} {negation}{words} the threshold ({settings.threshold}) (minimum "
        f"{settings.to_alarm} datapoint{'s' if settings.to_alarm > 1 else ''} for "
        f"{before} -> {state} transition)."
    )
