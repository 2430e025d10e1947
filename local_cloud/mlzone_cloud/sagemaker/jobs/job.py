"""A job under way: its record, its folder, and how it ends."""

import hashlib
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute import process
from mlzone_cloud.errors import ApiError
from mlzone_cloud.sagemaker import images, records
from mlzone_cloud.sagemaker.container import Container, role_environment
from mlzone_cloud.sagemaker.storage import Storage, StorageError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_SIGNALS = 128
_LONGEST_REASON = 1024
_LAST_LINES = 8


class JobFailedError(Exception):
    """The job ends as failed; the message is its failure reason."""


class JobStoppedError(Exception):
    """The job ends as stopped."""


class JobInterruptedError(Exception):
    """The cloud stops; what becomes of the job is decided at the next start."""


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """What kinds of jobs differ in."""

    noun: str
    """Such as `ProcessingJob`."""
    log_group: str
    detail_type: str
    started: str
    """The field that holds when the job began to run."""
    ended: str
    work: Callable[["Job"], None]
    """Does the job.

    Raises JobFailedError, JobStoppedError or JobInterruptedError unless it completes.
    """
    first: Mapping[str, Any] = field(default_factory=dict)
    """Fields of a job that has just been created."""
    check: Callable[[Any], None] = lambda _: None
    """Refuses a call that asks for what is not emulated."""


@dataclass(kw_only=True)
class Job:
    """A job under way."""

    cloud: "Cloud"
    kind: JobKind
    account: str
    region: str
    record: dict[str, Any]
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when somebody asks the job to stop."""

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.record[f"{self.kind.noun}Name"])

    @property
    def arn(self) -> str:
        """The job's ARN."""
        return str(self.record[f"{self.kind.noun}Arn"])

    @property
    def base(self) -> Path:
        """The job's own folder on this machine; its path is short, as sockets in it need."""
        name = hashlib.sha256(self.arn.encode()).hexdigest()[:12]
        return self.cloud.state_dir / "sagemaker" / "jobs" / name

    def storage(self, role: str) -> Storage:
        """Return S3 as the job's role sees it."""
        return Storage(self.cloud, account=self.account, region=self.region, role=role)

    def image(self, uri: str, role: str) -> images.Image:
        """Find the job's image.

        Raises:
            JobFailedError: there is none, or the role may not pull it.
        """
        try:
            return images.pull(self.cloud, uri, account=self.account, role=role)
        except images.ImageError as error:
            raise JobFailedError(f"ClientError: {error}") from error

    def environment(self, role: str, *, isolated: bool) -> dict[str, str]:
        """Return what the job knows of AWS.

        Raises:
            JobFailedError: SageMaker cannot act as the role.
        """
        try:
            return role_environment(self.cloud, role, self.region, isolated=isolated)
        except ApiError as error:
            raise JobFailedError(f"ClientError: {error.message}") from error

    def log_target(self) -> process.LogTarget:
        """Return where the job's output goes."""
        stamp = int(self.record["CreationTime"].timestamp() * 1000)
        return process.LogTarget(
            self.account, self.region, self.kind.log_group, f"{self.name}/algo-1-{stamp}"
        )

    def run(
        self,
        container: Container,
        *,
        limit: timedelta,
        on_line: Callable[[str], None] | None = None,
    ) -> process.Outcome:
        """Run the job's container to its end.

        Raises:
            JobFailedError: the program cannot be started.
            JobInterruptedError: the cloud stops.
        """
        command = container.command()
        try:
            outcome = process.run(
                self.cloud,
                argv=command.argv,
                environment=command.environment,
                folder=command.folder,
                log=self.log_target(),
                timeout=limit,
                stop=self.stop,
                on_line=on_line,
                heavy=True,
            )
        except OSError as error:
            raise JobFailedError(f"AlgorithmError: the program cannot be run: {error}") from error
        self.raise_if_interrupted()
        return outcome

    def raise_if_interrupted(self) -> None:
        """End the work if the cloud stops.

        Raises:
            JobInterruptedError: it does.
        """
        if self.cloud.stopping:
            raise JobInterruptedError

    def change(self, **fields: Any) -> None:
        """Change the record."""
        with self.cloud.lock:
            self.record.update(fields, LastModifiedTime=self.cloud.clock.now())
            # Saved no later than what follows from it, or a killed cloud would run the job again.
            records.store(self.cloud, self.kind.noun, self.account, self.region)
        self.cloud.changed()

    def announce(self) -> None:
        """Tell EventBridge what the job is now."""
        self.cloud.emit(
            account=self.account,
            region=self.region,
            source="aws.sagemaker",
            detail_type=self.kind.detail_type,
            detail=records.detail_of(f"Describe{self.kind.noun}", self.record),
            resources=(self.arn,),
        )

    def finish(self, status: str, **fields: Any) -> None:
        """End the job."""
        noun = self.kind.noun
        if "FailureReason" in fields:
            fields["FailureReason"] = fields["FailureReason"][:_LONGEST_REASON]
        ended = {self.kind.ended: self.cloud.clock.now(), f"{noun}Status": status}
        transitions = self.record.get("SecondaryStatusTransitions")
        if transitions is not None:
            self.enter(fields.pop("SecondaryStatus", status), final=True)
        self.change(**ended, **fields)
        self.announce()

    def enter(self, secondary: str, *, final: bool = False) -> None:
        """Begin a secondary status, as training jobs have them."""
        now = self.cloud.clock.now()
        transitions = list(self.record["SecondaryStatusTransitions"])
        if transitions:
            transitions[-1] = {**transitions[-1], "EndTime": now}
        ended = {"EndTime": now} if final else {}
        message = _MESSAGES.get(secondary, f"Training job is {secondary}")
        transitions.append(
            {"Status": secondary, "StartTime": now, "StatusMessage": message, **ended}
        )
        self.change(SecondaryStatus=secondary, SecondaryStatusTransitions=transitions)
        if not final:
            self.announce()

    def remove_folder(self) -> None:
        """Remove what the job left on this machine."""
        shutil.rmtree(self.base, ignore_errors=True)


_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading the training image and input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


def failure(outcome: process.Outcome, told: str) -> JobFailedError:
    """Return why a program failed: what it said, else its last lines, and its exit code.

    Args:
        outcome: how it ended.
        told: what it wrote to the file for its failure.
    """
    lines = [line for line in outcome.tail if line.strip()][-_LAST_LINES:]
    # What a signal ended has the exit code that a container gives it: 137 where memory ran out.
    code = outcome.code if outcome.code >= 0 else _SIGNALS - outcome.code
    suffix = f", exit code: {code}"
    # A traceback's end says more than its beginning.
    room = _LONGEST_REASON - len("AlgorithmError: ") - len(suffix)
    text = told.strip()[:room] or "\n".join(lines)[-room:]
    return JobFailedError(f"AlgorithmError: {text}{suffix}")


def text_of(path: Path) -> str:
    """Return what a program wrote to a file for SageMaker; empty if it wrote none."""
    if not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")[:_LONGEST_REASON]


def moving(job: Job, what: str, move: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Move data by a method of `Storage`; what goes wrong ends the job.

    Raises:
        JobFailedError: the data cannot be moved.
        JobStoppedError: somebody has stopped the job.
        JobInterruptedError: the cloud stops.
    """
    job.raise_if_interrupted()
    if job.stop.is_set():
        raise JobStoppedError
    try:
        return move(*arguments, **named)
    except StorageError as error:
        raise JobFailedError(f"ClientError: {what} failed: {error}") from error
