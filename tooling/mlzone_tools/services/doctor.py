"""Checks what the platform's tools need on this machine."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import boto3

from mlzone.errors import LandingZoneError
from mlzone.estate import Estate, Stage
from mlzone_tools.cloud import cdk, embedded
from mlzone_tools.cloud.session import account_session
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.monitoring.availability import availability

Health = Literal["ok", "warning", "problem"]
_LEAST_PYTHON = (3, 11)
_LEAST_GIT = (2, 31)
_LEAST_DISK_GB = 2.0
_GB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Check:
    """What was looked at, and how it is."""

    name: str
    health: Health
    finding: str
    advice: str = ""
    """What to do, where something is not well."""


def examine(estate_path: Path) -> tuple[Check, ...]:
    """Look at the tools, the disk, the estate and the embedded cloud."""
    return tuple(
        check
        for part in (
            _python(),
            _git(),
            _cdk(),
            _disk(),
            _private_mounts(),
            _estate(estate_path),
            _cloud(),
            _model_monitor(estate_path),
        )
        for check in part
    )


def _python() -> Iterator[Check]:
    found = ".".join(map(str, sys.version_info[:3]))
    well = sys.version_info[:2] >= _LEAST_PYTHON
    yield Check(
        name="python",
        health="ok" if well else "problem",
        finding=found,
        advice="" if well else "install Python 3.11 or newer, then `make clean setup`",
    )


def _git() -> Iterator[Check]:
    try:
        text = _said("git", "--version")
    except OSError:
        yield Check(name="git", health="problem", finding="not installed", advice="install git")
        return
    version = tuple(int(part) for part in text.split()[2].split(".")[:2])
    well = version >= _LEAST_GIT
    yield Check(
        name="git",
        health="ok" if well else "problem",
        finding=text.removeprefix("git version "),
        advice="" if well else "projects are submitted with git 2.31 or newer",
    )


def _cdk() -> Iterator[Check]:
    executable = Path("node_modules/.bin/cdk")
    if not executable.exists():
        yield Check(
            name="cdk", health="problem", finding="not installed", advice="run `make setup`"
        )
        return
    yield Check(name="cdk", health="ok", finding=_said(str(executable), "--version"))


def _disk() -> Iterator[Check]:
    free = shutil.disk_usage(Path.cwd()).free / _GB
    well = free >= _LEAST_DISK_GB
    yield Check(
        name="disk",
        health="ok" if well else "warning",
        finding=f"{free:.1f} GB free",
        advice="" if well else f"jobs and state want {_LEAST_DISK_GB:.0f} GB",
    )


def _private_mounts() -> Iterator[Check]:
    """Jobs see their own /opt/ml where the kernel lets a plain user mount privately."""
    try:
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "true"],
            capture_output=True,
            check=False,
        )
        allowed = done.returncode == 0
    except OSError:
        allowed = False
    yield Check(
        name="private mounts",
        health="ok" if allowed else "warning",
        finding="jobs get their own /opt/ml" if allowed else "paths of jobs are rewritten instead",
        advice=""
        if allowed
        else "allow unprivileged user namespaces for full fidelity of local jobs",
    )


def _estate(path: Path) -> Iterator[Check]:
    try:
        result = estate_service.validate(path)
    except LandingZoneError as error:
        yield Check(name="estate", health="problem", finding=error.message, advice=error.hint)
        return
    count = len(result.problems)
    yield Check(
        name="estate",
        health="problem" if count else "ok",
        finding=f"{count} problems" if count else f"{result.models} models, {result.people} people",
        advice="mlzone validate" if count else "",
    )


def _cloud() -> Iterator[Check]:
    endpoint = embedded.find()
    if endpoint is None:
        taken = _taken(embedded.DEFAULT_PORT)
        yield Check(
            name="embedded cloud",
            health="warning" if taken else "ok",
            finding=f"stopped; port {embedded.DEFAULT_PORT} is {'taken' if taken else 'free'}",
            advice=f"mlzone cloud up --port {embedded.DEFAULT_PORT + 1}" if taken else "",
        )
        return
    state = endpoint.control("status")
    troubles = {**state["errors"], **state["not_implemented"]}
    yield Check(
        name="embedded cloud",
        health="warning" if troubles else "ok",
        finding=f"{endpoint.url}, {state['memory_mib']} MiB, {state['requests']} requests",
        advice="; ".join(f"{text} ({count}x)" for text, count in troubles.items()),
    )


def _model_monitor(path: Path) -> Iterator[Check]:
    """Where the estate asks for SageMaker Model Monitor, the account must still have it."""
    try:
        estate = estate_service.load(path)
    except LandingZoneError:
        return  # The check of the estate has said so.
    if estate.organization.monitoring.engine != "model-monitor":
        yield Check(name="model monitor", health="ok", finding="the estate does without it")
        return
    asked = [(where, availability(client)) for where, client in _accounts(estate)]
    if not asked:
        yield Check(
            name="model monitor",
            health="ok",
            finding="not looked at: no cloud runs, and there are no credentials of AWS",
        )
        return
    # One account that is sure is enough: what AWS decides, it decides for customers.
    order = ("open", "closed", "unknown")
    where, found = min(asked, key=lambda item: order.index(item[1].state))
    health: Mapping[str, Health] = {"open": "ok", "closed": "problem", "unknown": "warning"}
    advice = {
        "closed": "set monitoring.engine: scheduled-processing; it runs the same monitors",
        "unknown": "deployment's role alone may make schedules: deploy a release, and ask again",
    }
    yield Check(
        name="model monitor",
        health=health[found.state],
        finding=f"{where}: {found.reason}",
        advice=advice.get(found.state, ""),
    )


def _accounts(estate: Estate) -> Iterator[tuple[str, Any]]:
    """Yield where it is looked, with a client: the running embedded cloud, else AWS."""
    region = estate.organization.home_region
    endpoint = embedded.find()
    if endpoint is not None:
        for unit in estate.units:
            account = unit.environments[Stage.PROD].account
            session = account_session(endpoint, estate, account)
            yield f"embedded cloud, {account}", session.client("sagemaker", region)
        return
    own = boto3.Session()
    if own.get_credentials() is not None:
        yield f"AWS, {region}", own.client("sagemaker", region_name=region)


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _said(*arguments: str) -> str:
    return subprocess.run(
        arguments, capture_output=True, text=True, check=False, env=cdk.environment({})
    ).stdout.strip()
