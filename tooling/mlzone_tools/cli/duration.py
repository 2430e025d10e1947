"""Durations as people type them: `90m`, `12h`, `30d`."""

import re

from mlzone.errors import ConfigError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(duration: str) -> int:
    """Return a duration's seconds.

    Raises:
        ConfigError: it is no number with a unit.
    """
    match = re.fullmatch(r"(\d{1,9})([smhd])", duration)
    if not match:
        raise ConfigError(f'got duration "{duration}"', hint="use a number with s, m, h or d: 90m")
    return int(match[1]) * _UNITS[match[2]]
