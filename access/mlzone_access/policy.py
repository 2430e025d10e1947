"""A policy document, parsed and checked once into a form that is quick to evaluate."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from mlzone_access.conditions import Condition, compile_condition, parse_operator
from mlzone_access.errors import PolicyError
from mlzone_access.patterns import (
    Lookup,
    Patterns,
    Tokens,
    compile_resource,
    compile_text,
    tokenize,
)
from mlzone_access.principals import Grant, Principal, PrincipalElement, parse_principal

_VERSIONS = ("2008-10-17", "2012-10-17")
_DOCUMENT_KEYS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_KEYS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"}
    | {"Principal", "NotPrincipal", "Condition"}
)
_CACHED_ACTIONS = 4096


class Effect(StrEnum):
    """What a statement does when it applies."""

    ALLOW = "Allow"
    DENY = "Deny"


class PolicyKind(StrEnum):
    """Where a policy is attached, which decides the elements that it must and must not have."""

    IDENTITY = "identity policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    SCP = "service control policy"
    RCP = "resource control policy"
    RESOURCE = "resource policy"
    TRUST = "role trust policy"
    ENDPOINT = "VPC endpoint policy"


_NAMES_PRINCIPALS = {
    PolicyKind.RESOURCE,
    PolicyKind.TRUST,
    PolicyKind.ENDPOINT,
    PolicyKind.RCP,
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, compiled.

    Attributes:
        id: Its `Sid`, or `Statement[n]` if it has none.
        effect: Allow or Deny.
        actions: The patterns of `Action` or `NotAction`, lower case.
        not_action: The patterns come from `NotAction`.
        resources: The patterns of `Resource` or `NotResource`; None if neither is given, as in a
            role's trust policy.
        not_resource: The patterns come from `NotResource`.
        principal: The `Principal` or `NotPrincipal` element; None in an identity policy.
        conditions: All of them must hold.
        resource_patterns: The resource patterns as tokens, for tools that reason about them.
        action_patterns: The action patterns as text, lower case.
        variables: `${...}` is a policy variable in this statement.
    """

    id: str
    effect: Effect
    actions: Patterns
    not_action: bool
    resources: Patterns | None
    not_resource: bool
    principal: PrincipalElement | None
    conditions: tuple[Condition, ...]
    resource_patterns: tuple[Tokens, ...]
    action_patterns: tuple[str, ...]
    variables: bool

    def covers_action(self, action: str) -> bool:
        """Say whether `action` (lower case) falls under the statement."""
        return self.actions.match(action, _no_values) != self.not_action

    def applies(self, resource: str, lookup: Lookup) -> bool:
        """Say whether the resource and the conditions fit; the action was checked before."""
        if (
            self.resources is not None
            and self.resources.match(resource, lookup) == self.not_resource
        ):
            return False
        return all(condition.holds(lookup) for condition in self.conditions)

    def grant(self, who: Principal, *, bounded: bool) -> Grant:
        """Say how directly the statement names the caller."""
        if self.principal is None:
            return Grant.DIRECT
        return self.principal.grant(who, bounded=bounded, deny=self.effect is Effect.DENY)


