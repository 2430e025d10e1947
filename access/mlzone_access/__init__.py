"""IAM semantics: policies, requests and AWS's published evaluation logic.

What is proven of the guardrails and what the embedded cloud enforces are this one code. It imports
nothing of ours and no cloud.

    role = Policy.parse({"Version": "2012-10-17", "Statement": [...]}, name="team-a")
    who = Principal(kind=PrincipalKind.ROLE, arn="arn:aws:iam::1...:role/a", account="1...")
    request = Request(principal=who, action="s3:GetObject", resource="arn:aws:s3:::b/k")
    decision = evaluate(request, Policies(identity=(role,)))
    decision.allowed, decision.reason
"""

from mlzone_access.decision import Decision, Layer
from mlzone_access.errors import PolicyError
from mlzone_access.evaluation import Policies, evaluate
from mlzone_access.lint import Finding, lint
from mlzone_access.policy import Effect, Policy, PolicyKind, Statement
from mlzone_access.principals import Principal, PrincipalKind
from mlzone_access.request import ContextValue, Request

__all__ = [
    "ContextValue",
    "Decision",
    "Effect",
    "Finding",
    "Layer",
    "Policies",
    "Policy",
    "PolicyError",
    "PolicyKind",
    "Principal",
    "PrincipalKind",
    "Request",
    "Statement",
    "evaluate",
    "lint",
]
