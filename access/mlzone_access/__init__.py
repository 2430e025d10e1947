"""IAM semantics: policy evaluation over AWS's published logic.

What is proven of the guardrails and what the embedded cloud enforces are this one code. It imports
nothing of ours and no cloud.
"""

from mlzone_access.errors import PolicyError
from mlzone_access.evaluation import Decision, Layer, Policies, evaluate
from mlzone_access.policy import Policy
from mlzone_access.request import Principal, PrincipalKind, Request
from mlzone_access.wildcard import ContextValue

__all__ = [
    "ContextValue",
    "Decision",
    "Layer",
    "Policies",
    "Policy",
    "PolicyError",
    "Principal",
    "PrincipalKind",
    "Request",
    "evaluate",
]
