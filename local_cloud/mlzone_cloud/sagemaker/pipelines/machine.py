"""Wakes executions when something happened to them, one at a time each."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from mlzone_cloud.sagemaker.pipelines.job_step import EVENTS, JOBS
from mlzone_cloud.sagemaker.pipelines.progress import Progress
from mlzone_cloud.sagemaker.pipelines.record import (
    ACTIVE,
    EXECUTION,
    UNDER_WAY,
    Key,
    Record,
)

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_WAITING_CALLS = 8
"""How many calls that wait, such as functions of Lambda steps, run at once."""


class Machine:
    """Drives all executions of one cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._busy: set[Key] = set()
        self._again: set[Key] = set()
        self._jobs: dict[tuple[str, str, str, str], Key] = {}
        """Account, Region, step type and job name, to the execution that waits for it."""
        self._calls = ThreadPoolExecutor(_WAITING_CALLS, thread_name_prefix="pipeline")
        self._outcomes: dict[tuple[Key, str], Any] = {}
        """What a call that waits gave, by execution and step; None while it waits."""

    def install(self) -> None:
        """Listen to jobs and the clock; take up executions after a restart."""
        for detail_type in EVENTS:
            self._cloud.listen(detail_type, self._listener(EVENTS[detail_type]))
        self._cloud.add_ticker(lambda _, now: self._tick(now), lambda _, now: self._next_due(now))
        self._cloud.resumers.append(lambda _: self._resume())
        self._cloud.stoppers.append(lambda: self._calls.shutdown(wait=False, cancel_futures=True))

    def wake(self, key: Key) -> None:
        """Let an execution take every step that it can take, in the background."""
        with self._lock:
            if key in self._busy:
                self._again.add(key)
                return
            self._busy.add(key)
        self._cloud.submit(self._advance, key)

    def waits_for(self, key: Key, step_type: str, job: str) -> None:
        """Wake an execution when a job of its ends."""
        account, region, _ = key
        self._jobs[account, region, step_type, job] = key

    def call(self, key: Key, step: str, work: Callable[[], Any]) -> None:
        """Do something that takes long beside the execution, and wake it afterwards."""
        self._outcomes[key, step] = None

        def do() -> None:
            try:
                self._outcomes[key, step] = work()
            except Exception as error:  # noqa: BLE001 - the step tells what went wrong
                self._outcomes[key, step] = error
            self.wake(key)

        self._calls.submit(do)

    def take_outcome(self, key: Key, step: str) -> tuple[bool, Any]:
        """Return whether a call is known here, and what it gave; None while it waits."""
        if (key, step) not in self._outcomes:
            return False, None
        outcome = self._outcomes[key, step]
        if outcome is not None:
            del self._outcomes[key, step]
        return True, outcome

    def _advance(self, key: Key) -> None:
        while True:
            try:
                execution = self._find(key)
                if execution is not None:
                    Progress(self._cloud, self, key, execution).go()
            except BaseException:
                with self._lock:
                    self._busy.discard(key)
                    self._again.discard(key)
                raise
            with self._lock:
                if key not in self._again:
                    self._busy.discard(key)
                    return
                self._again.discard(key)

    def _find(self, key: Key) -> Record | None:
        account, region, name = key
        return self._cloud.store(f"sagemaker.{EXECUTION}", account, region).get(name)

    def _active(self) -> list[tuple[Key, Record]]:
        return [
            ((account, region, name), execution)
            for (store, account, region), records in list(self._cloud.stores.items())
            if store == f"sagemaker.{EXECUTION}"
            for name, execution in list(records.items())
            if execution["PipelineExecutionStatus"] in ACTIVE
        ]

    def _listener(self, step_type: str) -> Callable[[str, str, dict[str, Any]], None]:
        name = JOBS[step_type].name

        def listen(account: str, region: str, detail: dict[str, Any]) -> None:
            key = self._jobs.get((account, region, step_type, str(detail.get(name))))
            if key is not None:
                self.wake(key)

        return listen

    def _tick(self, now: datetime) -> None:
        """Look after what no event tells: retries that are due, and jobs that ended unseen."""
        del now
        for key, _ in self._active():
            self.wake(key)

    def _next_due(self, now: datetime) -> datetime | None:
        due = [
            step["RetryAt"]
            for _, execution in self._active()
            for step in execution["Steps"].values()
            if step.get("RetryAt") and step["RetryAt"] > now
        ]
        return min(due, default=None)

    def _resume(self) -> None:
        for key, execution in self._active():
            for step in execution["Steps"].values():
                if step["StepStatus"] in UNDER_WAY:
                    step["Interrupted"] = True
                    if step.get("JobName"):
                        self.waits_for(key, step["Type"], step["JobName"])
            self.wake(key)


_MACHINES: "WeakKeyDictionary[Cloud, Machine]" = WeakKeyDictionary()


def machine_of(cloud: "Cloud") -> Machine:
    """Return the machine that drives a cloud's executions."""
    return _MACHINES.setdefault(cloud, Machine(cloud))
