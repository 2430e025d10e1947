"""Lets moto see the cloud's clock, so that what it stamps and judges by time agrees with `advance`.

Without this, CloudWatch Logs refuses what an advanced clock has stamped, for lying in the future.
"""

import sys
from collections.abc import Callable
from datetime import datetime

from moto.core import utils

_original = utils.utcnow


def follow(now: Callable[[], datetime]) -> None:
    """Make moto ask `now` for the time.

    Args:
        now: returns the present moment, in UTC.
    """

    def utcnow() -> datetime:
        return now().replace(tzinfo=None)

    before = utils.utcnow
    for name, module in sys.modules.copy().items():
        if name.startswith("moto.") and vars(module).get("utcnow") in (before, _original):
            vars(module)["utcnow"] = utcnow
