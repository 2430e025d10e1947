"""Proofs about access, for every request and, in the worst case, every identity policy.

theorem = Theorem(
name="no-public-buckets",
statement="Nobody of the organization makes a bucket policy.",
policies=Policies(scps=((full_access, guardrails),)),
forbidden=Claim.of(Action="s3:PutBucketPolicy"),
)
proof = prove(theorem)
proof.status, proof.request  # proved, or refuted by this request
"""

from mlzone_access.prover.caller import AnyRole
from mlzone_access.prover.crosscheck import encoded_decision
from mlzone_access.prover.prove import prove, worst_case
from mlzone_access.prover.symbolic import ANY_ACCOUNT
from mlzone_access.prover.theorem import Claim, Proof, Status, Theorem

__all__ = [
    "ANY_ACCOUNT",
    "AnyRole",
    "Claim",
    "Proof",
    "Status",
    "Theorem",
    "encoded_decision",
    "prove",
    "worst_case",
]
