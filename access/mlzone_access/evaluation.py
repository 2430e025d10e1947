"""AWS's policy evaluation logic over parsed policies.

The order and the nuances follow "How AWS enforcement code logic evaluates requests", "Policy
evaluation for requests within a single account" and "Cross-account policy evaluation logic" of the
IAM user guide:

1. An explicit deny in any policy that applies ends it.
2. Every level of the organization (root, each unit, account) must allow: SCPs for the caller's
   account, unless it is the management account or the caller a service-linked role. RCPs always
   carry `RCPFullAWSAccess`, so only their denies count, and only for services that honour them.
3. The policy of the VPC endpoint, when the request comes through one, must allow.
4. Within one account, an allow of the resource policy is enough if it names the caller's session,
   an IAM user or everyone; if it names the role behind a session, boundary and session policy
   still have to allow; if it names the account, all of the caller's own policies have to.
   Otherwise identity policies, boundary and session policy all have to allow.
5. Across accounts, the caller's own policies and the resource policy both have to allow.
6. KMS keys and roles to be assumed are reached only through their own policy.
"""

from dataclasses import dataclass

from mlzone_access.decision import Decision, Layer
from mlzone_access.errors import PolicyError
from mlzone_access.policy import Effect, Policy, Statement
from mlzone_access.principals import Grant, PrincipalKind
from mlzone_access.request import Request

