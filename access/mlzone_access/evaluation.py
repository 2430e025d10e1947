"""The decision: AWS's published policy evaluation logic.

Source: IAM User Guide, "Policy evaluation logic", "Cross-account policy evaluation logic" and
"Permissions boundaries for IAM entities"; KMS Developer Guide, "Key policies".
"""

from dataclasses import dataclass
from enum import StrEnum

from mlzone_access.policy import Grant, Policy, Statement
from mlzone_access.request import PrincipalKind, Request


class Layer(StrEnum):
    """Where in the evaluation a decision fell; the text is AWS's own wording."""

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    SCP = "service control policy"
    RCP = "resource control policy"
    RESOURCE = "resource-based policy"
    ENDPOINT = "VPC endpoint policy"


@dataclass(frozen=True, kw_only=True)
class Policies:
    """All policies that bear on a request."""

    identity: tuple[Policy, ...] = ()
    """The principal's own policies."""
    boundary: Policy | None = None
    """The principal's permissions boundary."""
    session: tuple[Policy, ...] = ()
    """Policies given when the session began; each must allow."""
    scps: tuple[tuple[Policy, ...], ...] = ()
    """Service control policies by level, from the root to the principal's account; leave empty for
    the management account and for service-linked roles, which they do not bind."""
    rcps: tuple[tuple[Policy, ...], ...] = ()
    """Resource control policies by level, from the root to the resource's account."""
    resource: Policy | None = None
    """The resource's own policy."""
    endpoint: Policy | None = None
    """The policy of the VPC endpoint that the request came through."""
    resource_must_allow: bool = False
    """Whether the resource's policy has the last word even in its own account, as for KMS keys and
    for the trust policy of a role."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a request is allowed, and what decided."""

    allowed: bool
    layer: Layer
    """Which kind of policy decided."""
    explicit: bool
    """Whether a statement decided, rather than the absence of one that allows."""
    policy: str = ""
    """The deciding policy, if one did."""
    statement: str = ""
    """The deciding statement's Sid, or its position."""

    @property
    def reason(self) -> str:
        """Say in plain words what decided."""
        if self.policy:
            verb = "allows" if self.allowed else "denies"
            return f'statement "{self.statement}" of {self.policy} ({self.layer}) {verb} it'
        return f"no {self.layer} allows it"


def evaluate(request: Request, policies: Policies) -> Decision:
    """Decide a request.

    Args:
        request: who asks for what.
        policies: everything that bears on it.

    Returns:
        The decision with the policy and the statement that made it.
    """
    return (
        _explicit_deny(request, policies)
        or _guardrails(request, policies)
        or _grants(request, policies)
    )


def _explicit_deny(request: Request, policies: Policies) -> Decision | None:
    for layer, policy in _all(policies):
        for statement in policy.statements:
            if (
                not statement.allows
                and statement.grant(request.principal) is not Grant.NONE
                and statement.applies(request, request.context)
            ):
                return _decided(layer, policy, statement)
    return None


def _all(policies: Policies) -> list[tuple[Layer, Policy]]:
    pairs: list[tuple[Layer, Policy]] = []
    pairs += [(Layer.SCP, policy) for level in policies.scps for policy in level]
    pairs += [(Layer.RCP, policy) for level in policies.rcps for policy in level]
    if policies.resource:
        pairs.append((Layer.RESOURCE, policies.resource))
    pairs += [(Layer.IDENTITY, policy) for policy in policies.identity]
    if policies.boundary:
        pairs.append((Layer.BOUNDARY, policies.boundary))
    pairs += [(Layer.SESSION, policy) for policy in policies.session]
    if policies.endpoint:
        pairs.append((Layer.ENDPOINT, policies.endpoint))
    return pairs


def _guardrails(request: Request, policies: Policies) -> Decision | None:
    """Each level of each guardrail must allow; return the first refusal."""
    for layer, levels in ((Layer.RCP, policies.rcps), (Layer.SCP, policies.scps)):
        if layer is Layer.SCP and request.principal.kind is PrincipalKind.SERVICE:
            continue
        for level in levels:
            if not _allowing(level, request):
                return _refused(layer)
    if policies.endpoint and not _allowing((policies.endpoint,), request):
        return _refused(Layer.ENDPOINT)
    return None


def _grants(request: Request, policies: Policies) -> Decision:
    resource = _resource_grant(request, policies.resource)
    principal = request.principal
    if principal.kind in (
        PrincipalKind.SERVICE,
        PrincipalKind.FEDERATED,
        PrincipalKind.ANONYMOUS,
    ):
        return resource[1] if resource else _refused(Layer.RESOURCE)
    if (request.cross_account or policies.resource_must_allow) and resource is None:
        return _refused(Layer.RESOURCE)

    direct = resource is not None and resource[0] is not Grant.ACCOUNT
    if direct and not request.cross_account and resource is not None:
        # The resource's policy names the session itself: nothing of the identity limits it.
        if resource[0] is Grant.SESSION:
            return resource[1]
        return _limits(request, policies) or resource[1]

    if principal.kind is PrincipalKind.ROOT:
        allowed = Decision(allowed=True, layer=Layer.IDENTITY, explicit=False)
        return _limits(request, policies) or allowed
    identity = _allowing(policies.identity, request)
    if identity is None:
        return _refused(Layer.IDENTITY)
    return _limits(request, policies) or identity


def _limits(request: Request, policies: Policies) -> Decision | None:
    """A boundary and session policies must allow too, where there are any."""
    if policies.boundary and not _allowing((policies.boundary,), request):
        return _refused(Layer.BOUNDARY)
    for policy in policies.session:
        if not _allowing((policy,), request):
            return _refused(Layer.SESSION)
    return None


def _resource_grant(request: Request, policy: Policy | None) -> tuple[Grant, Decision] | None:
    """Return the closest grant of the resource's policy."""
    best: tuple[Grant, Decision] | None = None
    closeness = (Grant.ACCOUNT, Grant.ROLE, Grant.SESSION)
    for statement in policy.statements if policy else ():
        if not statement.allows or policy is None:
            continue
        grant = statement.grant(request.principal)
        if grant is Grant.NONE or not statement.applies(request, request.context):
            continue
        if best is None or closeness.index(grant) > closeness.index(best[0]):
            best = grant, _decided(Layer.RESOURCE, policy, statement)
    return best


def _allowing(policies: tuple[Policy, ...], request: Request) -> Decision | None:
    for policy in policies:
        for statement in policy.statements:
            if statement.allows and statement.applies(request, request.context):
                return _decided(Layer.IDENTITY, policy, statement)
    return None


def _decided(layer: Layer, policy: Policy, statement: Statement) -> Decision:
    return Decision(
        allowed=statement.allows,
        layer=layer,
        explicit=True,
        policy=policy.name,
        statement=statement.sid,
    )


def _refused(layer: Layer) -> Decision:
    return Decision(allowed=False, layer=layer, explicit=False)
