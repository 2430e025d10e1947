"""Proves and explains who may do what in an estate."""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlzone.access import AccessDifference, access_difference
from mlzone.access.question import Explanation, explain, roles_called
from mlzone.access.reach import Reach
from mlzone.access.rendered import rendered
from mlzone.estate import Estate
from mlzone.theorem import THEOREMS, EstateProof, Guardrails, prove_one
from mlzone_access.prover import Proof, Status
from mlzone_tools.services import estate as estates
from mlzone_tools.services import synthesis
from mlzone_tools.services.proof_cache import proved, proved_before
from mlzone_tools.services.revision import at_revision


@dataclass(frozen=True, kw_only=True)
class Counterexample:
    """A request that a theorem forbids and the policies allow."""

    case: str
    """Where it happens."""
    principal: str
    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]]
    """The condition keys of the request."""
    decision: str
    """What the evaluator says of it."""


@dataclass(frozen=True, kw_only=True)
class ProvedTheorem:
    """One line of the report."""

    id: str
    statement: str
    controls: tuple[str, ...]
    status: Status
    cases: int
    seconds: float
    counterexample: Counterexample | None


@dataclass(frozen=True, kw_only=True)
class ProofReport:
    """What proving the theorems of an estate answered."""

    theorems: tuple[ProvedTheorem, ...]
    without: str
    """The statement that was left out; empty if none."""
    seconds: float

    @property
    def proved(self) -> bool:
        """Whether every theorem holds."""
        return all(item.status is Status.PROVED for item in self.theorems)


def prove_estate(location: Path, *, without: str = "") -> ProofReport:
    """Prove every theorem over an estate.

    Args:
        location: the estate's folder or file.
        without: a statement of the guardrails to leave out, to see what it holds up.

    Raises:
        ConfigError: the estate is invalid, or there is no such statement.
    """
    estate = estates.load(location)
    _begin(estate, without)
    known = {} if without else _known(_guardrails())
    missing = [theorem.id for theorem in THEOREMS if theorem.id not in known]
    if len(missing) > _FEW:
        with ProcessPoolExecutor(
            min(os.cpu_count() or 1, _PROCESSES),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(estate, without),
        ) as pool:
            new = dict(zip(missing, pool.map(_prove, missing), strict=True))
    else:
        new = {theorem: _prove(theorem) for theorem in missing}
    proofs = tuple(known.get(item.id) or new[item.id] for item in THEOREMS)
    return ProofReport(
        theorems=proofs,
        without=without,
        seconds=round(sum(proof.seconds for proof in proofs), 2),
    )


_PROCESSES = 4
"""At most so many theorems are proved at once."""
_FEW = 4
"""So many theorems are proved before another process has begun."""
_asked: dict[str, Any] = {}
"""What a process proves theorems of."""


def _begin(estate: Estate, without: str) -> None:
    _asked.update(estate=estate, without=without)
    _guardrails.cache_clear()


@lru_cache(maxsize=1)
def _guardrails() -> Guardrails:
    guardrails = Guardrails(_asked["estate"])
    return guardrails.without(_asked["without"]) if _asked["without"] else guardrails


def _known(guardrails: Guardrails) -> dict[str, "ProvedTheorem"]:
    found = {theorem.id: proved_before(guardrails, theorem) for theorem in THEOREMS}
    return {name: _reported(proof) for name, proof in found.items() if proof}


def _prove(theorem_id: str) -> "ProvedTheorem":
    theorem = next(item for item in THEOREMS if item.id == theorem_id)
    prove = prove_one if _asked["without"] else proved
    return _reported(prove(_guardrails(), theorem))


def difference(location: Path, *, base: str) -> AccessDifference:
    """Compare who may do what now with another revision of the estate.

    Raises:
        ConfigError: one of the estates is invalid, or there is no such revision.
    """
    with at_revision(location, base) as before:
        return access_difference(estates.load(before), estates.load(location))


@contextmanager
def reach_of(
    location: Path, assembly: Path | None, *, talk: Callable[[str], None]
) -> Iterator[Reach]:
    """Give the roles of an estate as templates render them.

    Args:
        location: the estate's folder or file.
        assembly: a cloud assembly of the whole estate; made anew if None.
        talk: says what takes long.

    Raises:
        ConfigError: the estate is invalid, or there is no assembly.
    """
    estate = estates.load(location)
    if assembly:
        yield Reach(Guardrails(estate), rendered(assembly))
        return
    talk("synthesizing the estate; give --assembly to use templates that are there")
    with tempfile.TemporaryDirectory(prefix="mlzone-access-") as folder:
        synthesis.synthesize(output=Path(folder), estate=location)
        yield Reach(Guardrails(estate), rendered(Path(folder)))


def explanations(
    reach: Reach,
    principal: str,
    action: str,
    resource: str,
    context: Mapping[str, str],
    *,
    environment: str = "",
) -> tuple[Explanation, ...]:
    """Explain a request for each role that a principal has.

    Raises:
        ConfigError: there is no such principal, action or environment.
    """
    return tuple(
        explain(reach, role, action, resource, person=principal, context=context)
        for role in roles_called(reach, principal, environment=environment)
    )


def _reported(proof: EstateProof) -> ProvedTheorem:
    theorem = proof.theorem
    return ProvedTheorem(
        id=theorem.id,
        statement=theorem.statement,
        controls=theorem.controls,
        status=proof.status,
        cases=proof.cases,
        seconds=round(proof.seconds, 3),
        counterexample=_counterexample(proof.failure) if proof.failure else None,
    )


def _counterexample(failure: Proof) -> Counterexample | None:
    request, decision = failure.request, failure.decision
    if request is None or decision is None:
        return None
    return Counterexample(
        case=failure.theorem.name,
        principal=request.principal.arn,
        action=request.action,
        resource=request.resource,
        context=dict(request.context),
        decision=decision.reason,
    )
