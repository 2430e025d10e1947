"""Keeps which theorems were proved of which policies, so that nothing is proved twice.

The key is a hash of all that a proof depends on: the estate, and the code of prover, policies and
theorems. Only proofs are kept, never refutations.
"""

import hashlib
import json
from functools import lru_cache
from importlib import resources
from pathlib import Path

from mlzone.theorem import EstateProof, EstateTheorem, Guardrails, prove_one

FOLDER = Path(".mlzone/proofs")


def proved(guardrails: Guardrails, theorem: EstateTheorem) -> EstateProof:
    """Prove a theorem, or find that it was proved before."""
    kept = proved_before(guardrails, theorem)
    if kept:
        return kept
    proof = prove_one(guardrails, theorem)
    if proof.proved:
        path = _path(guardrails, theorem)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"theorem": theorem.id, "cases": proof.cases}), encoding="utf-8")
    return proof


def proved_before(guardrails: Guardrails, theorem: EstateTheorem) -> EstateProof | None:
    """Return the proof of a theorem if it was kept."""
    try:
        kept = json.loads(_path(guardrails, theorem).read_text(encoding="utf-8"))
        return EstateProof(theorem=theorem, cases=int(kept["cases"]), seconds=0.0)
    except (OSError, ValueError, KeyError):
        return None


def _path(guardrails: Guardrails, theorem: EstateTheorem) -> Path:
    return FOLDER / f"{_key(guardrails, theorem)}.json"


def _key(guardrails: Guardrails, theorem: EstateTheorem) -> str:
    digest = hashlib.sha256(_code())
    digest.update(theorem.id.encode())
    digest.update(guardrails.fingerprint().encode())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _code() -> bytes:
    """Return a hash of the code that proofs depend on."""
    digest = hashlib.sha256()
    for package in ("mlzone_access", "mlzone"):
        root = Path(str(resources.files(package)))
        for path in sorted(root.rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode())
            digest.update(path.read_bytes())
    return digest.digest()
