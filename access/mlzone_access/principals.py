"""Who makes a request, and how the `Principal` and `NotPrincipal` elements name them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

_ACCOUNT = re.compile(r"\d{12}")
_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")
_SERVICE_LINKED = ":role/aws-service-role/"


class PrincipalKind(StrEnum):
    """What kind of identity makes a request."""

    ROLE = "role"
    USER = "user"
    ROOT = "root"
    SERVICE = "service"
    FEDERATED = "federated"
    ANONYMOUS = "anonymous"


_WITH_POLICIES = frozenset({PrincipalKind.ROLE, PrincipalKind.USER, PrincipalKind.ROOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller of a request.

    Attributes:
        kind: What it is.
        arn: ARN of the role, user, account root or identity provider; for a service its name,
            such as `events.amazonaws.com`; for an anonymous caller `*`.
        account: The account it belongs to; empty for a service, an anonymous caller and a person
            known only to an identity provider.
        session_arn: ARN of the assumed-role or federated-user session; empty without a session.
        unique_id: Its unique id (`AROA...`, `AIDA...`), which a policy may name as well.
    """

    kind: PrincipalKind
    arn: str
    account: str = ""
    session_arn: str = ""
    unique_id: str = ""

    @property
    def service_linked(self) -> bool:
        """Whether it is a service-linked role, which SCPs and RCPs do not touch."""
        return self.kind is PrincipalKind.ROLE and _SERVICE_LINKED in self.arn

    @property
    def has_identity_policies(self) -> bool:
        """Whether policies can be attached to it at all."""
        return self.kind in _WITH_POLICIES


class Grant(IntEnum):
    """How directly a resource policy's `Allow` names the caller; more is stronger."""

    NONE = 0
    ACCOUNT = 1
    """The caller's account: its own policies still have to allow."""
    ENTITY = 2
    """The role (or user) behind the session: boundary and session policy still limit it."""
    DIRECT = 3
    """The caller itself, or everyone: only an explicit deny takes it away."""


@dataclass(frozen=True, slots=True)
class PrincipalElement:
    """A parsed `Principal` or `NotPrincipal` element."""

    negated: bool
    everyone: bool
    accounts: frozenset[str]
    names: frozenset[str]
    services: frozenset[str]
    federated: frozenset[str]

    def grant(self, who: Principal, *, bounded: bool, deny: bool) -> Grant:
        """Say how strongly the element names the caller, `NONE` if it does not.

        Args:
            who: The caller.
            bounded: A permissions boundary is attached to the caller.
            deny: The statement's effect is Deny.
        """
        if not self.negated:
            return self._named(who)
        if deny:
            # NotPrincipal + Deny hits whoever is not listed by every one of its names, and always
            # a caller with a boundary.
            return Grant.NONE if self.wholly_lists(who) and not bounded else Grant.DIRECT
        return Grant.DIRECT if self._named(who) is Grant.NONE else Grant.NONE

    def _named(self, who: Principal) -> Grant:
        if self.everyone or self.lists_outsider(who) or who.session_arn in self.names:
            return Grant.DIRECT
        if who.arn in self.names or who.unique_id in self.names:
            sessionless_user = who.kind is PrincipalKind.USER and not who.session_arn
            return Grant.DIRECT if sessionless_user else Grant.ENTITY
        if who.account in self.accounts:
            return Grant.DIRECT if who.kind is PrincipalKind.ROOT else Grant.ACCOUNT
        return Grant.NONE

    def lists_outsider(self, who: Principal) -> bool:
        """Say whether it lists a caller who is no principal of an account."""
        if who.kind is PrincipalKind.SERVICE:
            return who.arn in self.services
        return who.kind is PrincipalKind.FEDERATED and who.arn in self.federated

    def wholly_lists(self, who: Principal) -> bool:
        """Say whether it lists the caller by account, entity and session."""
        if self.everyone or self.lists_outsider(who):
            return True
        if who.account not in self.accounts:
            return False
        arns = {who.arn, who.session_arn} - {""}
        return who.kind is PrincipalKind.ROOT or arns <= self.names


def parse_principal(element: object, *, negated: bool) -> PrincipalElement:
    """Read the element's value: `"*"` or a mapping of kinds to names.

    Raises:
        ValueError: The value is not one that AWS accepts.
    """
    if element == "*":
        return _element(negated=negated, everyone=True)
    if not isinstance(element, Mapping) or not element:
        raise ValueError(f'got {element!r}, expected "*" or a mapping such as {{"AWS": ...}}')
    found: dict[str, set[str]] = {"accounts": set(), "names": set(), "Service": set()}
    found |= {"Federated": set(), "CanonicalUser": set()}
    everyone = False
    for kind, value in element.items():
        for name in _names(kind, value):
            if kind == "AWS" and name == "*":
                everyone = True
            elif kind == "AWS":
                account = _account_of(name)
                found["accounts" if account else "names"].add(account or name)
            else:
                found[kind].add(name)
    return _element(
        negated=negated,
        everyone=everyone,
        accounts=found["accounts"],
        names=found["names"] | found["CanonicalUser"],
        services=found["Service"],
        federated=found["Federated"],
    )


def _names(kind: object, value: object) -> Sequence[str]:
    if kind not in {"AWS", "Service", "Federated", "CanonicalUser"}:
        raise ValueError(f"{kind!r} is not AWS, Service, Federated or CanonicalUser")
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not names:
        raise ValueError(f"{kind}: got {value!r}, expected a name or a list of names")
    for name in names:
        if not isinstance(name, str) or not name:
            raise ValueError(f"{kind}: got {name!r}, expected text")
        if ("*" in name or "?" in name) and (name != "*" or kind != "AWS"):
            raise ValueError(f"{kind}: {name!r} has a wildcard; a name is given whole")
    return names


def _account_of(name: str) -> str | None:
    if _ACCOUNT.fullmatch(name):
        return name
    root = _ROOT.fullmatch(name)
    return root.group(1) if root else None


def _element(
    *,
    negated: bool,
    everyone: bool = False,
    accounts: set[str] | None = None,
    names: set[str] | None = None,
    services: set[str] | None = None,
    federated: set[str] | None = None,
) -> PrincipalElement:
    return PrincipalElement(
        negated=negated,
        everyone=everyone,
        accounts=frozenset(accounts or ()),
        names=frozenset(names or ()),
        services=frozenset(services or ()),
        federated=frozenset(federated or ()),
    )