RCP_SERVICES: frozenset[str] = frozenset(
    {"s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "logs", "events"}
    | {"codebuild", "codepipeline", "codecommit", "codeartifact", "dynamodb", "aoss"}
)
"""Service prefixes taken to honour RCPs; for any other, an RCP is not counted on."""

OWN_BUCKET_POLICY: frozenset[str] = frozenset(
    {"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"}
)
FREE_FOR_ALL: frozenset[str] = frozenset({"sts:getcalleridentity"})

Levels = tuple[tuple[Policy, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Everything that applies to a request.

    Attributes:
        identity: Managed and inline policies of the caller (of a user, also those of its groups).
        boundary: The caller's permissions boundary.
        session: The policies given when the session began; any of them may allow.
        scps: For each level of the caller's organization, root first and account last, the SCPs
            attached to it. Empty: the account is in no organization.
        rcps: The same for RCPs, of the resource's account.
        resource: The policy of the resource: bucket, key, repository, role trust policy, ...
        endpoint: The policy of the VPC endpoint that the request came through.
        management_account: The organization's management account, to which neither SCPs nor RCPs
            apply.
        resource_must_allow: Whether the resource's policy has the last word even in its own
            account. By default as in AWS: for KMS keys and for roles to be assumed.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] = ()
    scps: Levels = ()
    rcps: Levels = ()
    resource: Policy | None = None
    endpoint: Policy | None = None
    management_account: str = ""
    resource_must_allow: bool | None = None

    def __post_init__(self) -> None:
        """Refuse a policy in a place where its statements could not be meant."""
        for policy in (self.resource, self.endpoint, *(p for level in self.rcps for p in level)):
            if policy and policy.some_names_no_principal:
                raise PolicyError(policy.name, "", "a policy of a resource must name principals")
        scps = (p for level in self.scps for p in level)
        for policy in (self.boundary, *self.identity, *self.session, *scps):
            if policy and policy.some_names_principal:
                raise PolicyError(policy.name, "", "a policy of a caller must name no principal")


@dataclass(frozen=True, slots=True)
class _Found:
    """The statement of a policy that counts."""

    layer: Layer
    policy: Policy
    statement: Statement


class _Denied(Exception):  # noqa: N818  (carries a decision, is not an error)
    """Ends the evaluation at the first explicit deny."""

    def __init__(self, found: _Found) -> None:
        super().__init__()
        self.found = found


def evaluate(request: Request, policies: Policies) -> Decision:
    """Decide one request."""
    try:
        return _Evaluation(request, policies).decide()
    except _Denied as denied:
        return _by(denied.found)


@dataclass(frozen=True, slots=True)
class _Allows:
    """The allowing statements found, by layer."""

    identity: _Found | None
    boundary: _Found | None
    session: _Found | None
    grant: Grant
    resource: _Found | None


class _Evaluation:
    """The state of one decision."""

    def __init__(self, request: Request, policies: Policies) -> None:
        self.request = request
        self.policies = policies
        self.action = request.action.lower()
        self.bounded = policies.boundary is not None

    def decide(self) -> Decision:
        """Go through the layers; an explicit deny anywhere leaves by `_Denied`."""
        policies = self.policies
        if self.action in FREE_FOR_ALL:
            return _plain("nobody can be denied this action")
        missing_scp = self._scps()
        self._rcps()
        endpoint = self._allow(Layer.ENDPOINT, policies.endpoint)
        grant, granting = self._resource_policy()
        allows = _Allows(
            identity=self._first(Layer.IDENTITY, policies.identity),
            boundary=self._allow(Layer.BOUNDARY, policies.boundary),
            session=self._first(Layer.SESSION, policies.session),
            grant=grant,
            resource=granting,
        )
        if missing_scp is not None:
            return _lacking(Layer.SCP, missing_scp)
        if policies.endpoint is not None and endpoint is None:
            return _lacking(Layer.ENDPOINT, "the VPC endpoint's policy does not allow it")
        return self._combine(allows)

    def _combine(self, allows: _Allows) -> Decision:
        """Weigh the caller's own policies and the resource's against each other."""
        who, owner = self.request.principal, self.request.resource_account
        if not who.has_identity_policies:
            if allows.resource is None:
                return _lacking(Layer.RESOURCE, "only the resource's policy could allow it")
            return _by(allows.resource)
        own = self._own(allows)
        if who.account == owner:
            return self._same_account(allows, own)
        if not own.allowed or allows.resource is not None:
            return own
        why = f"the resource is of account {owner}, whose policy does not allow it"
        return _lacking(Layer.RESOURCE, why)

    def _same_account(self, allows: _Allows, own: Decision) -> Decision:
        if allows.resource is None:
            if not _needs_resource_policy(self.request, self.policies):
                return own
            why = "it is reached only through its own policy, which does not allow it"
            return _lacking(Layer.RESOURCE, why)
        if allows.grant is Grant.DIRECT:
            return _by(allows.resource)
        if allows.grant is Grant.ENTITY:
            return self._limit(allows) or _by(allows.resource)
        return own

    def _own(self, allows: _Allows) -> Decision:
        """What the caller's own policies say together."""
        if self.request.principal.kind is PrincipalKind.ROOT:
            return _plain("the root user of the account has full access")
        if allows.identity is None:
            return _lacking(Layer.IDENTITY, "no policy of the caller allows it")
        return self._limit(allows) or _by(allows.identity)

    def _limit(self, allows: _Allows) -> Decision | None:
        """The boundary and the session policies, which only ever take away."""
        if self.policies.boundary is not None and allows.boundary is None:
            return _lacking(Layer.BOUNDARY, "the caller's permissions boundary does not allow it")
        if self.policies.session and allows.session is None:
            return _lacking(Layer.SESSION, "the policy of the caller's session does not allow it")
        return None

    def _scps(self) -> str | None:
        """Check each level; the result says which level lacks an allow."""
        who = self.request.principal
        exempt = who.account == self.policies.management_account or who.service_linked
        if exempt or not who.has_identity_policies:
            return None
        missing = None
        last = len(self.policies.scps) - 1
        for depth, level in enumerate(self.policies.scps):
            if self._first(Layer.SCP, level) is None and missing is None:
                name = "root" if depth == 0 else "account" if depth == last else f"unit {depth}"
                missing = f"no policy at the organization's {name} level allows it"
        return missing

    def _rcps(self) -> None:
        request = self.request
        exempt = (
            request.resource_account == self.policies.management_account
            or request.principal.service_linked
        )
        if exempt or request.service not in RCP_SERVICES:
            return
        for level in self.policies.rcps:
            self._first(Layer.RCP, level)

    def _resource_policy(self) -> tuple[Grant, _Found | None]:
        policy = self.policies.resource
        best, granting = Grant.NONE, None
        if policy is None:
            return best, granting
        request = self.request
        own_bucket = (
            self.action in OWN_BUCKET_POLICY
            and request.principal.kind is PrincipalKind.ROOT
            and request.principal.account == request.resource_account
        )
        for statement in policy.for_action(self.action):
            grant = statement.grant(request.principal, bounded=self.bounded)
            if grant <= best and statement.effect is Effect.ALLOW:
                continue
            if grant is Grant.NONE or not statement.applies(request.resource, request.values):
                continue
            found = _Found(Layer.RESOURCE, policy, statement)
            if statement.effect is Effect.ALLOW:
                best, granting = grant, found
            elif not own_bucket:
                raise _Denied(found)
        return best, granting

    def _first(self, layer: Layer, policies: tuple[Policy, ...]) -> _Found | None:
        found = None
        for policy in policies:
            found = self._allow(layer, policy) or found
        return found

    def _allow(self, layer: Layer, policy: Policy | None) -> _Found | None:
        """Find an allow of one policy; a deny ends the evaluation."""
        if policy is None:
            return None
        request = self.request
        for statement in policy.for_action(self.action):
            if not statement.applies(request.resource, request.values):
                continue
            if statement.grant(request.principal, bounded=self.bounded) is Grant.NONE:
                continue
            found = _Found(layer, policy, statement)
            if statement.effect is Effect.DENY:
                raise _Denied(found)
            return found
        return None


def _needs_resource_policy(request: Request, policies: Policies) -> bool:
    """Whether the resource is one that no identity policy reaches on its own."""
    if policies.resource_must_allow is not None:
        return policies.resource_must_allow
    if request.service == "kms":
        return ":key/" in request.resource
    return request.action.lower().startswith("sts:assumerole")


def _by(found: _Found) -> Decision:
    allowed = found.statement.effect is Effect.ALLOW
    verb = "allowed" if allowed else "denied"
    name, statement = found.policy.name, found.statement.id
    return Decision(
        allowed=allowed,
        layer=found.layer,
        explicit=True,
        policy=name,
        statement=statement,
        reason=f"{verb} by {statement} of {name} ({found.layer})",
    )


def _lacking(layer: Layer, why: str) -> Decision:
    return Decision(allowed=False, layer=layer, explicit=False, reason=f"denied because {why}")


def _plain(why: str) -> Decision:
    return Decision(
        allowed=True, layer=Layer.IDENTITY, explicit=False, reason=f"allowed because {why}"
    )
