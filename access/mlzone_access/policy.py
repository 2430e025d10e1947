"""Policies, parsed once into a form that decides fast."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlzone_access.condition import Condition, parse_conditions
from mlzone_access.errors import PolicyError
from mlzone_access.request import Principal, PrincipalKind, Request
from mlzone_access.wildcard import ContextValue, Pattern

_STATEMENT_FIELDS = frozenset(
    {
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Principal",
        "NotPrincipal",
        "Condition",
    }
)
_VARIABLES_SINCE = "2012-10-17"
_ACCOUNT_ROOT = re.compile(r"(\d{12})|arn:[\w-]+:iam::(\d{12}):root")


class Grant(StrEnum):
    """How a resource policy names the principal; a closer match grants more."""

    NONE = "none"
    ACCOUNT = "account"
    """Only the account is named: its own identity policies must allow as well."""
    ROLE = "role"
    """The role, user or everybody is named."""
    SESSION = "session"
    """The session itself is named."""


@dataclass(frozen=True, slots=True)
class Principals:
    """The Principal or NotPrincipal element of a statement."""

    everybody: bool
    accounts: frozenset[str]
    arns: tuple[str, ...]
    services: frozenset[str]
    federated: tuple[str, ...]

    def grant(self, principal: Principal) -> Grant:
        """Tell how closely the element names a principal."""
        if principal.session_arn and principal.session_arn in self.arns:
            return Grant.SESSION
        if self.everybody or principal.arn in self.arns:
            return Grant.ROLE
        if principal.kind is PrincipalKind.SERVICE and principal.arn in self.services:
            return Grant.ROLE
        if principal.kind is PrincipalKind.FEDERATED and principal.arn in self.federated:
            return Grant.ROLE
        if principal.account and principal.account in self.accounts:
            return Grant.ACCOUNT
        return Grant.NONE


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    sid: str
    """Its Sid, or `statement N` counting from 1."""
    allows: bool
    actions: tuple[Pattern, ...]
    not_actions: bool
    resources: tuple[Pattern, ...]
    not_resources: bool
    principals: Principals | None
    not_principals: bool
    conditions: tuple[Condition, ...]

    def applies(self, request: Request, context: Mapping[str, ContextValue]) -> bool:
        """Tell whether action, resource and conditions match; principals are asked apart."""
        action = request.action
        if any(p.matches(action, context) for p in self.actions) == self.not_actions:
            return False
        if self.resources:
            resource = request.resource
            matched = any(p.matches(resource, context) for p in self.resources)
            if matched == self.not_resources:
                return False
        return all(condition.holds(context) for condition in self.conditions)

    def grant(self, principal: Principal) -> Grant:
        """Tell how closely the statement names a principal."""
        if self.principals is None:
            return Grant.ROLE
        grant = self.principals.grant(principal)
        if self.not_principals:
            return Grant.ROLE if grant is Grant.NONE else Grant.NONE
        return grant


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy document."""

    name: str
    """How decisions call it."""
    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any] | str, *, name: str) -> "Policy":
        """Parse a policy document.

        Args:
            document: the JSON text or what it decodes to.
            name: how decisions and errors call the policy.

        Raises:
            PolicyError: IAM would refuse the document; the message says where and why.
        """
        if isinstance(document, str):
            try:
                document = json.loads(document)
            except ValueError as error:
                raise PolicyError(f"{name}: not valid JSON: {error}") from error
        if not isinstance(document, Mapping):
            raise PolicyError(f"{name}: a policy is a JSON object")
        raw = document.get("Statement")
        if isinstance(raw, Mapping):
            raw = [raw]
        if not isinstance(raw, list):
            raise PolicyError(f"{name}: a policy needs Statement, an object or a list")
        variables = str(document.get("Version", "2008-10-17")) >= _VARIABLES_SINCE
        return cls(
            name=name,
            statements=tuple(
                _statement(item, index, name, variables=variables)
                for index, item in enumerate(raw, start=1)
            ),
        )


def _statement(raw: Any, index: int, name: str, *, variables: bool) -> Statement:
    if not isinstance(raw, Mapping):
        raise PolicyError(f"{name}: statement {index} is no JSON object")
    sid = str(raw.get("Sid") or f"statement {index}")
    where = f"{name}: {sid}"
    if unknown := set(raw) - _STATEMENT_FIELDS:
        raise PolicyError(f"{where}: unknown element {', '.join(sorted(map(str, unknown)))}")
    if raw.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f'{where}: Effect is "Allow" or "Deny"')
    actions, not_actions = _either(raw, "Action", where, required=True)
    resources, not_resources = _either(raw, "Resource", where, required=False)
    principal_key = "NotPrincipal" if "NotPrincipal" in raw else "Principal"
    if "Principal" in raw and "NotPrincipal" in raw:
        raise PolicyError(f"{where}: has both Principal and NotPrincipal")
    conditions = raw.get("Condition", {})
    if not isinstance(conditions, Mapping):
        raise PolicyError(f"{where}: Condition must map operators to keys")
    return Statement(
        sid=sid,
        allows=raw["Effect"] == "Allow",
        actions=tuple(Pattern(text, variables=False, ignore_case=True) for text in actions),
        not_actions=not_actions,
        resources=tuple(Pattern(text, variables=variables) for text in resources),
        not_resources=not_resources,
        principals=_principals(raw[principal_key], where) if principal_key in raw else None,
        not_principals=principal_key == "NotPrincipal",
        conditions=parse_conditions(conditions, variables=variables, where=where),
    )


def _either(
    raw: Mapping[str, Any], key: str, where: str, *, required: bool
) -> tuple[list[str], bool]:
    """Return the texts of `key` or its negation, and whether it was the negation."""
    negated = f"Not{key}"
    if key in raw and negated in raw:
        raise PolicyError(f"{where}: has both {key} and {negated}")
    found = negated if negated in raw else key
    if found not in raw:
        if required:
            raise PolicyError(f"{where}: needs {key} or {negated}")
        return [], False
    values = raw[found] if isinstance(raw[found], list) else [raw[found]]
    if not values or not all(isinstance(value, str) for value in values):
        raise PolicyError(f"{where}: {found} is text or a list of texts")
    return values, found == negated


def _principals(raw: Any, where: str) -> Principals:
    if raw == "*":
        raw = {"AWS": "*"}
    if not isinstance(raw, Mapping):
        raise PolicyError(f'{where}: Principal is "*" or an object')
    if unknown := set(raw) - {"AWS", "Service", "Federated", "CanonicalUser"}:
        raise PolicyError(f"{where}: unknown kind of principal {', '.join(sorted(unknown))}")

    def texts(kind: str) -> list[str]:
        value = raw.get(kind, [])
        return [str(item) for item in (value if isinstance(value, list) else [value])]

    accounts: set[str] = set()
    arns: list[str] = []
    for text in texts("AWS"):
        if root := _ACCOUNT_ROOT.fullmatch(text):
            accounts.add(root[1] or root[2])
        elif text != "*":
            arns.append(text)
    return Principals(
        everybody="*" in texts("AWS"),
        accounts=frozenset(accounts),
        arns=tuple(arns),
        services=frozenset(texts("Service")),
        federated=tuple(texts("Federated")),
    )
