"""Runs a subprocess for the cloud: its output goes to CloudWatch Logs, its end is certain.

A subprocess has a process group of its own, which is killed as a whole when its time is over, when
somebody stops it, when the cloud stops, and when the process ends and leaves children behind.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

TAIL_LINES = 40
_SHORTEST_LOOK, _LONGEST_LOOK = 0.005, 0.25
"""Seconds between two looks at a process: what has just begun is looked at more often. Many run at
once, some for hours, and each look takes turns with all requests."""
_LONGER = 1.1
_BATCH_LINES = 1000
_EXISTS = "ResourceAlreadyExistsException"
_INHERITED = ("LANG", "LC_ALL", "SSL_CERT_FILE", "TMPDIR", "TZ", "VIRTUAL_ENV")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a subprocess ended."""

    code: int
    """The exit code; negative: the signal that ended it."""
    timed_out: bool
    stopped: bool
    """Whether somebody, or the cloud's own end, stopped it."""
    tail: tuple[str, ...]
    """The last lines of its output."""

    @property
    def succeeded(self) -> bool:
        """Tell whether it ended by itself and well."""
        return self.code == 0 and not self.timed_out and not self.stopped


@dataclass(frozen=True)
class LogTarget:
    """Where lines of output go: a stream in CloudWatch Logs, made when the first line comes."""

    account: str
    region: str
    group: str
    stream: str

    def write(self, cloud: "Cloud", lines: Iterable[str]) -> None:
        """Append lines, stamped with the cloud's present moment."""
        logs = cloud.client("logs", account=self.account, region=self.region)
        stamp = int(cloud.clock.now().timestamp() * 1000)
        events = [{"timestamp": stamp, "message": line} for line in lines if line]
        while events:
            batch, events = events[:_BATCH_LINES], events[_BATCH_LINES:]
            try:
                self._put(logs, batch)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                self._make(logs)
                self._put(logs, batch)

    def _put(self, logs: Any, events: list[dict[str, Any]]) -> None:
        logs.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=events)

    def _make(self, logs: Any) -> None:
        wanted = {"logGroupName": self.group}
        for make, names in (
            (logs.create_log_group, wanted),
            (logs.create_log_stream, {**wanted, "logStreamName": self.stream}),
        ):
            try:
                make(**names)
            except ClientError as error:
                if error.response["Error"]["Code"] != _EXISTS:
                    raise


def base_environment() -> dict[str, str]:
    """Return what every subprocess of the cloud gets: nothing of the parent's AWS settings.

    `HOME` is the subprocess's folder unless its environment says otherwise.
    """
    own = str(Path(sys.executable).parent)
    path = [own, *(os.environ.get("PATH") or os.defpath).split(os.pathsep)]
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "PATH": os.pathsep.join(dict.fromkeys(path)),
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def run(  # noqa: PLR0913
    cloud: "Cloud",
    *,
    argv: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    log: LogTarget | None = None,
    timeout: timedelta,
    stop: threading.Event | None = None,
    on_line: Callable[[str], None] | None = None,
    heavy: bool = False,
) -> Outcome:
    """Run a command to its end.

    Args:
        cloud: the cloud for which it runs; its end ends the command.
        argv: the program and its arguments.
        environment: all of its environment; begin with `base_environment`.
        folder: where it runs.
        log: where its output goes, standard error included.
        timeout: how long it may take, in real time, from its start.
        stop: ends it when set.
        on_line: is told each line of its output, from another thread.
        heavy: whether it keeps a core busy; then it waits for its turn.

    Raises:
        OSError: the program does not exist or cannot be run.
    """
    with cloud.heavy() if heavy else contextlib.nullcontext():
        process = start(argv, environment, folder)
        output = _Output(cloud, process, log, on_line)
        timed_out = stopped = False
        deadline = time.monotonic() + timeout.total_seconds()
        stop = stop or threading.Event()
        look = _SHORTEST_LOOK
        try:
            while process.poll() is None:
                stop.wait(look)
                look = min(look * _LONGER, _LONGEST_LOOK)
                output.flush()
                stopped = cloud.stopping or stop.is_set()
                timed_out = not stopped and time.monotonic() > deadline
                if stopped or timed_out:
                    break
        finally:
            end(process)
            output.close()
    return Outcome(
        code=process.returncode, timed_out=timed_out, stopped=stopped, tail=tuple(output.tail)
    )


def start(
    argv: Sequence[str], environment: Mapping[str, str], folder: Path, **more: Any
) -> subprocess.Popen[str]:
    """Start a command in a process group of its own, its output in a pipe.

    Args:
        argv: the program and its arguments.
        environment: all of its environment; begin with `base_environment`.
        folder: where it runs.
        more: further arguments of `subprocess.Popen`.

    Raises:
        OSError: the program does not exist or cannot be run.
    """
    given: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        **more,
    }
    return subprocess.Popen(
        list(argv),
        env={"HOME": str(folder), **environment},
        cwd=folder,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        **given,
    )


def end(process: "subprocess.Popen[Any]") -> None:
    """End a process that `start` started, and all that it has started; waits for its end."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Output:
    """Reads a process's output in a thread and passes it on in batches."""

    def __init__(
        self,
        cloud: "Cloud",
        process: "subprocess.Popen[str]",
        log: LogTarget | None,
        on_line: Callable[[str], None] | None,
    ) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._cloud, self._log, self._on_line = cloud, log, on_line
        self._pending: deque[str] = deque()
        assert process.stdout  # noqa: S101 - `start` asked for it
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for raw in stream:
                line = raw.rstrip("\r\n")
                self.tail.append(line)
                if self._log:
                    self._pending.append(line)
                if self._on_line:
                    self._tell(self._on_line, line)

    def _tell(self, on_line: Callable[[str], None], line: str) -> None:
        try:
            on_line(line)
        except Exception as error:  # noqa: BLE001 - the output must be read on, else it blocks
            self._cloud.record_error(f"{on_line!r} failed at a line of output: {error!r}")

    def flush(self) -> None:
        """Write the lines that wait."""
        if not self._log or not self._pending:
            return
        lines = [self._pending.popleft() for _ in range(len(self._pending))]
        try:
            self._log.write(self._cloud, lines)
        except Exception as error:  # noqa: BLE001 - what runs does not fail for want of a log
            self._cloud.record_error(f"output was not logged to {self._log.group}: {error!r}")

    def close(self) -> None:
        """Write the rest, after the end of the process."""
        self._reader.join()
        self.flush()
