"""Tests wait for what the embedded cloud does in the background."""

import time
from collections.abc import Callable
from typing import Any

from mlzone_cloud.cloud import Cloud

_SECONDS = 120.0
_PAUSE = 0.02


def eventually(
    look: Callable[[], Any], enough: Callable[[Any], Any] = bool, cloud: Cloud | None = None
) -> Any:
    """Return what is found as soon as it is enough; by default, as soon as there is something."""
    deadline = time.monotonic() + _SECONDS
    while not enough(found := look()):
        if time.monotonic() > deadline:
            failures = dict(cloud.statistics.errors) if cloud else "unknown"
            raise AssertionError(f"still {found!r}; background failures: {failures}")
        time.sleep(_PAUSE)
    return found
