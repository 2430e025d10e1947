"""Systems of the bank outside of the platform that bring what models need or fetch answers."""

from typing import Annotated

from pydantic import Field

from mlzone.estate.base import Record, RoleArn


class System(Record):
    """A system outside of the platform, known by the role that it works in."""

    role: RoleArn
    """The system's own IAM role, by ARN; in an account of the organization that is none of the
    estate's. It takes the platform's role for this one purpose, in production."""
    external_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$")] | None = None
    """What the system must say when it takes the role; for a system that works for several."""

    @property
    def account(self) -> str:
        """The account that the system's role is in."""
        return self.role.split(":")[4]
