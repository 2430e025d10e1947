"""The evaluation logic of `mlzone_access.evaluation`, over a symbolic request.

Each rule here mirrors one there; differential tests hold the two together.
"""

from dataclasses import dataclass

import z3

from mlzone_access.evaluation import FREE_FOR_ALL, OWN_BUCKET_POLICY, RCP_SERVICES, Policies
from mlzone_access.patterns import compile_resource
from mlzone_access.policy import Effect, Policy, Statement
from mlzone_access.principals import PrincipalElement, PrincipalKind
from mlzone_access.prover.symbolic import SymbolicRequest
from mlzone_access.prover.text import any_of, matches

_FALSE = z3.BoolVal(False)
_TRUE = z3.BoolVal(True)


@dataclass(frozen=True)
class _Named:
    """How a statement names the caller, strongest first; each includes only its own strength."""

    direct: z3.BoolRef
    entity: z3.BoolRef
    account: z3.BoolRef

    @property
    def somehow(self) -> z3.BoolRef:
        return z3.Or(self.direct, self.entity, self.account)


class Encoding:
    """Encodes policies over one symbolic request."""

    def __init__(self, request: SymbolicRequest, policies: Policies) -> None:
        """Prepare for a request and the policies that bear on it."""
        self.request = request
        self.policies = policies

    def covers(self, statement: Statement) -> z3.BoolRef:
        """Say that action, resource and conditions of a statement fit the request."""
        request = self.request
        if not statement.covers_action(request.action):
            return _FALSE
        terms = []
        if statement.resources is not None:
            resources = any_of(
                [
                    matches(request.resource, pattern, compile_resource, request.resolve)
                    for pattern in statement.resource_patterns
                ]
            )
            terms.append(z3.Not(resources) if statement.not_resource else resources)
        terms += [request.holds(condition) for condition in statement.conditions]
        return z3.And(*terms) if terms else _TRUE

    def allowed(self, *, any_identity: bool, any_resource: bool) -> z3.BoolRef:
        """Say that the request is allowed.

        Args:
            any_identity: The caller's identity policies allow everything.
            any_resource: The resource's policy allows everything to everyone.
        """
        policies, request = self.policies, self.request
        who = request.caller
        identity = list(policies.identity)
        own_policies = [*identity, *policies.session]
        if policies.boundary:
            own_policies.append(policies.boundary)
        with_identity = who.kind in {PrincipalKind.ROLE, PrincipalKind.USER, PrincipalKind.ROOT}
        denied = [self._denies(policy) for policy in own_policies]
        denied += [self._scps_deny(with_identity=with_identity), self._rcps_deny()]
        needs = [self._scps_allow(with_identity=with_identity)]
        if policies.endpoint:
            denied.append(self._denies(policies.endpoint))
            needs.append(self._allows(policies.endpoint))
        named = self._resource_grants(any_resource=any_resource)
        denied.append(self._resource_denies())
        if not with_identity:
            granted = named.somehow
        else:
            own_identity = _TRUE if any_identity else any_of([self._allows(p) for p in identity])
            granted = self._combine(named, own_identity)
        if request.action in FREE_FOR_ALL:
            return _TRUE
        return z3.And(*needs, granted, z3.Not(any_of(denied)))

    def _combine(self, named: _Named, identity: z3.BoolRef) -> z3.BoolRef:
        policies, request = self.policies, self.request
        boundary = self._allows(policies.boundary) if policies.boundary else _TRUE
        session = any_of([self._allows(p) for p in policies.session]) if policies.session else _TRUE
        limit = z3.And(boundary, session)
        root = request.caller.kind is PrincipalKind.ROOT
        own = _TRUE if root else z3.And(identity, limit)
        reachable = z3.Or(z3.Not(self._needs_resource_policy()), named.somehow)
        return z3.If(
            request.same_account(),
            z3.Or(named.direct, z3.And(named.entity, limit), z3.And(own, reachable)),
            z3.And(own, named.somehow),
        )

    def _needs_resource_policy(self) -> z3.BoolRef:
        if self.policies.resource_must_allow is not None:
            return z3.BoolVal(self.policies.resource_must_allow)
        request = self.request
        if request.service_is("kms"):
            return z3.Contains(request.resource, z3.StringVal(":key/"))
        return z3.BoolVal(request.action.startswith("sts:assumerole"))

    def _denies(self, policy: Policy) -> z3.BoolRef:
        return self._some(policy, Effect.DENY)

    def _allows(self, policy: Policy) -> z3.BoolRef:
        return self._some(policy, Effect.ALLOW)

    def _some(self, policy: Policy, effect: Effect) -> z3.BoolRef:
        return any_of(
            [
                z3.And(self.covers(statement), self._names(statement).somehow)
                for statement in policy.statements
                if statement.effect is effect
            ]
        )

    def _scps_exempt(self, *, with_identity: bool) -> z3.BoolRef:
        who = self.request.caller
        if not with_identity:
            return _TRUE
        return z3.Or(who.in_account([self.policies.management_account]), who.service_linked)

    def _scps_deny(self, *, with_identity: bool) -> z3.BoolRef:
        denies = any_of([self._denies(p) for level in self.policies.scps for p in level])
        return z3.And(denies, z3.Not(self._scps_exempt(with_identity=with_identity)))

    def _scps_allow(self, *, with_identity: bool) -> z3.BoolRef:
        levels = [any_of([self._allows(p) for p in level]) for level in self.policies.scps]
        return z3.Or(self._scps_exempt(with_identity=with_identity), z3.And(*levels))

    def _rcps_deny(self) -> z3.BoolRef:
        request, policies = self.request, self.policies
        denies = any_of([self._denies(p) for level in policies.rcps for p in level])
        management = _FALSE
        if policies.management_account:
            management = request.owned_by(policies.management_account)
        served = z3.BoolVal(request.action.partition(":")[0] in RCP_SERVICES)
        exempt = z3.Or(management, request.caller.service_linked)
        return z3.And(denies, served, z3.Not(exempt))

    def _resource_denies(self) -> z3.BoolRef:
        request, policy = self.request, self.policies.resource
        if policy is None:
            return _FALSE
        denies = self._denies(policy)
        if request.caller.kind is not PrincipalKind.ROOT or request.action not in OWN_BUCKET_POLICY:
            return denies
        return z3.And(denies, z3.Not(request.same_account()))

    def _resource_grants(self, *, any_resource: bool) -> _Named:
        if any_resource:
            return _Named(_TRUE, _FALSE, _FALSE)
        policy = self.policies.resource
        allows = [s for s in policy.statements if s.effect is Effect.ALLOW] if policy else []
        covered = [(self.covers(statement), self._names(statement)) for statement in allows]
        return _Named(
            any_of([z3.And(cover, named.direct) for cover, named in covered]),
            any_of([z3.And(cover, named.entity) for cover, named in covered]),
            any_of([z3.And(cover, named.account) for cover, named in covered]),
        )

    def _names(self, statement: Statement) -> _Named:
        element = statement.principal
        if element is None:
            return _Named(_TRUE, _FALSE, _FALSE)
        if not element.negated:
            return self._listed(element)
        if statement.effect is Effect.ALLOW:
            return _Named(z3.Not(self._listed(element).somehow), _FALSE, _FALSE)
        spared = self._wholly_listed(element) if self.policies.boundary is None else _FALSE
        return _Named(z3.Not(spared), _FALSE, _FALSE)

    def _listed(self, element: PrincipalElement) -> _Named:
        who = self.request.caller
        outsider = self._outsider(element)
        session, entity = who.is_session(element.names), who.is_entity(element.names)
        account = who.in_account(element.accounts)
        direct = [z3.BoolVal(element.everyone), outsider, session]
        if who.kind is PrincipalKind.ROOT:
            direct.append(account)
        if who.kind is PrincipalKind.USER and who.given and not who.given.session_arn:
            direct.append(entity)
        return _Named(z3.Or(*direct), entity, account)

    def _wholly_listed(self, element: PrincipalElement) -> z3.BoolRef:
        who = self.request.caller
        if who.given is not None:
            return z3.BoolVal(element.wholly_lists(who.given))
        names = element.names
        listed = (who.in_account(element.accounts), who.is_entity(names), who.is_session(names))
        return z3.Or(z3.BoolVal(element.everyone), z3.And(*listed))

    def _outsider(self, element: PrincipalElement) -> z3.BoolRef:
        given = self.request.caller.given
        return z3.BoolVal(given is not None and element.lists_outsider(given))
