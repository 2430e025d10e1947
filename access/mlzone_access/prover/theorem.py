"""Theorems about access, and what proving one answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlzone_access.decision import Decision
from mlzone_access.evaluation import Policies
from mlzone_access.policy import Policy, Statement
from mlzone_access.principals import Principal
from mlzone_access.prover.caller import AnyRole
from mlzone_access.request import Request

_ANY_ROLE = AnyRole()


@dataclass(frozen=True)
class Claim:
    """A set of requests, written with the elements of a policy statement.

    `Claim.of(Action="s3:*", NotResource="arn:aws:s3:::${aws:PrincipalTag/team}/*")` is every S3
    request outside the bucket of the caller's team. What is left out is not restricted.
    """

    statement: Statement
    written: Mapping[str, Any]

    @classmethod
    def of(cls, **elements: Any) -> "Claim":
        """Read the elements `Action`, `NotAction`, `Resource`, `NotResource`, `Condition`.

        Raises:
            PolicyError: They would not be accepted in a policy.
        """
        written = {"Effect": "Allow", **elements}
        if not {"Action", "NotAction"} & set(elements):
            written["Action"] = "*"
        document = {"Version": "2012-10-17", "Statement": [written]}
        return cls(Policy.parse(document, name="claim").statements[0], written)

    def holds(self, request: Request) -> bool:
        """Say whether a request is in the set."""
        return self.statement.covers_action(request.action.lower()) and self.statement.applies(
            request.resource, request.values
        )


@dataclass(frozen=True, kw_only=True)
class Theorem:
    """A statement that no request of a kind is ever allowed.

    Attributes:
        name: Short and stable, such as `team-isolation-data`.
        statement: What it says, in one plain sentence.
        policies: What is in force.
        forbidden: The requests that must never be allowed.
        assumptions: What is taken for granted about every request.
        caller: A given principal, or a session of any role.
        resource_account: Owner of the resource: empty for the caller's own account, `*` for any.
        any_identity: The worst case: whatever `policies.identity` denies, some other identity
            policy allows everything.
        any_resource: The worst case: whatever `policies.resource` denies, it allows everything
            to everyone.
        likely_callers: ARNs of roles that are tried first when a counterexample is sought.
        likely_resources: ARNs of resources that are tried first then, beside what the claim says.
    """

    name: str
    statement: str
    policies: Policies
    forbidden: Claim
    assumptions: tuple[Claim, ...] = ()
    caller: Principal | AnyRole = _ANY_ROLE
    resource_account: str = ""
    any_identity: bool = True
    any_resource: bool = False
    likely_callers: tuple[str, ...] = ()
    likely_resources: tuple[str, ...] = ()


class Status(StrEnum):
    """How proving a theorem ended."""

    PROVED = "proved"
    REFUTED = "refuted"
    VACUOUS = "vacuous"
    """No request satisfies the assumptions and the forbidden claim: the theorem says nothing."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The answer to a theorem.

    Attributes:
        theorem: The theorem.
        status: How it ended.
        seconds: How long it took.
        request: The counterexample of a refuted theorem.
        decision: What the evaluator says of the counterexample; it is always an allowance.
    """

    theorem: Theorem
    status: Status
    seconds: float
    request: Request | None = None
    decision: Decision | None = None
