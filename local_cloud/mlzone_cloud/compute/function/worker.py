"""The subprocess of a function: started once, asked many times, ended when it is late."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute import process
from mlzone_cloud.compute.function.code import unpacked
from mlzone_cloud.compute.function.specification import Specification

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_HERE = Path(__file__).parent
_BOOTSTRAP = _HERE / "bootstrap.py"
_PROVIDED = _HERE / "provided"
_START = timedelta(minutes=2)
"""How long a function's module may take to load; AWS gives 10 s on a machine of its own."""
_SESSION = timedelta(hours=12)
_LOOK_SECONDS = 0.25
_KIB = 1024


class WorkerError(Exception):
    """The subprocess gave no answer; the payload says why, in AWS's words."""

    def __init__(self, kind: str, message: str, lines: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.lines = lines or []
        """What it printed before."""


@dataclass(frozen=True)
class Reply:
    """What a handler returned, or how it failed."""

    succeeded: bool
    payload: str
    lines: list[str]
    """What it printed."""


class Worker:
    """One subprocess of one function; answers one request at a time."""

    def __init__(self, cloud: "Cloud", function: Specification) -> None:
        """Start the subprocess; it is ready when `wait` returns.

        Raises:
            ApiError: the role does not exist or does not trust Lambda.
        """
        self._cloud = cloud
        self._function = function
        now = cloud.clock.now()
        self.identity = function.identity
        self.expires: datetime = now + _SESSION
        self.idle_since = 0.0
        self.fresh = True
        """Whether it has answered nothing yet."""
        self.stream = f"{now:%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
        self._mark = f"end {uuid.uuid4().hex}"
        self._printed: queue.Queue[tuple[bool, list[str]]] = queue.Queue()
        self._first_lines: list[str] = []
        self._process, self._answers = self._start()
        threading.Thread(target=self._read, name="function output", daemon=True).start()

    def _start(self) -> tuple["subprocess.Popen[str]", Any]:
        function, cloud = self._function, self._cloud
        try:
            root = unpacked(cloud, function.code)
            layers = [unpacked(cloud, layer) for layer in function.layers]
        except zipfile.BadZipFile as error:
            raise WorkerError("InvalidZip", f"the code is no zip archive: {error}") from error
        paths = [root, *(path for layer in layers for path in (layer / "python", layer))]
        reading, writing = os.pipe()
        argv = [
            *(sys.executable, "-P", str(_BOOTSTRAP), str(writing), self._mark),
            *(os.pathsep.join(str(path) for path in paths), str(_PROVIDED)),
        ]
        try:
            started = process.start(
                argv,
                self._environment(root),
                root,
                stdin=subprocess.PIPE,
                pass_fds=(writing,),
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return started, os.fdopen(reading, encoding="utf-8")

    def _environment(self, root: Path) -> dict[str, str]:
        function = self._function
        logging = function.logging
        return {
            **process.base_environment(),
            **function.environment,
            **self._cloud.credentials(
                function.role,
                function.name[:64],
                region=function.region,
                service="lambda.amazonaws.com",
                duration=_SESSION,
            ),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
            # Its code lies here for as long as the cloud does: the next worker need not compile it.
            "PYTHONDONTWRITEBYTECODE": "",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_LOG_FORMAT": logging.get("LogFormat", "Text"),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_LEVEL": logging.get("ApplicationLogLevel", ""),
            "AWS_LAMBDA_LOG_STREAM_NAME": self.stream,
            "LAMBDA_TASK_ROOT": str(root),
            "TZ": "UTC",
            "_HANDLER": function.handler,
        }

    def _read(self) -> None:
        lines: list[str] = []
        assert self._process.stdout  # noqa: S101 - `start` asked for it
        with self._process.stdout as output:
            for raw in output:
                line = raw.rstrip("\r\n")
                if line == self._mark:
                    self._printed.put((True, lines))
                    lines = []
                elif line:
                    lines.append(line)
        self._printed.put((False, lines))

    # --- asking -----------------------------------------------------------------------------

    def wait(self) -> timedelta:
        """Wait until the handler is loaded; returns how long that took.

        Raises:
            WorkerError: loading ended the process or took too long.
        """
        started = time.monotonic()
        try:
            self._first_lines = self._next(_START, "")
            self._answers.readline()
        except WorkerError:
            self.end()
            raise
        return timedelta(seconds=time.monotonic() - started)

    def ask(self, request_id: str, event: Any, client_context: Any = None) -> Reply:
        """Let the handler answer an event.

        Raises:
            WorkerError: it ended its process or took longer than the function may. The worker
                is of no use any more.
        """
        seconds = self._function.timeout.total_seconds()
        request = {
            "request_id": request_id,
            "arn": self._function.arn,
            "event": event,
            "seconds": seconds,
            "client_context": client_context,
        }
        self.fresh = False
        first, self._first_lines = self._first_lines, []
        try:
            assert self._process.stdin  # noqa: S101 - `_start` asked for it
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            lines = self._next(self._function.timeout, request_id)
            answer = json.loads(self._answers.readline())
        except (OSError, ValueError) as error:
            self.end()
            raise self._exited(request_id, first) from error
        except WorkerError as error:
            self.end()
            error.lines[:0] = first
            raise
        return Reply(answer["succeeded"], answer["payload"], first + lines)

    def _next(self, limit: timedelta, request_id: str) -> list[str]:
        """Return what is printed up to the next mark."""
        deadline = time.monotonic() + limit.total_seconds()
        while True:
            try:
                at_mark, lines = self._printed.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if time.monotonic() > deadline or self._cloud.stopping:
                    self.end()
                    _, lines = self._printed.get()
                    raise self._late(limit, request_id, lines) from None
                continue
            if not at_mark:
                raise self._exited(request_id, lines)
            return lines

    def _late(self, limit: timedelta, request_id: str, lines: list[str]) -> WorkerError:
        seconds = f"{limit.total_seconds():.2f}"
        return WorkerError(
            "Sandbox.Timedout",
            f"RequestId: {request_id} Error: Task timed out after {seconds} seconds",
            lines,
        )

    def _exited(self, request_id: str, lines: list[str]) -> WorkerError:
        code = self._process.wait()
        what = f"signal: {-code}" if code < 0 else f"exit status {code}"
        return WorkerError(
            "Runtime.ExitError",
            f"RequestId: {request_id} Error: Runtime exited with error: {what}",
            lines,
        )

    # --- its life ---------------------------------------------------------------------------

    @property
    def peak_mib(self) -> int:
        """The most memory that it has used, in MiB; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return 0
        peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), "x 0 kB")
        return int(peak.split()[1]) // _KIB

    def is_usable(self) -> bool:
        """Tell whether it lives and its session lasts for another invocation."""
        lasts = self.expires - self._function.timeout > self._cloud.clock.now()
        return lasts and self._process.poll() is None

    def end(self) -> None:
        """End the subprocess."""
        process.end(self._process)
        with contextlib.suppress(OSError):
            self._answers.close()
            if self._process.stdin:
                self._process.stdin.close()
