"""A bank with one model, deployed to an embedded cloud of its own, for benchmarks of deliveries."""

import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import yaml

from mlzone.estate import Stage
from mlzone.loading import load_estate
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.session import Session
from mlzone_tools.services import bootstrap, deployment
from mlzone_tools.services.model import decision, delivery, lineage, progress, project, registry
from mlzone_tools.services.model.session_of import registry_session, stage_session

EXAMPLE = Path(__file__).parents[1] / "organization"
UNIT, TEAM = "retail-banking", "marketing"
MODEL = f"{UNIT}/unemployment"
AUTHOR, ENGINEER, APPROVER = "laura.campos", "natalia.ramos", "paula.reis"
ROW = "4,-0.1,-0.3,0.9,4,8,4,5.5,0.5,2.5\n"
"""A request, in the order of the features."""
_FORECAST = {
    "name": "unemployment",
    "title": "Unemployment in a year",
    "purpose": "Chooses the scenario by which loan losses are provided for",
    "template": "forecast",
    "risk_tier": 3,
    "data_zone": "campaigns",
    "thresholds": {"max_error_ratio": 0.9},
    # Callers, builds and the cloud share the cores.
    "service_level": {"p95_latency_ms": 5000},
}
_SECONDS = 900.0

Found = TypeVar("Found")


@contextmanager
def opened(folder: Path, **variables: str) -> Iterator["SmallBank"]:
    """Deploy the bank to a cloud, and stop the cloud at the end.

    Args:
        folder: an empty folder, for the estate, the project and the cloud's state.
        variables: settings of the cloud's process.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    bank = SmallBank(folder)
    try:
        bank.deploy()
        yield bank
    finally:
        embedded.stop(bank.state)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class SmallBank:
    """The bank, its people's steps, and its cloud's clock."""

    def __init__(self, folder: Path) -> None:
        self.state, self._project = folder / "cloud", folder / "project"
        self._estate_path = _write(folder / "estate")
        self.estate = load_estate(self._estate_path)

    def deploy(self) -> None:
        """Start the cloud and deploy the unit."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        embedded.start(self.estate, port=port, state=self.state, talk=print)
        bootstrap.bootstrap(self.cloud, self.estate, UNIT, talk=lambda _: None)
        deployment.deploy(
            self.cloud, self.estate, self._estate_path, UNIT, None, talk=lambda _: None
        )
        project.create(self.estate, MODEL, self._project)

    @property
    def cloud(self) -> embedded.Endpoint:
        """The running cloud."""
        return embedded.running(self.state)

    def stage(self, stage: Stage, person: str | None = None) -> Session:
        """Return a session in an environment."""
        return stage_session(self.cloud, self.estate, UNIT, stage, person)

    def approved(self, rounds: int) -> None:
        """Train a version, and approve it: both environments pull it."""
        settings = self._project / "model.yaml"
        text = settings.read_text(encoding="utf-8")
        changed = re.sub(r"(?m)^  rounds: \d+$", f"  rounds: {rounds}", text)
        settings.write_text(changed, encoding="utf-8")
        dev = self.stage(Stage.DEV, AUTHOR)
        pipeline = delivery.pipeline_name(self.estate, MODEL, Stage.DEV)
        known = delivery.runs(dev, pipeline)
        project.submit(dev, self.estate, MODEL, self._project, person=AUTHOR, message="Train")
        progress.require_success(progress.follow(dev, pipeline, known=known, talk=lambda _: None))
        shared = registry_session(self.cloud, self.estate, None, UNIT)
        decision.decide(
            registry_session(self.cloud, self.estate, APPROVER, UNIT),
            self.estate,
            registry.version(shared, self.estate, MODEL),
            "Approved",
            person=APPROVER,
            reason="back-test read",
        )

    def promotions(self) -> tuple[delivery.Run, ...]:
        """Return the promotions to production, newest first."""
        pipeline = delivery.pipeline_name(self.estate, MODEL, Stage.PROD)
        return delivery.runs(self.stage(Stage.PROD), pipeline)

    def promoted(
        self, known: int, *, meanwhile: Callable[[], object] = lambda: None
    ) -> delivery.Run:
        """Return a new promotion to production when it has ended.

        Args:
            known: how many there were before.
            meanwhile: called each second.
        """

        def ended() -> delivery.Run | None:
            runs = self.promotions()
            if len(runs) > known and runs[0].finished:
                return runs[0]
            meanwhile()
            return None

        return until(ended, "the promotion has ended")

    def serving(self) -> lineage.Place:
        """Return what serves in production."""
        return lineage.serving(self.stage(Stage.PROD), self.estate, MODEL, Stage.PROD)


def until(check: Callable[[], Found | None], what: str) -> Found:
    """Return what a check gives as soon as it gives something."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(1)
    raise SystemExit(f"{what}: not within {_SECONDS:.0f} s")


def _write(folder: Path) -> Path:
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("samples", "schema"))
    for file in (folder / "business_units").glob("*.yaml"):
        if file.stem != UNIT:
            file.unlink()
            continue
        unit = yaml.safe_load(file.read_text(encoding="utf-8"))
        for team in unit["teams"]:
            team["models"] = [_FORECAST] if team["name"] == TEAM else []
        file.write_text(yaml.safe_dump(unit, sort_keys=False), encoding="utf-8")
    return folder
