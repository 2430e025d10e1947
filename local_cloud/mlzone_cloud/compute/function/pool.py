"""Runs functions: keeps their workers warm for a while, writes their logs."""

import json
import threading
import time
import uuid
import weakref
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute.function.specification import Specification
from mlzone_cloud.compute.function.worker import Worker, WorkerError
from mlzone_cloud.compute.process import LogTarget
from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_IDLE_SECONDS = 60
_MOST_IDLE = 12
_MOST_LOADING = 4
_LARGEST_ANSWER = 6 * 1024 * 1024


@dataclass(frozen=True)
class Invocation:
    """How an invocation ended."""

    request_id: str
    succeeded: bool
    payload: str
    """JSON: what the handler returned, or the error."""
    log: str


class Pool:
    """The workers of all functions of a cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._running: Counter[str] = Counter()
        self._loading = threading.BoundedSemaphore(_MOST_LOADING)
        """Loading keeps a core busy, and many functions may be asked at once."""
        cloud.add_ticker(self._tick)
        cloud.stoppers.append(self._stop)

    def invoke(
        self,
        function: Specification,
        event: Any,
        *,
        request_id: str = "",
        client_context: Any = None,
    ) -> Invocation:
        """Run a function once and wait for its end.

        Raises:
            ApiError: the function cannot be run at all, or too many of it run already.
        """
        _check(function)
        request_id = request_id or str(uuid.uuid4())
        self._enter(function)
        try:
            return self._run(function, event, request_id, client_context)
        finally:
            self._leave(function)

    def _enter(self, function: Specification) -> None:
        name = f"{function.account}:{function.region}:{function.name}"
        with self._lock:
            limit = function.reserved_concurrency
            if limit is not None and self._running[name] >= limit:
                raise ApiError("TooManyRequestsException", "Rate Exceeded.", status=429)
            self._running[name] += 1

    def _leave(self, function: Specification) -> None:
        with self._lock:
            self._running[f"{function.account}:{function.region}:{function.name}"] -= 1

    def _run(
        self, function: Specification, event: Any, request_id: str, client_context: Any
    ) -> Invocation:
        worker = self._take(function)
        loading: timedelta | None = None
        try:
            if worker.fresh:
                with self._loading:
                    loading = worker.wait()
            started = time.monotonic()
            reply = worker.ask(request_id, event, client_context)
            succeeded, payload, lines = reply.succeeded, reply.payload, reply.lines
        except WorkerError as error:
            content = {"errorType": error.kind, "errorMessage": str(error)}
            succeeded, payload = False, json.dumps(content)
            lines = [*error.lines, str(error)]
            started = time.monotonic()
        took = timedelta(seconds=time.monotonic() - started)
        if len(payload) > _LARGEST_ANSWER:
            succeeded, payload = False, json.dumps(_too_large(len(payload)))
        text = _log(function, request_id, lines, took, worker.peak_mib, loading)
        self._write(function, worker.stream, text)
        self._give_back(worker)
        return Invocation(request_id, succeeded, payload, "\n".join(text) + "\n")

    def _take(self, function: Specification) -> Worker:
        identity = function.identity
        with self._lock:
            for worker in self._idle:
                if worker.identity == identity and worker.is_usable():
                    self._idle.remove(worker)
                    return worker
        try:
            return Worker(self._cloud, function)
        except ApiError as error:
            raise ApiError(
                "AccessDeniedException",
                f"The role defined for the function cannot be assumed by Lambda. ({error.message})",
                status=403,
            ) from error

    def _give_back(self, worker: Worker) -> None:
        worker.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(worker)
            self._idle.sort(key=lambda item: item.idle_since, reverse=True)
        self._trim()

    def _tick(self, _: "Cloud", __: datetime) -> None:
        self._trim()

    def _trim(self) -> None:
        """End workers that nobody has used for a while, and the oldest of too many."""
        oldest = time.monotonic() - _IDLE_SECONDS
        with self._lock:
            kept = [
                worker
                for place, worker in enumerate(self._idle)
                if place < _MOST_IDLE and worker.idle_since > oldest and worker.is_usable()
            ]
            ended = [worker for worker in self._idle if worker not in kept]
            self._idle = [] if self._cloud.stopping else kept
            ended += kept if self._cloud.stopping else []
        for worker in ended:
            worker.end()

    def _stop(self) -> None:
        self._trim()

    def _write(self, function: Specification, stream: str, lines: list[str]) -> None:
        target = LogTarget(function.account, function.region, function.log_group, stream)
        try:
            target.write(self._cloud, lines)
        except Exception as error:  # noqa: BLE001 - a function does not fail for want of a log
            self._cloud.record_error(f"{function.name} could not log: {error!r}")


_pools: "weakref.WeakKeyDictionary[Cloud, Pool]" = weakref.WeakKeyDictionary()


def pool_of(cloud: "Cloud") -> Pool:
    """Return the workers of a cloud."""
    return _pools[cloud]


def install(cloud: "Cloud") -> None:
    """Make ready to run functions."""
    _pools[cloud] = Pool(cloud)


def _check(function: Specification) -> None:
    if function.package_type == "Zip" and function.runtime.startswith("python"):
        return
    what = function.runtime or f"package type {function.package_type}"
    raise ApiError(
        "NotImplemented",
        f"the embedded cloud runs Python functions only; {function.name} has {what}",
        status=501,
    )


def _too_large(size: int) -> dict[str, str]:
    return {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size ({size} bytes) exceeded maximum allowed payload "
        f"size ({_LARGEST_ANSWER} bytes).",
    }


def _log(
    function: Specification,
    request_id: str,
    lines: list[str],
    took: timedelta,
    peak_mib: int,
    loading: timedelta | None,
) -> list[str]:
    """Return an invocation's log, framed as Lambda frames it."""
    milliseconds = took.total_seconds() * 1000
    billed = int(milliseconds) + 1
    if function.logging.get("LogFormat") == "JSON":
        start = {"requestId": request_id, "version": function.version}
        metrics = {"durationMs": round(milliseconds, 3), "billedDurationMs": billed}
        metrics |= {"memorySizeMB": function.memory, "maxMemoryUsedMB": peak_mib}
        return [
            json.dumps({"type": "platform.start", "record": start}),
            *lines,
            json.dumps(
                {
                    "type": "platform.report",
                    "record": {"requestId": request_id, "metrics": metrics},
                }
            ),
        ]
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\t"
        f"Billed Duration: {billed} ms\tMemory Size: {function.memory} MB\t"
        f"Max Memory Used: {peak_mib} MB"
    )
    if loading:
        report += f"\tInit Duration: {loading.total_seconds() * 1000:.2f} ms"
    return [
        f"START RequestId: {request_id} Version: {function.version}",
        *lines,
        f"END RequestId: {request_id}",
        report,
    ]
