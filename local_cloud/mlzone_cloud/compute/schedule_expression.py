"""When a schedule fires: `rate`, `cron` with AWS's six fields, and `at`.

Source: Amazon EventBridge User Guide, "Cron expressions reference", "Rate expressions reference";
EventBridge Scheduler User Guide, "Schedule types". Nothing here knows a cloud.
"""

import calendar
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\((.+)\)")
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {
    name: number
    for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)
}
_FIELDS = 6
_LAST_YEAR = 2199


def next_fire(
    expression: str,
    after: datetime,
    *,
    anchor: datetime | None = None,
    timezone: str = "UTC",
) -> datetime | None:
    """Return the first moment after another at which a schedule fires, in UTC.

    Args:
        expression: such as `rate(1 hour)`, `cron(0 * ? * * *)` or `at(2026-11-20T13:00:00)`.
        after: the moment; aware.
        anchor: when a rate began to count; `after` unless given.
        timezone: the zone in which `cron` and `at` are meant. A local time that daylight saving
            leaves out does not fire; one that comes twice fires the first time.

    Returns:
        None if it never fires again.

    Raises:
        ValueError: AWS would refuse the expression or the time zone.
    """
    if rate := _RATE.fullmatch(expression):
        return _next_of_rate(_step(*rate.groups()), after, anchor or after)
    zone = _zone(timezone)
    if moment := _AT.fullmatch(expression):
        at = datetime.fromisoformat(moment[1]).replace(tzinfo=zone).astimezone(UTC)
        return at if at > after else None
    if cron := _CRON.fullmatch(expression):
        return _next_of_cron(_parsed(cron[1]), after, zone)
    raise ValueError(f"the schedule expression {expression!r} is not valid")


def check(expression: str, *, timezone: str = "UTC", allow_at: bool = True) -> None:
    """Refuse what AWS refuses.

    Raises:
        ValueError: the expression or the time zone is not valid.
    """
    if not allow_at and expression.startswith("at("):
        raise ValueError(f"the schedule expression {expression!r} is not valid")
    next_fire(expression, datetime(1970, 1, 1, tzinfo=UTC), timezone=timezone)


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"the time zone {name!r} is not valid") from error


def _step(count: str, unit: str, plural: str) -> timedelta:
    number = int(count)
    if number < 1 or (number == 1) == bool(plural):
        raise ValueError(f"the schedule expression 'rate({count} {unit}{plural})' is not valid")
    return timedelta(**{f"{unit}s": number})


def _next_of_rate(step: timedelta, after: datetime, anchor: datetime) -> datetime:
    if after < anchor:
        return anchor.astimezone(UTC)
    return (anchor + ((after - anchor) // step + 1) * step).astimezone(UTC)


@dataclass(frozen=True)
class _Cron:
    """A cron expression, its simple fields spelled out."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: tuple[int, ...]
    day_of_week: str
    years: tuple[int, ...]

    def days(self, year: int, month: int) -> list[int]:
        """Return the days of a month on which it fires."""
        length = calendar.monthrange(year, month)[1]
        if self.day_of_week == "?":
            found = {
                day
                for item in self.day_of_month.split(",")
                for day in _days_of_month(item, year, month, length)
            }
        else:
            found = {
                day
                for item in self.day_of_week.split(",")
                for day in _days_of_week(item, year, month, length)
            }
        return sorted(day for day in found if day <= length)


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> _Cron:
    fields = text.upper().split()
    if len(fields) != _FIELDS:
        raise ValueError(f"the schedule expression 'cron({text})' is not valid: it has six fields")
    minute, hour, day_of_month, month, day_of_week, year = fields
    if (day_of_month == "?") == (day_of_week == "?"):
        raise ValueError(
            f"the schedule expression 'cron({text})' is not valid: exactly one of day of month and "
            "day of week is `?`"
        )
    cron = _Cron(
        minutes=_numbers(minute, 0, 59),
        hours=_numbers(hour, 0, 23),
        day_of_month=day_of_month,
        months=_numbers(month, 1, 12, _MONTHS),
        day_of_week=day_of_week,
        years=_numbers(year, 1970, _LAST_YEAR),
    )
    cron.days(1970, 1)  # refuses what the day fields cannot mean
    return cron


def _next_of_cron(cron: _Cron, after: datetime, zone: tzinfo) -> datetime | None:
    # A day earlier, because local clocks are put back.
    begin = after.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
    for local in _local_times(cron, begin.date()):
        moment = local.replace(tzinfo=zone).astimezone(UTC)
        exists = moment.astimezone(zone).replace(tzinfo=None) == local
        if exists and moment > after:
            return moment
    return None


def _local_times(cron: _Cron, begin: date) -> Iterator[datetime]:
    for year in cron.years:
        if year < begin.year:
            continue
        for month in cron.months:
            if (year, month) < (begin.year, begin.month):
                continue
            for day in cron.days(year, month):
                if date(year, month, day) < begin:
                    continue
                for hour in cron.hours:
                    for minute in cron.minutes:
                        yield datetime(year, month, day, hour, minute)  # noqa: DTZ001 - local


def _numbers(
    field: str, low: int, high: int, names: dict[str, int] | None = None
) -> tuple[int, ...]:
    """Return what a field of numbers, ranges, lists and steps means."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = _number(first, low, high, names)
            end = _number(last, low, high, names) if last else (high if step else begin)
        stride = _number(step, 1, high) if step else 1
        if end < begin:  # such as FRI-MON
            found.update([*range(begin, high + 1), *range(low, end + 1)][::stride])
        else:
            found.update(range(begin, end + 1, stride))
    return tuple(sorted(found))


def _number(text: str, low: int, high: int, names: dict[str, int] | None = None) -> int:
    number = (names or {}).get(text, -1) if not text.isdigit() else int(text)
    if not low <= number <= high:
        raise ValueError(f"{text!r} is not valid in a cron expression")
    return number


def _days_of_month(item: str, year: int, month: int, length: int) -> Iterator[int]:
    if item == "L":
        yield length
    elif item == "LW":
        yield _nearest_weekday(year, month, length, length)
    elif item.endswith("W"):
        day = _number(item[:-1], 1, 31)
        if day <= length:
            yield _nearest_weekday(year, month, day, length)
    else:
        yield from _numbers(item, 1, 31)


def _nearest_weekday(year: int, month: int, day: int, length: int) -> int:
    """Return the nearest day from Monday to Friday in the same month."""
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < length else day - 2
    return day


def _days_of_week(item: str, year: int, month: int, length: int) -> Iterator[int]:
    first_weekday = (calendar.weekday(year, month, 1) + 1) % 7 + 1
    if "#" in item:
        weekday_text, _, nth = item.partition("#")
        weekday = _number(weekday_text, 1, 7, _WEEKDAYS)
        yield 1 + (weekday - first_weekday) % 7 + 7 * (_number(nth, 1, 5) - 1)
    elif item.endswith("L") and item != "L":
        weekday = _number(item[:-1], 1, 7, _WEEKDAYS)
        first = 1 + (weekday - first_weekday) % 7
        yield max(range(first, length + 1, 7))
    else:
        wanted = {7} if item == "L" else set(_numbers(item, 1, 7, _WEEKDAYS))
        for day in range(1, length + 1):
            if (first_weekday - 1 + day - 1) % 7 + 1 in wanted:
                yield day
