"""Waivers: the only way to acknowledge a finding, with a reason, an owner and an expiry."""

from datetime import date
from typing import Annotated

from pydantic import StringConstraints

from mlzone.estate.base import PersonId, Record


class Waiver(Record):
    """One acknowledged finding."""

    rule: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+(\[[^\]]+\])?$")]
    """The rule's id, such as `AwsSolutions-S1`; for findings, `AwsSolutions-IAM5[Resource::*]`."""
    resource: str
    """The construct path it applies to; `*` matches within one path segment, `**` across."""
    reason: Annotated[str, StringConstraints(min_length=20, max_length=1000)]
    """Why the risk is accepted, for a security officer."""
    owner: PersonId
    """Who answers for it."""
    ticket: Annotated[str, StringConstraints(pattern=r"^[A-Z]+-\d+$")]
    """Where the decision is recorded."""
    granted: date
    """The day on which it was granted; a renewal is a new day."""
    expires: date
    """The last day it holds; validation fails afterwards."""

    @property
    def acceptance(self) -> str:
        """Why the finding is accepted, and by whom, in one line."""
        return f"{self.reason} ({self.ticket}, until {self.expires}, {self.owner})"
