"""What templates let roles do that other templates did not: what is deployed against the estate.

Nobody knows of which estate something was deployed. Its policies are in its templates, and the
organization's are in one of them; so decisions are compared, request by request, and not texts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mlzone.access.decision import decide, example_resource
from mlzone.access.difference import (
    AccessChange,
    AccessDifference,
    ChangeKind,
    forbidden,
    guardrail_changes,
    place_of,
)
from mlzone.access.rendered import Rendered, read
from mlzone.access.role import Role
from mlzone.access.role_fact import RoleFact, conditions, denials, facts
from mlzone.estate import Estate
from mlzone.guardrail import ControlPolicy
from mlzone.theorem.guardrails import Guardrails
from mlzone_access import Effect, Policy, Request, Statement
from mlzone_access.principals import PrincipalElement

Source = tuple[str, Any, str, str]
"""The name of a stack, its template, its account and its Region."""
_NAMED = 3
"""So many resources of a change are named; the others are counted."""


class TemplateAccess:
    """Everything that templates say of access."""

    def __init__(self, estate: Estate, templates: Iterable[Source]) -> None:
        """Read templates.

        Args:
            estate: what is the organization's, and the boundary, which no template has.
            templates: the templates.
        """
        sources = list(templates)
        self._estate = estate
        self.rendered: Rendered = read(sources)
        self.control = tuple(_control(sources))
        """The organization's policies in them."""

    @cached_property
    def guardrails(self) -> Guardrails:
        """What is forbidden; what the estate forbids where no template has the guardrails."""
        return Guardrails(self._estate, control=self.control or None)

    def allows(self, role: Role, request: Request) -> bool:
        """Say whether a role can do something, as far as the templates show it."""
        policy = self.rendered.resource_policy(request.resource)
        return not forbidden(decide(self.guardrails, role, request, resource=policy))


def template_access_difference(
    estate: Estate, before: Iterable[Source], after: Iterable[Source]
) -> AccessDifference:
    """Compare the effective access under two sets of templates.

    Args:
        estate: whose organization they belong to.
        before: the templates that are deployed.
        after: those that would be.
    """
    old, new = TemplateAccess(estate, before), TemplateAccess(estate, after)
    looser, stricter = _of_guardrails(old, new)
    same = not looser and not stricter
    return AccessDifference(
        gained=tuple(sorted({*_gains(new, old, same=same), *looser})),
        lost=tuple(sorted({*_gains(old, new, same=same), *stricter})),
    )


# --- guardrails ---------------------------------------------------------------------------------


def _control(templates: Iterable[Source]) -> Iterator[ControlPolicy]:
    for _, content, _, _ in templates:
        for resource in content.get("Resources", {}).values():
            if resource["Type"] == "AWS::Organizations::Policy":
                said = resource["Properties"]
                yield ControlPolicy(
                    name=said["Name"],
                    type=said["Type"],
                    description=said.get("Description", ""),
                    content=said["Content"],
                    targets=tuple(said.get("TargetIds", ())),
                )


def _of_guardrails(
    old: TemplateAccess, new: TemplateAccess
) -> tuple[list[AccessChange], list[AccessChange]]:
    if old.control and new.control:
        return guardrail_changes(old.guardrails, new.guardrails)
    return _begin(old.control), _begin(new.control)


def _begin(policies: tuple[ControlPolicy, ...]) -> list[AccessChange]:
    """Return whole policies, where the other side has none."""
    return [
        AccessChange(
            kind=ChangeKind.GUARDRAIL,
            subject=policy.name,
            where="",
            what=f"binds {len(policy.targets)} accounts",
        )
        for policy in policies
    ]


# --- roles --------------------------------------------------------------------------------------


def _gains(of: TemplateAccess, other: TemplateAccess, *, same: bool) -> Iterator[AccessChange]:
    """Yield what can be done under some templates and not under the others."""
    for role in of.rendered.roles:
        before = other.rendered.by_arn.get(role.arn)
        if before is None and role.persona is None:
            yield _change(role, "is a role")
            continue
        yield from _Comparison(of, role, other, before, same=same).gains()
        yield from _trust(role, before)
    for arn, policy in of.rendered.resource_policies.items():
        was = other.rendered.resource_policies.get(arn)
        if was is not None and was != policy:
            yield from _resource(arn, policy, was)


