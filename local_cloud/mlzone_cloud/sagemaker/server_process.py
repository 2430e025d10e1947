"""An inference server: a container that listens on a port of this machine."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from mlzone_cloud.compute import process
from mlzone_cloud.sagemaker.container import Container

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_HERE = "127.0.0.1"
PORT = "SAGEMAKER_BIND_TO_PORT"
_FOR_EVER = timedelta(days=3650)
_LOOK_SECONDS = 0.05
_PING_SECONDS = 2.0
_END_SECONDS = 10.0
_OK = 200
_PORTS = 3
"""So many ports are tried where another program takes one before the server does."""


class ServerError(Exception):
    """A server does not come up, or does not answer."""


@dataclass(frozen=True)
class Reply:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class InferenceServer:
    """One server process; started once, ended for good by `stop`."""

    def __init__(
        self, cloud: "Cloud", make: Callable[[int], Container], log: process.LogTarget | None
    ) -> None:
        """Prepare a server.

        Args:
            cloud: the cloud; its end ends the server.
            make: returns the container that listens on a port.
            log: where its output goes.
        """
        self._cloud, self._make, self._log = cloud, make, log
        self._port = 0
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._last_words: tuple[str, ...] = ()
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._thread is not None and not self._ended.is_set()

    def ends_within(self, seconds: float) -> bool:
        """Tell whether the process has ended, or ends soon."""
        return self._ended.wait(seconds)

    def start(self, limit: timedelta) -> None:
        """Start the process; returns when it answers `/ping`.

        Raises:
            ServerError: it ends, or does not answer in time.
        """
        deadline = time.monotonic() + limit.total_seconds()
        for _ in range(_PORTS):
            self._launch()
            if self._comes_up(deadline):
                return
            if not self._ended.is_set():
                self.stop()
                raise ServerError(f"no answer within {limit.total_seconds():g} seconds")
            if not _taken(self._port):
                break
        lines = "\n".join(line for line in self._last_words if line.strip())[-400:]
        raise ServerError(f"the program ended: {lines}")

    def request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> Reply:
        """Ask the server.

        Raises:
            OSError: it does not answer, or not in time.
            http.client.HTTPException: it does not speak HTTP.
        """
        connection = http.client.HTTPConnection(_HERE, self._port, timeout=seconds)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            content = answer.read()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, content)
        finally:
            connection.close()

    def stop(self) -> None:
        """End the process."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=_END_SECONDS)

    def _launch(self) -> None:
        self._port = _free_port()
        self._ended.clear()
        container = self._make(self._port)
        self._thread = threading.Thread(target=self._run, args=(container,), daemon=True)
        self._thread.start()

    def _comes_up(self, deadline: float) -> bool:
        """Wait until the process answers; tell whether it does."""
        while not self._answers():
            if self._ended.wait(_LOOK_SECONDS) or time.monotonic() > deadline:
                return False
        return True

    def _answers(self) -> bool:
        try:
            return self.request("GET", "/ping", b"", {}, _PING_SECONDS).status == _OK
        except (OSError, http.client.HTTPException):
            return False

    def _run(self, container: Container) -> None:
        command = container.command()
        try:
            outcome = process.run(
                self._cloud,
                argv=command.argv,
                environment=command.environment,
                folder=command.folder,
                log=self._log,
                timeout=_FOR_EVER,
                stop=self._stop,
            )
            self._last_words = outcome.tail
        except OSError as error:
            self._last_words = (f"the program cannot be run: {error}",)
        finally:
            self._ended.set()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        port: int = probe.getsockname()[1]
        return port


def _taken(port: int) -> bool:
    """Tell whether somebody else listens on a port, or talks from it."""
    with socket.socket() as probe:
        try:
            probe.bind((_HERE, port))
        except OSError:
            return True
        return False
