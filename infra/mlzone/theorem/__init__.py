"""Theorems about access: what the guardrails of an estate never let happen.

for proof in prove_all(Guardrails(estate)):
    proof.theorem.id, proof.proved
"""

from mlzone.theorem.guardrails import Guardrails
from mlzone.theorem.proving import THEOREMS, EstateProof, prove_all, prove_one
from mlzone.theorem.theorem import EstateTheorem

__all__ = ["THEOREMS", "EstateProof", "EstateTheorem", "Guardrails", "prove_all", "prove_one"]
