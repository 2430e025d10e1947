"""When a monitor runs, and which captured requests a run looks at."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mlzone_cloud.compute.schedule_expression import next_fire
from mlzone_cloud.errors import ApiError
from mlzone_cloud.sagemaker.duration import offset

NOW = "NOW"
_HOUR = timedelta(hours=1)
_ACCEPTED = re.compile(r"cron\(0 (\*|[01]?\d|2[0-3])(/([1-9]|0[1-9]|1\d|2[0-4]))? \? \* \* \*\)")
_OFFSETS = ("DataAnalysisStartTime", "DataAnalysisEndTime")


@dataclass(frozen=True)
class Window:
    """The time that a run looks at."""

    start: datetime
    end: datetime

    def hours(self) -> Iterator[datetime]:
        """Yield the hours that the window touches."""
        hour = self.start.replace(minute=0, second=0, microsecond=0)
        while hour < self.end:
            yield hour
            hour += _HOUR


def check(schedule: Mapping[str, Any]) -> None:
    """Check a schedule.

    Raises:
        ApiError: SageMaker would refuse it.
    """
    expression = schedule["ScheduleExpression"]
    if expression == NOW:
        if not all(schedule.get(name) for name in _OFFSETS):
            raise ApiError(
                "ValidationException",
                "DataAnalysisStartTime and DataAnalysisEndTime are required for a one-time "
                "monitoring schedule",
            )
    elif not _ACCEPTED.fullmatch(expression):
        raise ApiError(
            "ValidationException",
            f"Invalid schedule expression: {expression}. Supported are NOW, hourly, daily and "
            "every so many hours, such as cron(0 * ? * * *)",
        )
    try:
        start, end = (offset(schedule.get(name) or "PT0H") for name in _OFFSETS)
    except ValueError as error:
        raise ApiError("ValidationException", str(error)) from error
    if any(schedule.get(name) for name in _OFFSETS) and start >= end:
        raise ApiError(
            "ValidationException", "DataAnalysisStartTime must be before DataAnalysisEndTime"
        )


def last_due(expression: str, after: datetime, now: datetime) -> datetime | None:
    """Return the last moment after another, up to now, at which a schedule fires.

    A cloud that was down runs what it missed once, not once for each hour.
    """
    found = None
    while (due := next_fire(expression, found or after)) is not None and due <= now:
        found = due
    return found


def window_of(
    schedule: Mapping[str, Any], endpoint_input: Mapping[str, Any], due: datetime
) -> Window:
    """Return what the run that is due at a moment looks at.

    That is what the schedule says, else what the job's input says, else the time since the run
    before.
    """
    names = (
        (schedule, _OFFSETS),
        (endpoint_input, ("StartTimeOffset", "EndTimeOffset")),
    )
    for source, (start, end) in names:
        if source.get(start):
            return Window(due + offset(source[start]), due + offset(source.get(end) or "PT0H"))
    following = next_fire(schedule["ScheduleExpression"], due)
    return Window(due - (following - due if following else _HOUR), due)


def folders(hours: Iterable[datetime], captured: Iterable[datetime]) -> list[str]:
    """Return the folders `yyyy/mm/dd` or `yyyy/mm/dd/hh` that hold what was captured.

    A job has few inputs: a day of which all captured hours count is one folder.

    Args:
        hours: the hours that count.
        captured: the hours in which something was captured.
    """
    counting, found = set(hours), sorted(set(captured))
    names: list[str] = []
    for day in sorted({hour.date() for hour in found}):
        of_day = [hour for hour in found if hour.date() == day]
        chosen = [hour for hour in of_day if hour in counting]
        if len(chosen) > 1 and chosen == of_day:
            names.append(f"{day:%Y/%m/%d}")
        else:
            names.extend(f"{hour:%Y/%m/%d/%H}" for hour in chosen)
    return names


def hour_of(folder: str) -> datetime:
    """Return the hour of a folder `yyyy/mm/dd/hh`."""
    return datetime.strptime(folder, "%Y/%m/%d/%H").replace(tzinfo=UTC)
