"""Who asks for what: the input of an access decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlzone_access.wildcard import ContextValue


class PrincipalKind(StrEnum):
    """What kind of identity makes a request."""

    ROLE = "role"
    USER = "user"
    ROOT = "root"
    SERVICE = "service"
    FEDERATED = "federated"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The identity that makes a request."""

    kind: PrincipalKind
    arn: str
    """The role's, user's or root's ARN; a service's name; a SAML or OIDC provider's ARN."""
    account: str = ""
    """Its account; empty for services, providers and the anonymous."""
    session_arn: str = ""
    """For a role: the session, `arn:…:sts::…:assumed-role/role/session`."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as IAM sees it."""

    principal: Principal
    action: str
    """Such as `sagemaker:CreateModel`."""
    resource: str = "*"
    """The ARN of what is acted on, or `*` where the action knows no resource."""
    resource_account: str = ""
    """The account that owns the resource; the principal's own unless given."""
    context: Mapping[str, ContextValue] = field(default_factory=dict)
    """Condition keys and their values; keys are compared without regard to case."""

    def __post_init__(self) -> None:
        lowered = {key.lower(): value for key, value in self.context.items()}
        object.__setattr__(self, "context", lowered)

    @property
    def cross_account(self) -> bool:
        """Whether the resource belongs to another account than the principal."""
        return bool(
            self.principal.account
            and self.resource_account
            and self.principal.account != self.resource_account
        )
