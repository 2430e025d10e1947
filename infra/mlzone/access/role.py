"""A role as access decisions see it: who works in it, and what its own policies say."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlzone.naming import ROLE_PATH
from mlzone.persona import Persona
from mlzone_access import Policy, Principal, PrincipalKind

PARTITION = "aws"


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role of the estate."""

    name: str
    account: str
    policies: tuple[Policy, ...]
    """What its own policies allow."""
    path: str = ROLE_PATH
    trust: Policy | None = None
    """Who may assume it; None if that is not known here."""
    bounded: bool = True
    """Whether it carries the permissions boundary."""
    persona: Persona | None = None
    """Whose role it is; None for machines."""
    unit: str = ""
    team: str = ""
    environment: str = ""
    """`dev`, `staging`, `prod`, or the place of the organization."""
    region: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    """The tags of its sessions."""

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return f"arn:{PARTITION}:iam::{self.account}:role{self.path}{self.name}"

    @property
    def principal(self) -> Principal:
        """A session of the role."""
        return Principal(
            kind=PrincipalKind.ROLE,
            arn=self.arn,
            account=self.account,
            session_arn=f"arn:{PARTITION}:sts::{self.account}:assumed-role/{self.name}/any",
        )
