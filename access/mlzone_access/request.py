"""A request as IAM sees it: who, what, on what, and the condition keys that come with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mlzone_access.principals import Principal, PrincipalKind

ContextValue = str | tuple[str, ...]
Resolver = Callable[[str], ContextValue | None]

_NO_ACCOUNT_IN_ARN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request for authorization.

    Attributes:
        principal: The caller.
        action: Such as `s3:GetObject`; compared without regard to case.
        resource: ARN of the resource, or `*` for an action that has none.
        resource_account: The account that owns the resource. Taken from the ARN if not given, and
            the caller's own account if the ARN has none: give it for S3 buckets of others.
        context: Condition keys and their values. Keys are compared without regard to case; a
            tuple is a multivalued key, an empty tuple the same as an absent key.
        resolver: Asked for a key (lower case) that is not in `context`, at most once: for values
            that cost something to find, such as the tags of a resource.
        bucket_abac: The S3 bucket has attribute-based access control switched on. Unless it has,
            S3 knows no `aws:ResourceTag` and the key is absent whatever the context says.

    The keys that follow from the caller and the resource (`aws:PrincipalArn`,
    `aws:PrincipalAccount`, `aws:PrincipalType`, `aws:PrincipalIsAWSService`,
    `aws:PrincipalServiceName`, `aws:username`, `aws:ResourceAccount`) are filled in where
    `context` does not give them.
    """

    principal: Principal
    action: str
    resource: str = "*"
    resource_account: str = ""
    context: Mapping[str, ContextValue] = field(default_factory=dict)
    resolver: Resolver | None = None
    bucket_abac: bool = False
    _values: dict[str, tuple[str, ...] | None] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Fill in what follows from the other fields."""
        if not self.resource_account:
            parts = self.resource.split(":", _NO_ACCOUNT_IN_ARN)
            named = parts[4] if len(parts) > _NO_ACCOUNT_IN_ARN else ""
            account = named if named.isdigit() else self.principal.account
            object.__setattr__(self, "resource_account", account)
        values = self._values
        for key, value in self.context.items():
            values[key.lower()] = _tuple(value)
        for key, derived in self._derived():
            values.setdefault(key, (derived,))

    @property
    def service(self) -> str:
        """The action's service prefix, lower case."""
        return self.action.partition(":")[0].lower()

    def values(self, key: str) -> tuple[str, ...] | None:
        """Give the values of a condition key (lower case), None if it is absent."""
        if key.startswith("aws:resourcetag/") and not self.bucket_abac and self.service == "s3":
            return None
        if key in self._values:
            return self._values[key]
        found = None if self.resolver is None else self.resolver(key)
        values = None if found is None else _tuple(found)
        self._values[key] = values
        return values

    def known_values(self) -> dict[str, tuple[str, ...]]:
        """Give the keys that follow from the caller and the resource."""
        return {key: (value,) for key, value in self._derived()}

    def _derived(self) -> list[tuple[str, str]]:
        who = self.principal
        derived = [
            ("aws:principalisawsservice", "true" if who.kind is PrincipalKind.SERVICE else "false"),
            ("aws:principaltype", _type_of(who)),
        ]
        if who.kind is PrincipalKind.SERVICE:
            derived.append(("aws:principalservicename", who.arn))
        elif who.has_identity_policies:
            derived.append(("aws:principalarn", who.arn))
        if who.account:
            derived.append(("aws:principalaccount", who.account))
        if who.kind is PrincipalKind.USER and not who.session_arn:
            derived.append(("aws:username", who.arn.rpartition("/")[2]))
        if self.resource_account:
            derived.append(("aws:resourceaccount", self.resource_account))
        return derived


def _tuple(value: ContextValue) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return (value,)
    return tuple(value) or None


_TYPES = {
    PrincipalKind.ROLE: "AssumedRole",
    PrincipalKind.ROOT: "Account",
    PrincipalKind.SERVICE: "Service",
    PrincipalKind.ANONYMOUS: "Anonymous",
    PrincipalKind.FEDERATED: "FederatedUser",
}


def _type_of(who: Principal) -> str:
    if who.kind is PrincipalKind.USER:
        return "FederatedUser" if who.session_arn else "User"
    return _TYPES[who.kind]
