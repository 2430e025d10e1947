"""The server in a process of its own, as an endpoint's container starts it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import execute
from delivery import compiling


@contextmanager
def serving(code: Path, model: Path) -> Iterator[http.client.HTTPConnection]:
    """Serve a model until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(code / "main.py"), "serve"],
        env={**os.environ, "SM_MODEL_DIR": str(model), "SAGEMAKER_BIND_TO_PORT": str(port)},
    )
    try:
        for _ in range(600):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("GET", "/ping")
                assert connection.getresponse().read() == b""
            except OSError:
                time.sleep(0.1)
                continue
            yield connection
            break
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()


def test_it_answers_over_one_connection_and_ends_when_it_is_told(
    sources: compiling.Sources, tmp_path: Path
) -> None:
    code, model = tmp_path / "code", tmp_path / "model"
    sources.code.write(code)
    sources.data.write(tmp_path / "data")
    execute(code, "main", "train", "--examples", tmp_path / "data", "--model-dir", model)
    row = (model / "background.csv").read_text(encoding="utf-8").splitlines()[1]

    with serving(code, model) as connection:
        for body, kind, status in (
            (row, "text/csv", 200),
            ("1,2", "text/csv", 400),
            (row, "text/csv", 200),
        ):
            connection.request("POST", "/invocations", body, {"Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == status, text
        assert float(text) > 0
        connection.request("POST", "/elsewhere", "{}", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 404
        assert json.loads(answer.read())["error"] == "nothing at /elsewhere"


def test_a_model_that_is_not_there_ends_it_with_a_reason(
    sources: compiling.Sources, tmp_path: Path
) -> None:
    sources.code.write(tmp_path)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py"), "serve"],
        env={**os.environ, "SM_MODEL_DIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "lacks model.joblib and schema.json" in done.stderr
