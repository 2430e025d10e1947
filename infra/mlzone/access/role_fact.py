"""What a role is allowed, piece by piece, with requests that show whether it is so.

A piece is one action pattern on one resource pattern of one statement. Two policies that say the
same in other words have other pieces and the same answers: where a request can be made up that a
piece is meant for, the answer counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mlzone.access.decision import example_resource, example_value, request_of
from mlzone.access.role import Role
from mlzone.theorem.guardrails import Guardrails
from mlzone_access import ContextValue, Effect, Policy, Request, Statement, catalogue
from mlzone_access.conditions import Condition, Qualifier
from mlzone_access.patterns import Tokens, Variable

_PLAIN = ("String", "Arn")
"""Operators for whose values a request can be made up."""
_ANYTHING: Tokens = ("*",)


@dataclass(frozen=True, kw_only=True)
class RoleFact:
    """One action pattern on one resource pattern that a statement allows."""

    statement: Statement
    action: str
    tokens: Tokens

    @property
    def resource(self) -> str:
        """The resource pattern as it is written."""
        sign = "all but " if self.statement.not_resource else ""
        return sign + written(self.tokens)

    @property
    def key(self) -> tuple[str, str, str]:
        """What it says: the same key, the same piece."""
        sign = "all but " if self.statement.not_action else ""
        return sign + self.action, self.resource, conditions(self.statement)

    def requests(self, guardrails: Guardrails, role: Role) -> Iterator[Request]:
        """Yield requests that it is meant for: none if they cannot be made up."""
        said = self.statement
        if said.not_action or said.not_resource or not all(map(_is_plain, said.conditions)):
            return
        resource = example_resource(self.tokens, role)
        for context in _contexts(said, role):
            for action in catalogue.actions(self.action):
                request = request_of(guardrails, role, action, resource, context=context)
                if said.applies(request.resource, request.values):
                    yield request


def facts(role: Role) -> Iterator[RoleFact]:
    """Yield everything that a role's own policies allow."""
    for policy in role.policies:
        for statement in policy.statements:
            if statement.effect is Effect.ALLOW:
                for action in statement.action_patterns:
                    for tokens in statement.resource_patterns or (_ANYTHING,):
                        yield RoleFact(statement=statement, action=action, tokens=tokens)


def denials(policies: tuple[Policy, ...]) -> frozenset[Statement]:
    """Return what policies forbid."""
    return frozenset(
        statement
        for policy in policies
        for statement in policy.statements
        if statement.effect is Effect.DENY
    )


def conditions(statement: Statement) -> str:
    """Return a statement's conditions as a text."""
    return " and ".join(sorted(map(_said, statement.conditions)))


def written(tokens: Tokens) -> str:
    """Return a pattern as it is written in a policy."""
    return "".join(
        token
        if isinstance(token, str)
        else f"${{{token.key}}}"
        if isinstance(token, Variable)
        else str(token.value)
        for token in tokens
    )


def _said(condition: Condition) -> str:
    of = condition.operator
    name = f"{of.qualifier}:{of.name}" if of.qualifier else of.name
    sign = " not" if of.negated else ""
    missing = " if it exists" if of.if_exists else ""
    return f"{condition.key}{sign} {name} {', '.join(sorted(condition.values))}{missing}"


def _is_plain(condition: Condition) -> bool:
    of = condition.operator
    return of.name.startswith(_PLAIN) and not of.negated and of.qualifier is not Qualifier.ALL


def _contexts(statement: Statement, role: Role) -> Iterator[dict[str, ContextValue]]:
    """Yield the condition keys of requests, so that each value of each condition comes up."""
    first: dict[str, ContextValue] = {
        item.key: example_value(item.values[0], role) for item in statement.conditions
    }
    yield first
    for item in statement.conditions:
        for value in item.values[1:]:
            yield first | {item.key: example_value(value, role)}
