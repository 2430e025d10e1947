"""A small model artefact of format `tabular/1`, and a server process that serves it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mlzone_runtime.tabular_xgboost import xgboost

SCHEMA = {
    "format": "tabular/1",
    "model": "example",
    "features": [
        {"name": "amount", "type": "number", "title": "Amount"},
        {"name": "purpose", "type": "category", "categories": ["car", "house", "boat"]},
    ],
    "target": "outcome",
    "positive_class": "default",
    "threshold": 0.5,
    "decisions": {"positive": "refer", "negative": "approve"},
}
START_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    kind: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Served:
    port: int
    process: subprocess.Popen[str]

    def ask(
        self,
        body: str | bytes,
        kind: str = "text/csv",
        *,
        path: str = "/invocations",
        method: str = "POST",
        accept: str = "",
    ) -> Answer:
        headers = {"Content-Type": kind} | ({"Accept": accept} if accept else {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            data = body.encode() if isinstance(body, str) else body
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return Answer(
                status=answer.status,
                kind=answer.headers.get("content-type", ""),
                body=answer.read().decode(),
            )
        finally:
            connection.close()


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifact")
    random = np.random.default_rng(1)
    rows = np.column_stack([random.uniform(0, 100, 400), random.integers(0, 3, 400)])
    labels = (rows[:, 0] > 50) ^ (rows[:, 1] == 2)
    data = xgboost.DMatrix(
        rows,
        label=labels,
        feature_names=["amount", "purpose"],
        feature_types=["q", "c"],
        enable_categorical=True,
    )
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "seed": 1}, data, 20
    )
    booster.save_model(folder / "model.json")
    (folder / "schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    return folder


def start(folder: Path) -> Served:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlzone_runtime.serving", "serve"],
        env={**os.environ, "SAGEMAKER_BIND_TO_PORT": str(port), "SM_MODEL_DIR": str(folder)},
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Served(port=port, process=process)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if served.ask("", path="/ping", method="GET").status == 200:
                return served
        except ConnectionError:
            time.sleep(0.05)
    return served


@pytest.fixture(scope="session")
def server(artifact: Path) -> Iterator[Served]:
    served = start(artifact)
    yield served
    served.process.send_signal(signal.SIGTERM)
    served.process.communicate(timeout=START_SECONDS)
