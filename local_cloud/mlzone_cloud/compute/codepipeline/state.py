"""What is known of pipelines and their executions; kept with the cloud's state."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Json = dict[str, Any]
SERVICE = "codepipeline.amazonaws.com"
_PIPELINES = "codepipeline.pipelines"
_EXECUTIONS = "codepipeline.executions"
_JOBS = "codepipeline.jobs"

IN_PROGRESS, STOPPING = "InProgress", "Stopping"
ACTIVE = (IN_PROGRESS, STOPPING)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a pipeline is."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The pipeline's ARN."""
        return f"arn:aws:codepipeline:{self.region}:{self.account}:{self.name}"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """An artefact in its bucket."""

    name: str
    bucket: str
    key: str
    revision: str = ""
    """The version of the source from which it comes."""

    @property
    def shown(self) -> Json:
        """Return it as ListActionExecutions shows it."""
        return {"name": self.name, "s3location": {"bucket": self.bucket, "key": self.key}}


@dataclass(kw_only=True)
class Revision:
    """What a source action found."""

    id: str
    summary: str
    url: str
    created: datetime


@dataclass(kw_only=True)
class ActionRun:
    """One execution of an action."""

    declaration: Json
    stage: str
    started: datetime
    updated: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = IN_PROGRESS
    """`InProgress`, `Succeeded`, `Failed` or `Abandoned`."""
    configuration: dict[str, str] = field(default_factory=dict)
    """With its variables filled in."""
    inputs: list[Artifact] = field(default_factory=list)
    outputs: list[Artifact] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    revision: Revision | None = None
    external_id: str = ""
    external_url: str = ""
    summary: str = ""
    updated_by: str = ""
    error: dict[str, str] | None = None
    token: str = ""
    """What an approver answers with, or what a function continues with."""
    job: str = ""
    """The id under which a function or a build reports."""
    due: datetime | None = None
    """When to look at it again."""
    expires: datetime | None = None
    """When it fails for want of an answer."""

    @property
    def name(self) -> str:
        """The action's name."""
        return str(self.declaration["name"])

    @property
    def kind(self) -> tuple[str, str]:
        """Category and provider."""
        about = self.declaration["actionTypeId"]
        return about["category"], about["provider"]


@dataclass(kw_only=True)
class StageRun:
    """How far an execution is in a stage."""

    name: str
    status: str = IN_PROGRESS
    actions: dict[str, ActionRun] = field(default_factory=dict)
    """The latest execution of each action that has begun."""
    automatic_retries: int = 0
    manual_retries: int = 0


@dataclass(kw_only=True)
class Execution:
    """One execution of a pipeline."""

    declaration: Json
    """The pipeline as it was when the execution started."""
    started: datetime
    updated: datetime
    trigger: dict[str, str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = IN_PROGRESS
    summary: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, Json] = field(default_factory=dict)
    """Source revisions that the caller asked for, by action."""
    position: int = 0
    """The stage in which it is, or before which it waits."""
    inside: bool = False
    last: int = 0
    """The stage after which it ends."""
    stages: dict[str, StageRun] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    history: list[ActionRun] = field(default_factory=list)
    attempt: int = 1
    stop_reason: str = ""
    rollback_target: str = ""
    token: str = ""
    """The caller's request token."""

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self.status in ACTIVE

    @property
    def kind(self) -> str:
        """Whether it is an ordinary one or a rollback."""
        return "ROLLBACK" if self.rollback_target else "STANDARD"

    @property
    def stage(self) -> Json:
        """The declaration of the stage in which it is."""
        stage: Json = self.declaration["stages"][self.position]
        return stage

    def action(self, action_id: str) -> ActionRun | None:
        """Return an action's execution by its id."""
        return next((run for run in self.history if run.id == action_id), None)

    @property
    def running(self) -> list[ActionRun]:
        """The actions under way."""
        return [run for run in self.history if run.status == IN_PROGRESS]


@dataclass(kw_only=True)
class Pipeline:
    """A pipeline."""

    declaration: Json
    created: datetime
    updated: datetime
    tags: dict[str, str] = field(default_factory=dict)
    transitions: dict[str, Json] = field(default_factory=dict)
    """The state of inbound transitions that somebody has changed, by stage."""

    def is_open(self, stage: str) -> bool:
        """Tell whether executions may enter a stage."""
        return bool(self.transitions.get(stage, {}).get("enabled", True))


def pipelines(cloud: "Cloud", account: str, region: str) -> dict[str, Pipeline]:
    """Return an account's pipelines by name."""
    return cloud.store(_PIPELINES, account, region)


def find(cloud: "Cloud", place: Place) -> Pipeline:
    """Return a pipeline.

    Raises:
        ApiError: there is none.
    """
    pipeline = pipelines(cloud, place.account, place.region).get(place.name)
    if pipeline is None:
        raise ApiError(
            "PipelineNotFoundException",
            f"Account '{place.account}' does not have a pipeline with name '{place.name}'",
        )
    return pipeline


def executions(cloud: "Cloud", place: Place) -> dict[str, Execution]:
    """Return a pipeline's executions by id, the oldest first."""
    of_account = cloud.store(_EXECUTIONS, place.account, place.region)
    found: dict[str, Execution] = of_account.setdefault(place.name, {})
    return found


def forget(cloud: "Cloud", place: Place) -> None:
    """Remove a pipeline with its executions."""
    pipelines(cloud, place.account, place.region).pop(place.name, None)
    cloud.store(_EXECUTIONS, place.account, place.region).pop(place.name, None)


def find_execution(cloud: "Cloud", place: Place, execution_id: str) -> Execution:
    """Return an execution.

    Raises:
        ApiError: there is none.
    """
    execution = executions(cloud, place).get(execution_id)
    if execution is None:
        raise ApiError(
            "PipelineExecutionNotFoundException",
            f"Account '{place.account}' does not have an execution with id '{execution_id}' for "
            f"pipeline '{place.name}'",
        )
    return execution


def places(cloud: "Cloud") -> Iterator[Place]:
    """Yield where all pipelines with executions are."""
    for (name, account, region), content in list(cloud.stores.items()):
        if name == _EXECUTIONS:
            for pipeline in list(content):
                yield Place(account=account, region=region, name=pipeline)


def jobs(cloud: "Cloud") -> dict[str, tuple[Place, str, str]]:
    """Return what waits for a report: job id or build ARN, to place, execution and action."""
    return cloud.store(_JOBS)
