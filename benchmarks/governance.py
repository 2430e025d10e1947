"""How long it takes to hold the example estate to its rules, its access matrix and its theorems."""

import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlzone.loading import load_estate
from mlzone.theorem import Guardrails
from mlzone.theorem.matrix import outcomes
from mlzone_tools.services.access import prove_estate
from mlzone_tools.services.check import check_path
from mlzone_tools.services.synthesis import synthesize

ESTATE = Path("organization").resolve()
TARGET_SECONDS = 10


def run() -> dict[str, Any]:
    """Measure; what was proved before is not known at first, and then is."""
    with tempfile.TemporaryDirectory() as folder:
        assembly = Path(folder, "assembly")
        synthesize(output=assembly, estate=ESTATE)
        # Proofs are kept below the working folder.
        with contextlib.chdir(folder):
            rules, check = _timed(lambda: check_path(assembly, ESTATE))
            matrix, decided = _timed(lambda: list(outcomes(Guardrails(load_estate(ESTATE)))))
            cold, report = _timed(lambda: prove_estate(ESTATE))
            warm, _ = _timed(lambda: prove_estate(ESTATE))
    return {
        "answers of rules": len(check.answers),
        "seconds for rules": round(rules, 2),
        "decisions of the access matrix that hold": (
            f"{sum(outcome.holds for outcome in decided)} of {len(decided)}"
        ),
        "seconds for the access matrix": round(matrix, 2),
        "theorems proved": (
            f"{sum(item.counterexample is None for item in report.theorems)} "
            f"of {len(report.theorems)}"
        ),
        "seconds for proofs": round(cold, 2),
        "seconds for proofs that are known": round(warm, 2),
        "seconds for all": round(rules + matrix + cold, 1),
        "target of all": TARGET_SECONDS,
    }


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result
