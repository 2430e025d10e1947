"""How long it takes to read the example estate, and to find what is wrong with a broken one."""

import statistics
import time
from pathlib import Path
from typing import Any

from mlzone.loading import load_estate

_ROUNDS = 20


def run() -> dict[str, Any]:
    """Measure; seconds are medians."""
    seconds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        estate = load_estate(Path("organization"))
        seconds.append(time.perf_counter() - started)
    return {
        "business units": len(estate.units),
        "people": len({assignment.person for assignment in estate.assignments()}),
        "seconds": round(statistics.median(seconds), 3),
    }
