"""Answers to who can do something, and why somebody can or cannot."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlzone.access.decision import policies_of, request_of
from mlzone.access.reach import Reach, Step
from mlzone.access.role import Role
from mlzone.errors import ConfigError
from mlzone.estate import Stage
from mlzone.persona import PERSONAS, Place, Scope
from mlzone_access import (
    ContextValue,
    Decision,
    Effect,
    Layer,
    Policy,
    Request,
    catalogue,
    evaluate,
)


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A role that can do something, and the people whose doing leads there."""

    role: str
    """ARN of the role."""
    resource: str
    """On what."""
    reason: str
    """Which statement allows it."""
    people: tuple["Way", ...]


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a role of people leads to a role that can do something."""

    role: str
    """ARN of the role of people."""
    steps: tuple[Step, ...]
    """Empty: they can themselves."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """One statement that was looked at."""

    layer: Layer
    policy: str
    statement: str
    effect: Effect
    applies: bool


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a request is allowed or not."""

    role: str
    """ARN of the role."""
    action: str
    resource: str
    decision: Decision
    chain: tuple[Link, ...]
    """Every statement that covers the action, in the order of the evaluation."""


def who_can(
    reach: Reach, action: str, *, resource: str = "", environment: str = ""
) -> tuple[Holder, ...]:
    """Return every role that can do something, with the ways of people there.

    Args:
        reach: the estate's roles.
        action: such as `sagemaker:CreateEndpoint`.
        resource: its ARN; without it, whatever a role's own policies name.
        environment: only roles of these accounts: `dev`, `staging`, `prod` or a place of the
            organization.

    Raises:
        ConfigError: there is no such action or environment.
    """
    name = known_action(action)
    accounts = _accounts(reach, environment) if environment else None
    holders = {
        role.arn: found
        for role in reach.roles.values()
        if (accounts is None or role.account in accounts)
        and (found := _allowed(reach, role, name, resource))
    }
    ways: dict[str, list[Way]] = {arn: [] for arn in holders}
    for role in reach.roles.values():
        if role.persona is None:
            continue
        for arn, steps in reach.paths(role).items():
            if arn in holders:
                ways[arn].append(Way(role=role.arn, steps=steps))
    return tuple(
        Holder(role=arn, resource=on, reason=decision.reason, people=tuple(ways[arn]))
        for arn, (on, decision) in sorted(holders.items())
    )


def known_action(action: str) -> str:
    """Return an action as AWS spells it.

    Raises:
        ConfigError: there is none of that name; the message suggests one.
    """
    try:
        return catalogue.action(action).name
    except catalogue.CatalogueError as error:
        raise ConfigError(
            str(error.args[0]), hint="write it as service:Action, such as s3:GetObject"
        ) from error


def _allowed(reach: Reach, role: Role, action: str, resource: str) -> tuple[str, Decision] | None:
    if resource:
        decision = reach.decide(role, action, resource)
        return (resource, decision) if decision.allowed else None
    return next((item for item in reach.examples(role, action) if item[1].allowed), None)


def _accounts(reach: Reach, environment: str) -> frozenset[str]:
    estate = reach.guardrails.estate
    accounts = estate.organization.accounts
    places = {
        Place.SHARED_SERVICES.value: accounts.shared_services,
        Place.MANAGEMENT.value: accounts.management,
        Place.LOG_ARCHIVE.value: accounts.log_archive,
    }
    if environment in places:
        return frozenset({places[environment]})
    if environment not in set(Stage):
        raise ConfigError(
            f'got environment "{environment}"', hint=f"use one of {', '.join((*Stage, *places))}"
        )
    stage = Stage(environment)
    return frozenset(unit.environments[stage].account for unit in estate.units)


def roles_called(reach: Reach, principal: str, *, environment: str = "") -> tuple[Role, ...]:
    """Return the roles that a text names: an ARN, a role's name, or a person of the estate.

    Args:
        reach: the estate's roles.
        principal: the text.
        environment: only roles of these accounts.

    Raises:
        ConfigError: it names none.
    """
    found = [role for role in reach.roles.values() if principal in (role.arn, role.name)] or list(
        _of_person(reach, principal)
    )
    if not found:
        raise ConfigError(
            f'"{principal}" is neither a role nor a person of the estate',
            hint="give a person such as ana.souza, the name of a role, or its ARN",
        )
    if environment:
        accounts = _accounts(reach, environment)
        found = [role for role in found if role.account in accounts]
        if not found:
            raise ConfigError(
                f"{principal} has no role in {environment}", hint="leave out --environment"
            )
    return tuple(sorted(found, key=lambda role: role.arn))


def _of_person(reach: Reach, person: str) -> Iterator[Role]:
    for assignment in reach.guardrails.estate.assignments():
        if assignment.person != person:
            continue
        profile = PERSONAS[assignment.persona]
        for role in reach.roles.values():
            scoped = profile.scope is Scope.ORGANIZATION or role.unit == assignment.unit or (
                role.unit == "" and (assignment.unit or "") in role.name
            )  # fmt: skip
            teamed = profile.scope is not Scope.TEAM or role.team == assignment.team
            if role.persona is assignment.persona and scoped and teamed:
                yield role


def explain(
    reach: Reach,
    role: Role,
    action: str,
    resource: str,
    *,
    person: str,
    context: Mapping[str, ContextValue],
) -> Explanation:
    """Decide a request of a role and tell every statement that was looked at.

    Args:
        reach: the estate's roles.
        role: the caller.
        action: such as `s3:GetObject`.
        resource: its ARN, or `*`.
        person: who is behind the session.
        context: condition keys of the request.

    Raises:
        ConfigError: there is no such action.
    """
    name = known_action(action)
    request = request_of(reach.guardrails, role, name, resource, person=person, context=context)
    policy = reach.assembly.resource_policy(resource)
    policies = policies_of(reach.guardrails, role, resource=policy)
    layers: list[tuple[Layer, Policy | None]] = [
        *((Layer.SCP, item) for level in policies.scps for item in level),
        *((Layer.RCP, item) for level in policies.rcps for item in level),
        (Layer.RESOURCE, policies.resource),
        *((Layer.IDENTITY, item) for item in policies.identity),
        (Layer.BOUNDARY, policies.boundary),
    ]
    return Explanation(
        role=role.arn,
        action=name,
        resource=resource,
        decision=evaluate(request, policies),
        chain=tuple(
            link for layer, item in layers if item for link in _links(layer, item, request)
        ),
    )


def _links(layer: Layer, policy: Policy, request: Request) -> Iterator[Link]:
    for statement in policy.for_action(request.action.lower()):
        yield Link(
            layer=layer,
            policy=policy.name,
            statement=statement.id,
            effect=statement.effect,
            applies=statement.applies(request.resource, request.values)
            and bool(statement.grant(request.principal, bounded=True)),
        )
