"""Embedded clouds for tests: one in process, one behind a socket."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.seed import Seed, SeedAccount, plant
from mlzone_cloud.state import forget_everything

MANAGEMENT = "100000000001"
SHARED = "100000000002"
DEV = "111111111111"
PROD = "111111111113"
REGION = "sa-east-1"
SEED: dict[str, Any] = {
    "organization_id": "o-exampleorg1",
    "home_region": REGION,
    "management": MANAGEMENT,
    "accounts": [
        {"id": SHARED, "name": "shared", "email": "shared@example.com", "ou": "Infrastructure"},
        {"id": DEV, "name": "retail-dev", "email": "dev@example.com", "ou": "Workloads/retail"},
        {"id": PROD, "name": "retail-prod", "email": "prod@example.com", "ou": "Workloads/retail"},
    ],
}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """An in-process cloud with a small organization and nothing deployed."""
    forget_everything()
    made = Cloud(state_dir=tmp_path)
    plant(made, small_seed())
    yield made
    made.stop()
    forget_everything()


def small_seed() -> Seed:
    return Seed(
        organization_id=SEED["organization_id"],
        home_region=REGION,
        management=MANAGEMENT,
        accounts=tuple(
            SeedAccount(id=item["id"], name=item["name"], email=item["email"], unit=item["ou"])
            for item in SEED["accounts"]
        ),
    )


@dataclass
class Server:
    """A cloud that runs as a process of its own."""

    process: subprocess.Popen[str]
    state_dir: Path
    url: str
    credentials: dict[str, dict[str, str]]

    def client(self, service: str, *, account: str, region: str = REGION) -> Any:
        """Return an SDK client with the root credentials of an account."""
        keys = self.credentials[account]
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"],
        )

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        """Stop the process and wait for its end."""
        self.process.send_signal(with_signal)
        self.process.wait(timeout=60)
        if self.process.stderr:
            self.process.stderr.close()


@pytest.fixture(scope="session")
def start_server() -> Iterator[Callable[[Path], Server]]:
    """Starts servers on free ports; they are stopped at the end."""
    started: list[Server] = []

    def start(state_dir: Path) -> Server:
        state_dir.mkdir(parents=True, exist_ok=True)
        seed = state_dir / "seed.json"
        seed.write_text(json.dumps(SEED), encoding="utf-8")
        endpoint = state_dir / "endpoint.json"
        endpoint.unlink(missing_ok=True)
        command = [sys.executable, "-m", "mlzone_cloud", "serve", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--state", str(state_dir), "--seed", str(seed)],
            text=True,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        for _ in range(1200):
            if endpoint.exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        if process.poll() is not None:
            assert process.stderr
            raise AssertionError(process.stderr.read())
        announced = json.loads(endpoint.read_text(encoding="utf-8"))
        server = Server(process, state_dir, announced["url"], announced["credentials"])
        started.append(server)
        return server

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="session")
def cloud_server(
    start_server: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory
) -> Server:
    """A cloud behind a socket, shared by the tests of a session."""
    return start_server(tmp_path_factory.mktemp("cloud"))
