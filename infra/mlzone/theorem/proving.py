"""Proves the theorems of an estate."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlzone.theorem.guardrails import Guardrails
from mlzone.theorem.identity import IDENTITY
from mlzone.theorem.isolation import ISOLATION
from mlzone.theorem.life_cycle import LIFE_CYCLE
from mlzone.theorem.perimeter import PERIMETER
from mlzone.theorem.private_ml import PRIVATE_ML
from mlzone.theorem.system import SYSTEMS
from mlzone.theorem.theorem import EstateTheorem
from mlzone_access.prover import Proof, Status, prove

THEOREMS: tuple[EstateTheorem, ...] = (
    *ISOLATION,
    *SYSTEMS,
    *LIFE_CYCLE,
    *IDENTITY,
    *PRIVATE_ML,
    *PERIMETER,
)
"""Every theorem, in the order of the report."""


@dataclass(frozen=True, kw_only=True)
class EstateProof:
    """How proving one theorem over an estate ended."""

    theorem: EstateTheorem
    cases: int
    """How many statements were proved for it."""
    seconds: float
    failure: Proof | None = None
    """The first case that was not proved."""

    @property
    def proved(self) -> bool:
        """Whether it holds."""
        return self.failure is None

    @property
    def status(self) -> Status:
        """How it ended."""
        return self.failure.status if self.failure else Status.PROVED


def prove_all(
    guardrails: Guardrails, theorems: Iterable[EstateTheorem] = THEOREMS
) -> Iterator[EstateProof]:
    """Yield the proof of each theorem."""
    for theorem in theorems:
        yield prove_one(guardrails, theorem)


def prove_one(guardrails: Guardrails, theorem: EstateTheorem) -> EstateProof:
    """Prove a theorem; the first case that does not hold ends it."""
    started = time.perf_counter()
    cases, failure = 0, None
    for case in theorem.cases(guardrails):
        cases += 1
        proof = prove(case)
        if proof.status is not Status.PROVED:
            failure = proof
            break
    return EstateProof(
        theorem=theorem,
        cases=cases,
        seconds=time.perf_counter() - started,
        failure=failure,
    )
