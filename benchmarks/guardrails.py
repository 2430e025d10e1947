"""How long proofs and the access matrix take, and how many weakened guardrails they notice."""

import time
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlzone.loading import load_estate
from mlzone.theorem import Guardrails, prove_all
from mlzone.theorem.matrix import outcomes
from mlzone.theorem.mutation import SURVIVORS, mutants, notices

ESTATE = Path("organization")
TARGET_SECONDS = 10
TARGET_PERCENT = 97
_PROCESSES = 2


@lru_cache(maxsize=1)
def _guardrails() -> Guardrails:
    return Guardrails(load_estate(ESTATE))


def _noticed(place: int) -> tuple[str, str]:
    mutant = list(mutants(_guardrails()))[place]
    return mutant.id, notices(_guardrails(), mutant)


def run() -> dict[str, Any]:
    """Prove everything, decide the matrix, and weaken each guardrail in turn.

    Returns:
        Seconds and counts; mutants that survive are listed with the reason.
    """
    guardrails = _guardrails()
    started = time.perf_counter()
    proofs = list(prove_all(guardrails))
    proving = time.perf_counter() - started
    started = time.perf_counter()
    decisions = list(outcomes(guardrails))
    deciding = time.perf_counter() - started
    started = time.perf_counter()
    count = sum(1 for _ in mutants(guardrails))
    with ProcessPoolExecutor(_PROCESSES) as pool:
        answers = dict(pool.map(_noticed, range(count), chunksize=8))
    survivors = sorted(mutant for mutant, noticed in answers.items() if not noticed)
    figures: dict[str, Any] = {
        "theorems proved": f"{sum(proof.proved for proof in proofs)} of {len(proofs)}",
        "cases of theorems": sum(proof.cases for proof in proofs),
        "seconds for all proofs": round(proving, 1),
        "decisions of the access matrix that hold": (
            f"{sum(outcome.holds for outcome in decisions)} of {len(decisions)}"
        ),
        "seconds for the access matrix": round(deciding, 2),
        "target of both, in seconds": TARGET_SECONDS,
        "mutants of the guardrails": count,
        "mutation score, percent": round(100 * (count - len(survivors)) / count, 1),
        "target of the score, percent": TARGET_PERCENT,
        "seconds for all mutants": round(time.perf_counter() - started),
    }
    for mutant in survivors:
        figures[f"survives: {mutant}"] = SURVIVORS.get(mutant, "nothing notices it")
    return figures