def _no_values(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy document; make one with `parse` and keep it."""

    name: str
    statements: tuple[Statement, ...]
    some_names_principal: bool = field(init=False, repr=False, compare=False)
    some_names_no_principal: bool = field(init=False, repr=False, compare=False)
    _by_action: dict[str, tuple[Statement, ...]] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Note what decides where the policy may be attached."""
        named = [statement.principal is not None for statement in self.statements]
        object.__setattr__(self, "some_names_principal", any(named))
        object.__setattr__(self, "some_names_no_principal", not all(named))

    @classmethod
    def parse(
        cls, document: Mapping[str, Any] | str, *, name: str, kind: PolicyKind | None = None
    ) -> Self:
        """Read and check a policy document.

        Args:
            document: The document, as JSON text or as the mapping that JSON gives.
            name: How decisions refer to the policy.
            kind: Where it is attached; with it, the elements that AWS requires or forbids there
                are checked too.

        Raises:
            PolicyError: AWS would refuse the document.
        """
        raw = _load(document, name)
        for key in raw:
            if key not in _DOCUMENT_KEYS:
                raise PolicyError(name, "", f"{key!r} is not an element of a policy")
        version = raw.get("Version", _VERSIONS[0])
        if version not in _VERSIONS:
            raise PolicyError(
                name, "Version", f"got {version!r}, expected {' or '.join(_VERSIONS)}"
            )
        statements = raw.get("Statement")
        if isinstance(statements, Mapping):
            statements = [statements]
        if not isinstance(statements, Sequence) or isinstance(statements, str) or not statements:
            raise PolicyError(name, "Statement", "expected one statement or a list of them")
        parsed = []
        seen: set[str] = set()
        for index, statement in enumerate(statements):
            reader = _StatementReader(name, f"Statement[{index}]", version != _VERSIONS[0], kind)
            made = reader.read(statement)
            if made.id in seen:
                raise reader.error("Sid", f"{made.id!r} occurs twice in this policy")
            seen.add(made.id)
            parsed.append(made)
        return cls(name, tuple(parsed))

    def for_action(self, action: str) -> tuple[Statement, ...]:
        """Give the statements that cover `action` (lower case), denies first."""
        found = self._by_action.get(action)
        if found is None:
            covering = [s for s in self.statements if s.covers_action(action)]
            covering.sort(key=lambda s: s.effect is Effect.ALLOW)
            found = tuple(covering)
            if len(self._by_action) >= _CACHED_ACTIONS:
                self._by_action.clear()
            self._by_action[action] = found
        return found


def _load(document: Mapping[str, Any] | str, name: str) -> Mapping[str, Any]:
    if not isinstance(document, str):
        if not isinstance(document, Mapping):
            raise PolicyError(name, "", f"got {type(document).__name__}, expected a JSON object")
        return document

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise PolicyError(name, "", f"the key {twice!r} occurs twice in one object")
        return made

    try:
        raw = json.loads(document, object_pairs_hook=unique)
    except (json.JSONDecodeError, RecursionError) as error:
        raise PolicyError(name, "", f"not valid JSON: {error}") from error
    if not isinstance(raw, Mapping):
        raise PolicyError(name, "", f"got {type(raw).__name__}, expected a JSON object")
    return raw


@dataclass(frozen=True)
class _StatementReader:
    """Reads one statement and says where a fault is."""

    policy: str
    where: str
    variables: bool
    kind: PolicyKind | None

    def error(self, element: str, problem: str) -> PolicyError:
        return PolicyError(
            self.policy, f"{self.where}.{element}" if element else self.where, problem
        )

    def read(self, raw: object) -> Statement:
        if not isinstance(raw, Mapping):
            raise self.error("", f"got {type(raw).__name__}, expected a JSON object")
        for key in raw:
            if key not in _STATEMENT_KEYS:
                raise self.error("", f"{key!r} is not an element of a statement")
        sid = raw.get("Sid", "")
        if not isinstance(sid, str):
            raise self.error("Sid", f"got {sid!r}, expected text")
        if raw.get("Effect") not in tuple(Effect):
            raise self.error("Effect", f"got {raw.get('Effect')!r}, expected Allow or Deny")
        action_element = self._one_of(raw, "Action", "NotAction")
        resource_element = self._one_of(raw, "Resource", "NotResource")
        principal_element = self._one_of(raw, "Principal", "NotPrincipal")
        if action_element is None:
            raise self.error("", "expected Action or NotAction")
        self._check_kind(resource_element, principal_element)
        actions = self._actions(raw, action_element)
        resources = self._resources(raw, resource_element) if resource_element else []
        return Statement(
            id=sid or self.where,
            effect=Effect(raw["Effect"]),
            actions=Patterns.of(
                [tokenize(a, variables=False, wildcards=True) for a in actions], compile_text
            ),
            not_action=action_element == "NotAction",
            resources=Patterns.of(resources, compile_resource) if resource_element else None,
            not_resource=resource_element == "NotResource",
            principal=self._principal(raw, principal_element),
            conditions=tuple(self._conditions(raw.get("Condition", {}))),
            resource_patterns=tuple(resources),
            action_patterns=tuple(actions),
            variables=self.variables,
        )

    def _one_of(self, raw: Mapping[str, Any], plain: str, negated: str) -> str | None:
        if plain in raw and negated in raw:
            raise self.error("", f"got both {plain} and {negated}, expected one of them")
        return plain if plain in raw else negated if negated in raw else None

    def _check_kind(self, resource: str | None, principal: str | None) -> None:
        if self.kind is None:
            return
        if self.kind in _NAMES_PRINCIPALS and principal is None:
            raise self.error("", f"a {self.kind} must name a Principal")
        if self.kind not in _NAMES_PRINCIPALS and principal is not None:
            raise self.error(principal, f"a {self.kind} names no principal")
        if self.kind is PolicyKind.TRUST and resource is not None:
            raise self.error(resource, "a role trust policy names no resource: it is the role")
        if self.kind is not PolicyKind.TRUST and resource is None:
            raise self.error("", f"a {self.kind} must name a Resource")

    def _texts(self, raw: Mapping[str, Any], element: str) -> list[str]:
        value = raw[element]
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, Sequence) or not texts:
            raise self.error(element, f"got {value!r}, expected text or a list of texts")
        for text in texts:
            if not isinstance(text, str) or not text:
                raise self.error(element, f"got {text!r}, expected text")
        return list(texts)

    def _actions(self, raw: Mapping[str, Any], element: str) -> list[str]:
        actions = self._texts(raw, element)
        for action in actions:
            service, colon, name = action.partition(":")
            if action != "*" and not (service and colon and name):
                raise self.error(element, f"got {action!r}, expected service:Action")
            if service != "*" and ("*" in service or "?" in service):
                raise self.error(element, f"{action!r} has a wildcard in its service")
        return [action.lower() for action in actions]

    def _resources(self, raw: Mapping[str, Any], element: str) -> list[Tokens]:
        found = []
        for text in self._texts(raw, element):
            if not text.startswith("arn:") and text.strip("*") != "":
                raise self.error(element, f'got {text!r}, expected an ARN or "*"')
            try:
                found.append(tokenize(text, variables=self.variables, wildcards=True))
            except ValueError as error:
                raise self.error(element, str(error)) from error
        return found

    def _principal(self, raw: Mapping[str, Any], element: str | None) -> PrincipalElement | None:
        if element is None:
            return None
        try:
            return parse_principal(raw[element], negated=element == "NotPrincipal")
        except ValueError as error:
            raise self.error(element, str(error)) from error

    def _conditions(self, block: object) -> Iterator[Condition]:
        if not isinstance(block, Mapping):
            raise self.error("Condition", f"got {block!r}, expected a JSON object")
        for name, keys in block.items():
            where = f"Condition.{name}"
            if not isinstance(keys, Mapping):
                raise self.error(where, f"got {keys!r}, expected a JSON object of keys")
            try:
                op = parse_operator(str(name))
                for key, value in keys.items():
                    values = self._values(where, value)
                    yield compile_condition(op, str(key), values, variables=self.variables)
            except ValueError as error:
                if isinstance(error, PolicyError):
                    raise
                raise self.error(where, str(error)) from error

    def _values(self, where: str, value: object) -> list[str]:
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        texts = []
        for item in values:
            if isinstance(item, bool):
                texts.append("true" if item else "false")
            elif isinstance(item, str | int | float):
                texts.append(str(item))
            else:
                raise self.error(where, f"got {item!r}, expected text, a number or a boolean")
        return texts
