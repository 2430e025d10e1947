"""Takes an execution as far as it goes now."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from mlzone_cloud.sagemaker.pipelines.attempt import Attempt, StepError
from mlzone_cloud.sagemaker.pipelines.definition import Step
from mlzone_cloud.sagemaker.pipelines.job_step import FINISHED, JOBS
from mlzone_cloud.sagemaker.pipelines.record import (
    ACTIVE,
    EXECUTING,
    FAILED,
    STARTING,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    UNDER_WAY,
    Key,
    Record,
    definition_of,
    set_status,
    set_step_status,
)
from mlzone_cloud.sagemaker.pipelines.retry import kind_of_failure, wait_before_retry
from mlzone_cloud.sagemaker.registry_event import plain

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_MOST_PARALLEL = 50
_LONGEST_STEP_REASON, _LONGEST_REASON = 1024, 1300


class Waiting(Protocol):
    """What progress needs of the machine that drives it."""

    def waits_for(self, key: Key, step_type: str, job: str) -> None:
        """Wake the execution when a job ends."""

    def call(self, key: Key, step: str, work: Any) -> None:
        """Do something long beside the execution."""

    def take_outcome(self, key: Key, step: str) -> tuple[bool, Any]:
        """Return whether a call is known, and what it gave."""


class Progress:
    """One look at one execution; nobody else looks at it at the same time."""

    def __init__(self, cloud: "Cloud", machine: Waiting, key: Key, execution: Record) -> None:
        self._cloud = cloud
        self._machine = machine
        self._key = key
        self._execution = execution
        self._definition = definition_of(execution)
        self._runs: dict[str, Record] = execution["Steps"]

    def go(self) -> None:
        """Look after what runs, begin what can begin, and end the execution if all is done."""
        if self._execution["PipelineExecutionStatus"] not in ACTIVE:
            return
        moved = True
        while moved:
            moved = self._look_after_all()
            if self._execution["PipelineExecutionStatus"] == STOPPING:
                self._stop_all()
            elif not self._broken():
                moved |= self._begin_all()
        if not self._under_way():
            self._end()

    # --- what runs ----------------------------------------------------------------------------

    def _under_way(self) -> list[str]:
        return [name for name, run in self._runs.items() if run["StepStatus"] in UNDER_WAY]

    def _look_after_all(self) -> bool:
        moved = False
        for name in self._under_way():
            moved |= self._look_after(self._definition.steps[name])
        return moved

    def _look_after(self, step: Step) -> bool:
        """Take up what became of a step; tell whether anything did."""
        run = self._runs[step.name]
        if run.get("RetryAt"):
            if run["RetryAt"] > self._now() or self._stopping():
                return False
            self._attempt(step)
            return True
        if step.type in JOBS and run.get("JobName"):
            return self._look_after_job(step, run)
        known, outcome = self._machine.take_outcome(self._key, step.name)
        if not known:
            # The process that began it is gone.
            self._attempt(step)
            return True
        if outcome is None:
            return False
        if isinstance(outcome, Exception):
            self._failed(step, outcome)
        else:
            self._succeeded(step.name, *outcome)
        return True

    def _look_after_job(self, step: Step, run: Record) -> bool:
        kind, (account, region, _) = JOBS[step.type], self._key
        client = self._cloud.client("sagemaker", account=account, region=region)
        try:
            job = getattr(client, kind.describe)(**{kind.name: run["JobName"]})
        except ClientError as error:
            if run.pop("Interrupted", False) and not self._stopping():
                self._attempt(step)
            else:
                self._failed(step, error)
            return True
        status = job[kind.status]
        if status not in FINISHED:
            return False
        interrupted = run.pop("Interrupted", False)
        job.pop("ResponseMetadata", None)
        if status == "Completed":
            self._succeeded(step.name, plain(job), run["Metadata"])
        elif status == "Stopped":
            overtime = job.get("SecondaryStatus") == "MaxRuntimeExceeded"
            why = ": MaxRuntimeExceeded" if overtime else ""
            run["FailureReason"] = f"ClientError: the job was stopped{why}"
            self._set(step.name, STOPPED)
        elif interrupted and not self._stopping():
            self._attempt(step)
        else:
            reason = str(job.get("FailureReason", "the job failed without a reason"))
            self._failed(step, StepError(f"ClientError: {reason}", kind_of_failure(reason)))
        return True

    def _stop_all(self) -> None:
        account, region, _ = self._key
        client = self._cloud.client("sagemaker", account=account, region=region)
        for name in self._under_way():
            run = self._runs[name]
            kind = JOBS.get(run["Type"])
            if run.pop("RetryAt", None):
                self._set(name, STOPPED)
            elif run["StepStatus"] != STOPPING:
                self._set(name, STOPPING)
                if kind and run.get("JobName"):
                    try:
                        getattr(client, kind.stop)(**{kind.name: run["JobName"]})
                    except ClientError as error:
                        # It ended in the meantime; the next look tells how.
                        self._cloud.record_error(f"{run['JobName']} was not stopped: {error}")

    # --- what begins --------------------------------------------------------------------------

    def _begin_all(self) -> bool:
        begun = False
        most = (self._execution.get("ParallelismConfiguration") or {}).get(
            "MaxParallelExecutionSteps", _MOST_PARALLEL
        )
        for step in self._definition.steps.values():
            if len(self._under_way()) >= most or self._broken():
                break
            if step.name not in self._runs and self._ready(step):
                begun = True
                self._runs[step.name] = {
                    "Type": step.type,
                    "StartTime": self._now(),
                    "AttemptCount": 0,
                    "Retries": {},
                }
                self._set(step.name, STARTING)
                self._attempt(step)
        return begun

    def _ready(self, step: Step) -> bool:
        if self._excluded(step, {}):
            return False
        done = {name for name, run in self._runs.items() if run["StepStatus"] == SUCCEEDED}
        return step.needs <= done

    def _excluded(self, step: Step, known: dict[str, bool]) -> bool:
        """Tell whether a step lies in a branch that was not taken, or behind one that does."""
        if step.name not in known:
            condition, outcome = step.branch or ("", True)
            taken = self._runs.get(condition, {}).get("Outcome", outcome) == outcome
            known[step.name] = not taken or any(
                self._excluded(self._definition.steps[name], known) for name in step.needs
            )
        return known[step.name]

    def _attempt(self, step: Step) -> None:
        run = self._runs[step.name]
        for stale in ("RetryAt", "Interrupted", "JobName", "FailureReason"):
            run.pop(stale, None)
        run["AttemptCount"] += 1
        attempt = Attempt(self._cloud, self._key, self._execution, self._definition, step)
        try:
            begun = attempt.begin(lambda status: self._set(step.name, status))
        except StepError as error:
            self._failed(step, error)
            return
        if begun.job:
            self._machine.waits_for(self._key, step.type, begun.job)
        elif begun.call:
            self._set(step.name, EXECUTING)
            self._machine.call(self._key, step.name, begun.call)
        else:
            self._succeeded(step.name, begun.properties, begun.metadata)

    # --- what ends ----------------------------------------------------------------------------

    def _succeeded(self, name: str, properties: Record, metadata: Record) -> None:
        run = self._runs[name]
        run["Properties"] = properties
        run["Metadata"] = metadata
        self._set(name, SUCCEEDED)

    def _failed(self, step: Step, error: Exception) -> None:
        run = self._runs[step.name]
        failure = error if isinstance(error, StepError) else StepError(f"ClientError: {error}")
        if not self._stopping():
            wait = wait_before_retry(
                list(step.raw.get("RetryPolicies") or ()),
                failure.kind,
                run["Retries"],
                run["StartTime"],
                self._now(),
            )
            if wait is not None:
                run["RetryAt"] = self._now() + wait
                self._set(step.name, EXECUTING)
                return
        run["FailureReason"] = str(failure)[:_LONGEST_STEP_REASON]
        if failure.metadata:
            run["Metadata"] = failure.metadata
        self._set(step.name, FAILED)

    def _broken(self) -> bool:
        return any(run["StepStatus"] in (FAILED, STOPPED) for run in self._runs.values())

    def _end(self) -> None:
        failures = [
            f"{name}: {run['FailureReason']}"
            for name, run in self._runs.items()
            if run["StepStatus"] == FAILED
        ]
        if self._stopping():
            status = STOPPED
        elif failures:
            status = FAILED
            reason = "Step failure: One or multiple steps failed. " + "; ".join(failures)
            self._execution["FailureReason"] = reason[:_LONGEST_REASON]
        else:
            status = STOPPED if self._broken() else SUCCEEDED
        set_status(self._cloud, self._key, self._execution, status)

    def _stopping(self) -> bool:
        return bool(self._execution["PipelineExecutionStatus"] == STOPPING)

    def _set(self, name: str, status: str) -> None:
        set_step_status(self._cloud, self._key, self._execution, name, status)

    def _now(self) -> datetime:
        return self._cloud.clock.now()
