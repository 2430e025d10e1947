"""A server that serves a model starts on a port of its own."""

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cloud.sagemaker.serving import SERVER

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.sagemaker.container import Container
from mlzone_cloud.sagemaker.server_process import PORT, InferenceServer, ServerError

LIMIT = timedelta(seconds=30)


class Program:
    """Makes containers, and remembers the ports that they got."""

    def __init__(self, base: Path, code: str) -> None:
        self.base, self.ports = base, list[int]()
        (base / "serve.py").write_text(code)

    def __call__(self, port: int) -> Container:
        self.ports.append(port)
        return Container(
            base=self.base,
            argv=("python3", str(self.base / "serve.py"), "serve"),
            environment={PORT: str(port)},
        )


class Robbed(Program):
    """Somebody else takes the first port before the program does."""

    def __init__(self, base: Path, code: str, thief: socket.socket) -> None:
        super().__init__(base, code)
        self.thief = thief

    def __call__(self, port: int) -> Container:
        if not self.ports:
            self.thief.bind(("127.0.0.1", port))
        return super().__call__(port)


def test_a_server_whose_port_is_taken_from_it_starts_on_another(
    cloud: Cloud, tmp_path: Path
) -> None:
    with socket.socket() as thief:
        program = Robbed(tmp_path, SERVER.replace("VERSION", "b'v1'"), thief)
        server = InferenceServer(cloud, program, None)

        server.start(LIMIT)

        assert len(program.ports) == 2
        assert server.request("POST", "/invocations", b"1", {}, 5).body == b"v1:1"
        server.stop()
        assert not server.alive


def test_a_server_that_ends_by_itself_is_not_tried_again(cloud: Cloud, tmp_path: Path) -> None:
    program = Program(tmp_path, "raise SystemExit('no such column')")

    with pytest.raises(ServerError, match="the program ended: no such column"):
        InferenceServer(cloud, program, None).start(LIMIT)

    assert len(program.ports) == 1
