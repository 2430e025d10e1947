"""Allowances: the only way to let a change delete or replace what holds data."""

from datetime import date
from typing import Annotated

from pydantic import StringConstraints

from mlzone.estate.base import PersonId, Record


class Allowance(Record):
    """One loss of data that is meant."""

    resource: Annotated[str, StringConstraints(pattern=r"^[^/]+/.+$")]
    """Which resources, as `stack/type/logical id`: `*` matches within one part, `**` across."""
    reason: Annotated[str, StringConstraints(min_length=20, max_length=1000)]
    """Why nothing is missed."""
    owner: PersonId
    """Who answers for it."""
    ticket: Annotated[str, StringConstraints(pattern=r"^[A-Z]+-\d+$")]
    """Where the decision is recorded."""
    expires: date
    """The last day it holds, at most a month ahead."""
