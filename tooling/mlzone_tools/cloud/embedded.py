"""The embedded cloud as a process of its own: start, find, stop."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlzone.errors import ConfigError, DeploymentError
from mlzone.estate import Estate, Stage
from mlzone.system_policy import declared_systems

STATE = Path(".mlzone/cloud")
DEMO_STATE = Path(".mlzone/demo")
STATE_VARIABLE = "MLZONE_STATE"
"""Names another state folder: commands then speak to the embedded cloud that has it."""
DEFAULT_PORT = 4599
_NODE_PROGRAMS = Path("node_modules/.bin")
_START_SECONDS = 60
_STOP_SECONDS = 30
_FRUGAL = {"MALLOC_ARENA_MAX": "2"}
"""glibc keeps a heap for each thread otherwise, and with it memory that the cloud has freed."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a running embedded cloud is reached."""

    pid: int
    port: int
    url: str
    credentials: dict[str, dict[str, str]]
    """A root access key per account."""

    @property
    def now(self) -> datetime:
        """The time by the cloud's clock, which can be moved forward."""
        return datetime.fromisoformat(self.control("status")["clock"])

    def control(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the control interface.

        Raises:
            DeploymentError: the cloud does not answer.
        """
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}/_cloud/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method="GET" if body is None else "POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
                result: dict[str, Any] = json.load(answer)
                return result
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise DeploymentError(
                f"the embedded cloud at {self.url} does not answer: {error}",
                hint="look at cloud.log in its state folder; start it with `mlzone cloud up`",
            ) from error


def state_folder() -> Path:
    """Return the state folder that commands use: `MLZONE_STATE`, else `.mlzone/cloud`."""
    return Path(os.environ.get(STATE_VARIABLE) or STATE)


def find(state: Path | None = None) -> Endpoint | None:
    """Return the running cloud of a state folder, or None."""
    path = (state or state_folder()) / "endpoint.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        os.kill(raw["pid"], 0)
    except (OSError, ValueError, KeyError):
        return None
    return Endpoint(**raw)


def running(state: Path | None = None) -> Endpoint:
    """Return the running cloud.

    Raises:
        ConfigError: none is running.
    """
    folder = state or state_folder()
    endpoint = find(folder)
    if endpoint is None:
        hint = "start it: mlzone cloud up"
        if folder != DEMO_STATE and find(DEMO_STATE):
            hint += f"; or use the demo's: export {STATE_VARIABLE}={DEMO_STATE}"
        raise ConfigError(f"the embedded cloud of {folder} is not running", hint=hint)
    return endpoint


def start(
    estate: Estate,
    *,
    port: int = DEFAULT_PORT,
    state: Path | None = None,
    talk: Callable[[str], None],
) -> Endpoint:
    """Start the embedded cloud with the estate's accounts, unless it runs already.

    Raises:
        DeploymentError: it did not come up; the message has its last words.
    """
    state = state or state_folder()
    endpoint = find(state)
    if endpoint:
        if endpoint.port != port:
            talk(f"already running on port {endpoint.port}")
        return endpoint
    state.mkdir(parents=True, exist_ok=True)
    seed = state / "seed.json"
    temporary = seed.with_suffix(".tmp")
    temporary.write_text(json.dumps(seed_of(estate), indent=2), encoding="utf-8")
    temporary.replace(seed)
    log_path = state / "cloud.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mlzone_cloud",
                "serve",
                f"--port={port}",
                f"--state={state}",
                f"--seed={seed}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**_FRUGAL, **os.environ, "PATH": _path()},
        )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        endpoint = find(state)
        if endpoint and endpoint.pid == process.pid:
            return endpoint
        if process.poll() is not None:
            break
        time.sleep(0.05)
    last_words = log_path.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
    raise DeploymentError(
        f"the embedded cloud did not start: {last_words or 'it said nothing'}",
        hint=f"if port {port} is taken, choose another: mlzone cloud up --port {port + 1}",
    )


def _path() -> str:
    """Return where the cloud's builds find programs: the CDK's command line too."""
    return os.pathsep.join((str(_NODE_PROGRAMS.absolute()), os.environ.get("PATH", os.defpath)))


def stop(state: Path | None = None) -> bool:
    """Stop the embedded cloud; it saves its state. Tell whether one was running."""
    endpoint = find(state)
    if endpoint is None:
        return False
    os.kill(endpoint.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        if find(state) is None:
            return True
        time.sleep(0.05)
    raise DeploymentError(
        f"the embedded cloud (process {endpoint.pid}) does not stop",
        hint=f"end it with: kill -9 {endpoint.pid}",
    )


def reset(state: Path | None = None) -> None:
    """Stop the embedded cloud and forget everything in it."""
    state = state or state_folder()
    stop(state)
    for folder in (state, Path(".mlzone/cdk")):
        if folder.exists():
            shutil.rmtree(folder)


def seed_of(estate: Estate) -> dict[str, Any]:
    """Return the organization and the empty accounts of an estate."""
    organization = estate.organization
    shared = organization.accounts

    def account(number: str, name: str, unit: str) -> dict[str, str]:
        return {
            "id": number,
            "name": name,
            "email": f"aws+{name}@{organization.identity.email_domain}",
            "ou": unit,
        }

    systems = sorted(
        {system.account for _, _, model in estate.models() for _, system in declared_systems(model)}
    )
    return {
        "organization_id": organization.organization_id,
        "home_region": organization.home_region,
        "management": shared.management,
        "accounts": [
            account(shared.shared_services, "ml-shared-services", "Platform"),
            account(shared.log_archive, "log-archive", "Security"),
            *(
                account(
                    unit.environments[stage].account,
                    f"{unit.name}-{stage.value}",
                    f"Workloads/{unit.name}",
                )
                for unit in estate.units
                for stage in Stage
            ),
            *(account(number, f"system-{number}", "Systems") for number in systems),
        ],
    }
