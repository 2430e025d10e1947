"""What CloudFormation remembers: stacks, their resources, events and change sets. Plain data."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]


@dataclass
class StackResource:
    """A resource of a stack as it exists."""

    logical_id: str
    type: str
    physical_id: str
    properties: Json
    """The evaluated properties, stack tags included."""
    attributes: Json
    via: str
    """Through which path it was made: `explicit`, `api` or `schema`."""
    status: str
    updated: datetime
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    metadata: Json = field(default_factory=dict)
    reason: str = ""


@dataclass
class Event:
    """One line of a stack's history."""

    id: str
    time: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str = ""
    token: str = ""


@dataclass
class Stack:
    """A stack."""

    id: str
    name: str
    account: str
    region: str
    created: datetime
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    updated: datetime | None = None
    deleted: datetime | None = None
    template_body: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    resolved_parameters: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    role_arn: str | None = None
    capabilities: list[str] = field(default_factory=list)
    notification_arns: list[str] = field(default_factory=list)
    description: str = ""
    protected: bool = False
    disable_rollback: bool = False
    policy: str = ""
    resources: dict[str, StackResource] = field(default_factory=dict)
    outputs: list[Json] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, "ChangeSet"] = field(default_factory=dict)
    token: str = ""
    drift: Json = field(default_factory=dict)

    @property
    def in_progress(self) -> bool:
        """Whether an operation is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@dataclass
class ChangeSet:
    """A change set of a stack."""

    id: str
    name: str
    kind: str
    """CREATE or UPDATE."""
    created: datetime
    template_body: str
    parameters: dict[str, str]
    tags: dict[str, str]
    role_arn: str | None
    capabilities: list[str]
    notification_arns: list[str]
    description: str = ""
    status: str = "CREATE_COMPLETE"
    execution_status: str = "AVAILABLE"
    reason: str = ""
    changes: list[Json] = field(default_factory=list)
    on_failure: str | None = None


def random_suffix(length: int = 12) -> str:
    """Return random upper-case letters and digits, as CloudFormation appends them to names."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "".join(secrets.choice(alphabet) for _ in range(length))