@dataclass(frozen=True)
class _Comparison:
    """A role under two sets of templates."""

    of: TemplateAccess
    role: Role
    other: TemplateAccess
    before: Role | None
    same: bool
    """Whether the guardrails are the same."""

    def gains(self) -> Iterator[AccessChange]:
        found: dict[tuple[str, str], list[str]] = {}
        for fact in facts(self.role):
            for action in self._new(fact):
                found.setdefault((action, fact.statement.id), []).append(fact.resource)
        for (action, sid), resources in found.items():
            yield _change(self.role, f"{action} on {_listed(resources)} ({sid})")

    @cached_property
    def _same_role(self) -> bool:
        before = self.before
        return (
            self.same
            and before is not None
            and before.bounded == self.role.bounded
            and before.tags == self.role.tags
            and denials(before.policies) == denials(self.role.policies)
        )

    @cached_property
    def _known(self) -> frozenset[tuple[str, str, str]]:
        return frozenset(fact.key for fact in facts(self.before)) if self.before else frozenset()

    def _new(self, fact: RoleFact) -> Iterator[str]:
        """Yield the actions that a piece allows and the other side did not."""
        known = fact.key in self._known
        if known and self._same_role and self._same_policy(fact):
            return
        allowed, new = set(), set()
        asked = False
        for request in fact.requests(self.of.guardrails, self.role):
            asked = True
            if not self.of.allows(self.role, request):
                continue
            allowed.add(request.action)
            if self.before is None or not self.other.allows(self.before, request):
                new.add(request.action)
        if not asked:
            # No request shows what it means: then what it says counts.
            if not known:
                yield fact.key[0]
        elif new and new == allowed:
            yield fact.action
        else:
            yield from sorted(new)

    def _same_policy(self, fact: RoleFact) -> bool:
        resource = example_resource(fact.tokens, self.role)
        before = self.other.rendered.resource_policy(resource)
        return before == self.of.rendered.resource_policy(resource)


def _change(role: Role, what: str) -> AccessChange:
    return AccessChange(kind=ChangeKind.ROLE, subject=role.name, where=place_of(role), what=what)


def _listed(resources: list[str]) -> str:
    distinct = sorted(set(resources))
    more = len(distinct) - _NAMED
    return ", ".join(distinct[:_NAMED]) + (f" and {more} more" if more > 0 else "")


# --- who is named -------------------------------------------------------------------------------


def _trust(role: Role, before: Role | None) -> Iterator[AccessChange]:
    if before is None or role.trust is None or role.trust == before.trust:
        return
    known = set(_grants(before.trust)) if before.trust else set()
    for who, _, where in sorted(set(_grants(role.trust)) - known):
        yield _change(role, f"is taken by {who}{where}")


def _resource(arn: str, policy: Policy, before: Policy) -> Iterator[AccessChange]:
    for who, action, where in sorted(set(_grants(policy)) - set(_grants(before))):
        yield AccessChange(
            kind=ChangeKind.RESOURCE,
            subject=arn,
            where="",
            what=f"lets {who} {action}{where}",
        )


def _grants(policy: Policy) -> Iterator[tuple[str, str, str]]:
    """Yield whom a policy of a resource lets do what, and under which conditions."""
    for statement in policy.statements:
        if statement.effect is Effect.ALLOW and statement.principal:
            for who in _names(statement.principal):
                for action in statement.action_patterns:
                    yield who, action, _where(statement)


def _where(statement: Statement) -> str:
    said = conditions(statement)
    return f" where {said}" if said else ""


def _names(element: PrincipalElement) -> Iterator[str]:
    sign = "all but " if element.negated else ""
    if element.everyone:
        yield f"{sign}everybody"
    for name in (*element.accounts, *element.names, *element.services, *element.federated):
        yield sign + name
