"""What people can do after a change of the estate that they could not before, and the reverse.

Effective access is what a role's policies allow and no guardrail forbids. It changes with who has a
role, with what the role may do, and with the guardrails themselves.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mlzone.access.decision import decide, example_request
from mlzone.access.people import people_roles
from mlzone.access.role import Role
from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone.persona import PERSONAS, Persona, Scope
from mlzone.system_policy import SYSTEM_SID, system_roles
from mlzone.theorem.guardrails import TEAM_DATA, Guardrails
from mlzone_access import Decision, Effect, Layer


class ChangeKind(StrEnum):
    """What brought a change of access about."""

    PERSON = "person"
    ROLE = "role"
    SYSTEM = "system"
    RESOURCE = "resource"
    GUARDRAIL = "guardrail"


@dataclass(frozen=True, kw_only=True, order=True)
class AccessChange:
    """Something that can be done now and could not before, or the reverse."""

    kind: ChangeKind
    subject: str
    """The person, the role, the system's role, the resource or the guardrail's statement."""
    where: str
    """The account, with its environment; empty for guardrails."""
    what: str
    """The role that a person has, or the actions and resources."""


@dataclass(frozen=True, kw_only=True)
class AccessDifference:
    """The effective access that a change of the estate adds and takes away."""

    gained: tuple[AccessChange, ...]
    lost: tuple[AccessChange, ...]


def access_difference(base: Estate, head: Estate) -> AccessDifference:
    """Compare the effective access of two estates."""
    old, new = Guardrails(base), Guardrails(head)
    looser, stricter = guardrail_changes(old, new)
    if not looser and not stricter:
        base, head = _differing_units(base, head)
    roles_before = {role.arn: role for role in people_roles(base)}
    roles_after = {role.arn: role for role in people_roles(head)}
    same_guardrails = not looser and not stricter
    unchanged = {
        arn
        for arn, role in roles_before.items()
        if same_guardrails and roles_after.get(arn) == role
    }
    before = {*_people(base), *_systems(base), *_roles(old, roles_before, unchanged)}
    after = {*_people(head), *_systems(head), *_roles(new, roles_after, unchanged)}
    return AccessDifference(
        gained=tuple(sorted({*(after - before), *looser})),
        lost=tuple(sorted({*(before - after), *stricter})),
    )


def _differing_units(base: Estate, head: Estate) -> tuple[Estate, Estate]:
    """Leave out the units that are the same, where nothing above them differs either.

    What is the same on both sides is no difference, and a change of one team must not cost the more
    the more units there are.
    """
    if base.organization != head.organization:
        return base, head
    before = {unit.name: unit for unit in base.units}
    same = {unit.name for unit in head.units if before.get(unit.name) == unit}

    def narrowed(estate: Estate) -> Estate:
        return replace(estate, units=tuple(x for x in estate.units if x.name not in same))

    return narrowed(base), narrowed(head)


def _people(estate: Estate) -> Iterator[AccessChange]:
    """Yield each role of each person."""
    by_persona: dict[Persona, list[Role]] = {}
    for role in people_roles(estate):
        if role.persona:
            by_persona.setdefault(role.persona, []).append(role)
    for assignment in estate.assignments():
        profile = PERSONAS[assignment.persona]
        scope = (assignment.unit or "", assignment.team or "")
        for role in by_persona.get(assignment.persona, ()):
            if profile.scope is Scope.ORGANIZATION or (role.unit, role.team) == scope:
                yield AccessChange(
                    kind=ChangeKind.PERSON,
                    subject=assignment.person,
                    where=place_of(role),
                    what=f"{profile.title.lower()} ({role.name})",
                )


def _systems(estate: Estate) -> Iterator[AccessChange]:
    """Yield each system outside of the platform with the role that it takes."""
    naming = Naming(prefix=estate.organization.prefix)
    for unit in estate.units:
        for team in unit.teams:
            for role in system_roles(naming, unit, team, Stage.PROD):
                for system in role.systems:
                    yield AccessChange(
                        kind=ChangeKind.SYSTEM,
                        subject=system.role,
                        where=f"{unit.environments.prod.account} ({Stage.PROD})",
                        what=f"{role.duty} of {unit.name}/{role.model.name} ({role.name})",
                    )


def _roles(
    guardrails: Guardrails, roles: Mapping[str, Role], without: Collection[str]
) -> Iterator[AccessChange]:
    for arn, role in roles.items():
        if arn not in without:
            yield from _role_facts(guardrails, role)


def place_of(role: Role) -> str:
    """Return where a role is, such as `111111111111 (dev)`."""
    return f"{role.account} ({role.environment})"


def _role_facts(guardrails: Guardrails, role: Role) -> Iterator[AccessChange]:
    for policy in role.policies:
        for statement in policy.statements:
            if statement.effect is not Effect.ALLOW:
                continue
            for action in statement.action_patterns:
                request = example_request(guardrails, role, statement, action)
                if request and forbidden(decide(guardrails, role, request)):
                    continue
                yield AccessChange(
                    kind=ChangeKind.ROLE,
                    subject=role.name,
                    where=place_of(role),
                    what=f"{action} ({statement.id})",
                )


def forbidden(decision: Decision) -> bool:
    """Say whether a guardrail refuses; policies of resources are another matter."""
    return not decision.allowed and (decision.explicit or decision.layer is not Layer.RESOURCE)


# --- guardrails ---------------------------------------------------------------------------------

_LIMITS = "limits"
Fact = tuple[str, str, str]
"""A statement, one of its elements, and one value of it."""


def guardrail_changes(
    base: Guardrails, head: Guardrails
) -> tuple[list[AccessChange], list[AccessChange]]:
    """Return what the guardrails no longer deny, and what they deny besides."""
    before, after = set(_denials(base)), set(_denials(head))
    looser: list[AccessChange] = []
    stricter: list[AccessChange] = []
    limits = {fact[:2]: float(fact[2]) for fact in before if fact[1].startswith(_LIMITS)}
    for fact in before ^ after:
        statement, element, value = fact
        if element.startswith(_LIMITS) and (statement, element) in limits:
            if fact in before:
                continue
            gives = float(value) > limits[statement, element]
        else:
            # A value that a denial spares is access; any other takes access away.
            gives = (fact in after) == element.startswith("spares")
        (looser if gives else stricter).append(_of_guardrail(fact))
    return looser, stricter


def _of_guardrail(fact: Fact) -> AccessChange:
    statement, element, value = fact
    return AccessChange(
        kind=ChangeKind.GUARDRAIL, subject=statement, where="", what=f"{element} {value}"
    )


_ELEMENTS = {
    "Action": "denies",
    "NotAction": "spares",
    "Resource": "denies on",
    "NotResource": "spares on",
}


def _denials(guardrails: Guardrails) -> Iterator[Fact]:
    for policy, statement in guardrails.statements():
        if policy == TEAM_DATA and statement["Sid"].startswith(SYSTEM_SID):
            # They come and go with systems, which are told of by themselves.
            continue
        name = f"{policy}/{statement['Sid']}"
        for element, sign in _ELEMENTS.items():
            yield from ((name, sign, value) for value in _texts(statement.get(element)))
        conditions: Mapping[str, Mapping[str, Any]] = statement.get("Condition", {})
        for operator, keys in conditions.items():
            for key, values in keys.items():
                sign = f"{_sign(operator)} {key}"
                yield from ((name, sign, value) for value in _texts(values))
    for _, name, accounts in guardrails.attachments():
        yield from ((name, "denies in", account) for account in accounts)


def _sign(operator: str) -> str:
    """Say what a condition's values mean to a denial: a negated operator spares them."""
    if operator.startswith("NumericGreaterThan"):
        return _LIMITS
    return "spares" if "Not" in operator else "denies where"


def _texts(value: Any) -> Iterable[str]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
