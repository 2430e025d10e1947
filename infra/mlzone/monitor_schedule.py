"""The schedules that SageMaker Model Monitor accepts.

Source: Amazon SageMaker API reference, `ScheduleConfig.ScheduleExpression`: hourly, daily at an
hour, or every N hours from an hour on. The same expressions serve the scheduled-processing engine.
"""

import re

_SCHEDULE = re.compile(r"cron\(0 (?P<start>\*|\d{1,2})(?:/(?P<every>\d{1,2}))? \? \* \* \*\)")
_HOURS_PER_DAY = 24


def interval_hours(expression: str) -> int | None:
    """Return the hours between two runs, or None if the expression is not accepted.

    Args:
        expression: such as `cron(0 * ? * * *)`, `cron(0 6 ? * * *)` or `cron(0 */6 ? * * *)`.
    """
    match = _SCHEDULE.fullmatch(expression)
    if not match:
        return None
    start, every = match["start"], match["every"]
    if start != "*" and int(start) >= _HOURS_PER_DAY:
        return None
    if every is not None:
        return int(every) if 1 <= int(every) <= _HOURS_PER_DAY else None
    return 1 if start == "*" else _HOURS_PER_DAY


def daily(hour: int) -> str:
    """Return the schedule of a run a day.

    Args:
        hour: when, in UTC.
    """
    return f"cron(0 {hour} ? * * *)"
