"""ISO 8601 durations as SageMaker takes them."""

import re
from datetime import timedelta

_DURATION = re.compile(
    r"P?(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)
_DAYS = {"years": 365, "months": 30, "weeks": 7, "days": 1}
_SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}


def duration(text: str) -> timedelta:
    """Return a duration such as `P30D`, `PT1H` or, as SageMaker also takes it, `30dT5h`.

    Raises:
        ValueError: it is none.
    """
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise ValueError(f"{text!r} is not a duration in ISO 8601")
    parts = {name: int(value) for name, value in found.groupdict().items() if value}
    return timedelta(
        days=sum(count * parts.get(name, 0) for name, count in _DAYS.items()),
        seconds=sum(count * parts.get(name, 0) for name, count in _SECONDS.items()),
    )


def offset(text: str) -> timedelta:
    """Return a signed duration such as `-PT1H`, by which something lies before a moment.

    Raises:
        ValueError: it is none.
    """
    return -duration(text[1:]) if text.startswith("-") else duration(text)
