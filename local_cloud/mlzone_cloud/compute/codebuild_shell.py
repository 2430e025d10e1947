"""Runs the commands of a buildspec in one shell, as CodeBuild's version 0.2 does.

What a command sets stays set for the next one: variables, functions, the folder. A command that
leaves the shell (`exit`, `set -e`) ends only itself: the shell saves what it knows, and another one
takes over from there.
"""

import itertools
import shlex
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlzone_cloud.compute import process
from mlzone_cloud.compute.buildspec import Buildspec, Phase

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


class BuildError(Exception):
    """A phase failed, or was stopped; code and message are what its context shows."""

    def __init__(self, code: str, message: str, *, status: str = "FAILED") -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message


_OWN = "[Container] "
_TAIL_LINES = 15
_DRIVER = Path(__file__).with_name("codebuild_driver.bash")


@dataclass(kw_only=True)
class Failure:
    """The command that failed."""

    command: str
    code: int
    lines: tuple[str, ...]
    """The last lines that it printed."""

    @property
    def message(self) -> str:
        """What CodeBuild says of it, and what the command said last."""
        said = "\n".join(self.lines).strip()
        reason = f"Error while executing command: {self.command}. Reason: exit status {self.code}"
        return f"{reason}\n{said}" if said else reason


@dataclass(kw_only=True)
class Ran:
    """How the commands ended."""

    timed_out: bool = False
    stopped: bool = False
    failed: bool = False
    reached_post_build: bool = False
    exported: dict[str, str] = field(default_factory=dict)
    expanded: tuple[str, ...] = ()
    """The texts of `expand` with their variables filled in."""


@dataclass(frozen=True, kw_only=True)
class _Step:
    kind: str
    phase: str
    text: str = ""

    @property
    def shown(self) -> str:
        return self.text.strip().splitlines()[0] if self.text.strip() else ""


@dataclass(kw_only=True)
class Shell:
    """One build's commands."""

    cloud: "Cloud"
    spec: Buildspec
    environment: Mapping[str, str]
    source: Path
    """Where the commands begin."""
    folder: Path
    """For the shell's own files; made."""
    log: process.LogTarget | None
    on_phase: Callable[[str, str, Failure | None], None]
    """Is told of a phase that begins (status `IN_PROGRESS`) or ended."""
    expand: tuple[str, ...] = ()
    _steps: list[_Step] = field(default_factory=list)
    _read: int = 0
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    _failure: Failure | None = None
    _phase: str = ""
    _running: int = -1
    _ran: Ran = field(default_factory=Ran)

    def run(self, *, timeout: timedelta, stop: threading.Event) -> Ran:
        """Run all phases.

        Raises:
            BuildError: there is no shell that could run them.
        """
        self.folder.mkdir(parents=True)
        self._steps = [step for phase in self.spec.phases for step in _steps(phase)]
        self._write_plan()
        deadline = time.monotonic() + timeout.total_seconds()
        while True:
            before = self._read
            outcome = process.run(
                self.cloud,
                argv=["bash", "--noprofile", "--norc", str(self.folder / "driver")],
                environment=self.environment,
                folder=self.source,
                log=self.log,
                timeout=timedelta(seconds=deadline - time.monotonic()),
                stop=stop,
                on_line=self._hear,
            )
            self._look()
            if outcome.timed_out or outcome.stopped:
                self._ran.timed_out, self._ran.stopped = outcome.timed_out, outcome.stopped
                return self._ran
            if (self.folder / "finished").exists():
                return self._finished()
            if not (self.folder / "position").exists():
                if self._read == before:
                    raise BuildError("FAULT", "the shell ended: " + "\n".join(outcome.tail))
                # The command replaced the shell (`exec`) or killed it; its variables are lost.
                self._take_over(outcome.code)

    def _take_over(self, code: int) -> None:
        flags = f"{int(self._failure is not None)} {int(self._ran.failed)}"
        position = f"{self._running} {abs(code)} {flags}\n"
        (self.folder / "position").write_text(position, encoding="utf-8")

    def _finished(self) -> Ran:
        fields = (self.folder / "exported").read_text(encoding="utf-8").split("\0")
        self._ran.exported = dict(zip(fields[:-1:2], fields[1::2], strict=False))
        expanded = (self.folder / "expanded").read_text(encoding="utf-8").split("\0")
        self._ran.expanded = tuple(expanded[:-1])
        return self._ran

    def _write_plan(self) -> None:
        arrays = {
            "kinds": [step.kind for step in self._steps],
            "phases": [step.phase for step in self._steps],
            "shown": [step.shown for step in self._steps],
            "exported": list(self.spec.exported_variables),
            "expanded": list(self.expand),
        }
        lines = [
            f"__cb_{name}=({' '.join(shlex.quote(value) for value in values)})"
            for name, values in arrays.items()
        ]
        lines.append(f"__cb_count={len(self._steps)}")
        (self.folder / "plan").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for index, step in enumerate(self._steps):
            (self.folder / f"command-{index}").write_text(step.text, encoding="utf-8")
        driver = _DRIVER.read_text(encoding="utf-8").replace(
            "@FOLDER@", shlex.quote(str(self.folder))
        )
        (self.folder / "driver").write_text(driver, encoding="utf-8")
        (self.folder / "events").touch()

    def _hear(self, line: str) -> None:
        if line.startswith(_OWN):
            self._look(limit=1)
        else:
            self._lines.append(line)

    def _look(self, limit: int = sys.maxsize) -> None:
        """Take in what the shell has noted since the last time."""
        with (self.folder / "events").open(encoding="utf-8") as file:
            file.seek(self._read)
            for line in itertools.islice(iter(file.readline, ""), limit):
                self._read = file.tell()
                self._take(*line.rstrip("\n").split("\t"))

    def _take(self, kind: str, about: str, value: str) -> None:
        if kind == "enter":
            self._phase, self._failure = about, None
            self._ran.reached_post_build |= about == "POST_BUILD"
            self.on_phase(about, "IN_PROGRESS", None)
        elif kind == "run":
            self._running = int(about)
            self._lines.clear()
        elif kind == "fail":
            self._ran.failed = True
            command = self._steps[int(about)].text.strip()
            said = tuple(self._lines)
            self._failure = self._failure or Failure(command=command, code=int(value), lines=said)
        elif kind == "leave":
            self.on_phase(about, value, self._failure)


def _steps(phase: Phase) -> list[_Step]:
    name = phase.name.upper()
    return [
        _Step(kind="enter", phase=name),
        *(_Step(kind="command", phase=name, text=text) for text in phase.commands),
        *(_Step(kind="finally", phase=name, text=text) for text in phase.finally_commands),
        _Step(kind="leave", phase=name, text=phase.on_failure),
    ]
