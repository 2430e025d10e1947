"""Findings about a policy that parses but cannot mean what its author wanted.

Evaluation never looks at this: AWS itself accepts a policy with an unknown action.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mlzone_access import catalogue
from mlzone_access.catalogue import CatalogueError
from mlzone_access.patterns import Tokens, Variable
from mlzone_access.policy import Effect, Policy, Statement

_MANY_ACTIONS = 400


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with a statement.

    Attributes:
        rule: What kind of fault: `unknown-service`, `unknown-action`, `unknown-key`,
            `key-not-carried` or `unknown-variable`.
        policy: The policy's name.
        statement: `Sid` or `Statement[n]`.
        message: What is wrong, in one sentence.
    """

    rule: str
    policy: str
    statement: str
    message: str


def lint(policy: Policy) -> tuple[Finding, ...]:
    """Check every action, condition key and policy variable against the catalogue."""
    found = []
    for statement in policy.statements:
        for rule, message in _statement(statement):
            found.append(Finding(rule, policy.name, statement.id, message))
    return tuple(found)


def _statement(statement: Statement) -> Iterator[tuple[str, str]]:
    named: list[str] = []
    for pattern in statement.action_patterns:
        covered = catalogue.actions(pattern)
        named += covered
        if not covered:
            yield _unknown(pattern)
    services = {name.partition(":")[0] for name in named}
    for key in sorted({condition.key for condition in statement.conditions}):
        if not _exists(key, services):
            yield "unknown-key", f"{key!r} is not a condition key"
        elif not statement.not_action and not _carried(key, named):
            effect = "never allows" if statement.effect is Effect.ALLOW else "may not do"
            yield (
                "key-not-carried",
                f"no action of the statement carries {key!r}: it {effect} what it seems to",
            )
    for key in sorted(_variables(statement)):
        if not _exists(key, services):
            yield "unknown-variable", f"{key!r} is not a condition key: the variable has no value"


def _unknown(pattern: str) -> tuple[str, str]:
    service = pattern.partition(":")[0]
    rule = "unknown-action" if service in catalogue.services() else "unknown-service"
    try:
        catalogue.action(pattern)
    except CatalogueError as error:
        return rule, str(error)
    return rule, f"{pattern!r} covers no action"


def _exists(key: str, services: set[str]) -> bool:
    return catalogue.key_exists(key) or any(catalogue.key_exists(key, s) for s in services)


def _carried(key: str, named: list[str]) -> bool:
    """Whether some covered action carries the key; taken for granted for very broad statements."""
    if catalogue.is_global_key(key) or len(named) > _MANY_ACTIONS or not named:
        return True
    if key.startswith(("saml:", "sts:")):
        return True
    return any(catalogue.action(name).has_key(key) for name in named)


def _variables(statement: Statement) -> Iterator[str]:
    texts: list[Tokens] = list(statement.resource_patterns)
    for condition in statement.conditions:
        texts += condition.patterns
    for tokens in texts:
        yield from (token.key for token in tokens if isinstance(token, Variable))
