"""What CloudFormation remembers: stacks, their resources, events and change sets. Plain data."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]

GONE = "DELETE_COMPLETE"
REVIEW = "REVIEW_IN_PROGRESS"


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
    drift: Json = field(default_factory=dict)


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
    operation: str = ""
    """The operation's id."""


@dataclass
class Settings:
    """What a stack was asked to be, to return to it when an update fails."""

    template_body: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    resolved_parameters: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    outputs: list[Json] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    description: str = ""


@dataclass
class Step:
    """Something an operation did, to undo it."""

    kind: str
    """`created`, `updated` or `replaced`."""
    name: str
    before: StackResource | None = None
    failure: str = ""
    """The error code with which the step failed; empty if it succeeded."""


@dataclass
class Journal:
    """How far an operation has come. Kept with the stack, so that a stopped process goes on."""

    kind: str
    """CREATE, UPDATE or DELETE."""
    phase: str
    """`forward`, `clean`, `undo`, `discard` or `delete`."""
    before: Settings
    reason: str = ""
    steps: list[Step] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)
    doomed: list[StackResource] = field(default_factory=list)
    """Resources that are not part of the stack any more and are to be removed."""
    retain: list[str] = field(default_factory=list)
    cancelled: bool = False


@dataclass
class Stack:
    """A stack."""

    id: str
    name: str
    account: str
    region: str
    created: datetime
    status: str = REVIEW
    reason: str = ""
    updated: datetime | None = None
    deleted: datetime | None = None
    template_body: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    resolved_parameters: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    role_arn: str | None = None
    """The service role that was given; kept for later operations."""
    caller_role: str | None = None
    """The role that asked for the current operation; acts where no service role is given."""
    caller_identity: str = ""
    """The SourceIdentity of who asked."""
    capabilities: list[str] = field(default_factory=list)
    notification_arns: list[str] = field(default_factory=list)
    description: str = ""
    protected: bool = False
    disable_rollback: bool = False
    on_failure: str = "ROLLBACK"
    policy: str = ""
    parent_id: str = ""
    resources: dict[str, StackResource] = field(default_factory=dict)
    outputs: list[Json] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    """The exports of other stacks that this one uses."""
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, "ChangeSet"] = field(default_factory=dict)
    token: str = ""
    operation_id: str = ""
    drift: Json = field(default_factory=dict)
    journal: Journal | None = None

    @property
    def in_progress(self) -> bool:
        """Whether an operation is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEW

    @property
    def acting_role(self) -> str | None:
        """The role whose permissions resource calls have; None for the account's root."""
        return self.role_arn or self.caller_role

    def settings(self) -> Settings:
        """Return what the stack is now asked to be."""
        return Settings(
            template_body=self.template_body,
            parameters=dict(self.parameters),
            resolved_parameters=dict(self.resolved_parameters),
            tags=dict(self.tags),
            outputs=list(self.outputs),
            imports=list(self.imports),
            description=self.description,
        )

    def restore(self, settings: Settings) -> None:
        """Ask the stack to be what it was."""
        for name, value in vars(settings).items():
            setattr(self, name, value)


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
    token: str = ""


def random_suffix(length: int = 12) -> str:
    """Return random upper-case letters and digits, as CloudFormation appends them to names."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "".join(secrets.choice(alphabet) for _ in range(length))
