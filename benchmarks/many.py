"""A hundred models of forty teams, submitted at the same moment; the cloud is killed on the way.

Every model goes the way of any model: a push, the project's own tests, training, the registry, an
approver, staging. The stacks are made through CloudFormation's API, the rest by the commands'
own services. Production is left out: it repeats what staging does.
"""

import itertools
import os
import re
import signal
import socket
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import direct_deployment
import many_estate
from paper_estate import Size

from mlzone.estate import Stage
from mlzone.loading import load_estate
from mlzone.naming import Naming
from mlzone_tools.cloud import embedded
from mlzone_tools.services import bootstrap, images, kpi, synthesis
from mlzone_tools.services.kpi.event import Event
from mlzone_tools.services.model import decision, delivery, project, registry
from mlzone_tools.services.model.session_of import registry_session, stage_session

NOTE = """
Models of the template `forecast`, risk tier 3, are pushed at the same moment; each is tested,
trained, registered, approved at once, pulled into staging, deployed and verified there. `queue` is
the time from the push to the first command of the project's tests, `build` from there to the
registration, `to staging` from the push to the verified endpoint. The machine runs a limited number
of builds at once, in the order in which they came. Where it says so, the cloud was killed (SIGKILL)
when a third of the models was registered, and started again. `lost` and `twice` count versions,
builds and promotions that are missing or that there are two of. The stacks of development and
staging were made through CloudFormation's API; production's were not, and nobody pulled into it.
"""
MODELS = "MLZONE_BENCHMARK_MODELS"
"""Sets how many models there are, where a hundred take too long."""
_MODELS, _TEAMS, _UNITS = int(os.environ.get(MODELS, "100")), 40, 4
SIZE = Size(name="many", units=_UNITS, teams=min(_TEAMS, _MODELS), models=_MODELS)
BATCHES = (1, SIZE.models)
"""So many models at once, one batch after the other; the cloud is killed in the last one."""
_AT_ONCE = 16
_PAUSE_SECONDS = 5.0
"""Reading all events takes the cloud a while, when there are many."""
_LONGEST_SECONDS = 7200.0
_SETTLING_SECONDS = 10.0
_MOST_BUILDS = 100
"""CodeBuild tells of so many at once."""


def run() -> list[dict[str, Any]]:
    """Deploy the estate and submit the batches; a row a batch."""
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), SIZE, BATCHES)


def measure(folder: Path, size: Size, batches: Sequence[int]) -> list[dict[str, Any]]:
    """Measure an estate of a size."""
    crowd = Crowd(folder, size)
    try:
        crowd.deploy()
        rows = []
        for number, batch in enumerate(batches):
            row = crowd.submitted(batch, number, kill=batch == max(batches))
            print(row, flush=True)
            rows.append(row)
        return rows
    finally:
        embedded.stop(crowd.state)


class Crowd:
    """Many teams, and the cloud that they share."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.state = folder, folder / "cloud"
        self._estate_path = many_estate.write(size, folder / "estate")
        self.estate = load_estate(self._estate_path)
        self._naming = Naming(prefix=self.estate.organization.prefix)
        # Teams take turns: the first so many models are of so many teams.
        by_team: dict[tuple[str, str], list[str]] = {}
        for unit, team, model in self.estate.models():
            by_team.setdefault((unit.name, team.name), []).append(f"{unit.name}/{model.name}")
        dealt = itertools.zip_longest(*by_team.values())
        self.models = [name for names in dealt for name in names if name]

    def deploy(self) -> None:
        """Start the cloud, deploy what models need on their way to staging, begin the projects."""
        began = time.monotonic()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        embedded.start(self.estate, port=port, state=self.state, talk=print)
        bootstrap.bootstrap(self.cloud, self.estate, None, talk=lambda _: None)
        self._say("accounts are bootstrapped", began)
        stacks = many_estate.stacks(self.estate)
        made = synthesis.synthesize(
            output=self.folder / "assembly",
            estate=self._estate_path,
            stacks=[stack.name for stack in stacks],
        )
        self._say(f"{len(made.stacks)} stacks, {made.resources} resources synthesized", began)
        direct_deployment.deploy(
            self.cloud,
            self.estate,
            made.folder,
            stacks,
            talk=lambda text: self._say(text, began),
        )
        images.publish(self.cloud, self.estate)
        for name in self.models:
            project.create(self.estate, name, self._project(name))
        self._say("projects are begun", began)

    @property
    def cloud(self) -> embedded.Endpoint:
        """The running cloud."""
        return embedded.running(self.state)

    def submitted(self, count: int, number: int, *, kill: bool) -> dict[str, Any]:
        """Submit models at the same moment and follow them to staging.

        Args:
            count: how many.
            number: of the batch; a batch's projects differ from those of the one before.
            kill: whether the cloud is killed when a third of the models is registered.
        """
        chosen = self.models[:count]
        began = datetime.now(UTC)
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            pushed = dict(
                zip(chosen, pool.map(lambda it: self._push(it, number), chosen), strict=True)
            )
        print(
            f"{count} models are pushed after {_seconds(began, datetime.now(UTC)):.0f} s",
            flush=True,
        )
        registered, validated = self._followed(chosen, began, kill=kill)
        time.sleep(_SETTLING_SECONDS)
        tests = self._tests(began)
        queue = [_seconds(pushed[name], tests[name]) for name in chosen]
        build = [_seconds(tests[name], registered[name]) for name in chosen]
        staging = [_seconds(pushed[name], validated[name]) for name in chosen]
        return {
            "models": count,
            "teams": len({self.estate.model(name)[1].name + name.split("/")[0] for name in chosen}),
            "killed": "once" if kill else "no",
            **_spread("queue_s", queue),
            **_spread("build_s", build),
            **_spread("to_staging_s", staging),
            "models_a_minute": round(60 * count / max(staging), 1),
            **self._counted(chosen, began),
        }

    def _push(self, name: str, number: int) -> datetime:
        folder, (unit, team, _) = self._project(name), self.estate.model(name)
        settings = folder / "model.yaml"
        text = settings.read_text(encoding="utf-8")
        changed = re.sub(r"(?m)^  rounds: \d+$", f"  rounds: {100 + number}", text)
        settings.write_text(changed, encoding="utf-8")
        author = team.members.data_scientists[0]
        session = stage_session(self.cloud, self.estate, unit.name, Stage.DEV, author)
        project.submit(session, self.estate, name, folder, person=author, message="Train")
        return datetime.now(UTC)

    def _problem(self, name: str) -> str:
        """Return why a promotion into staging failed."""
        unit, _, _ = self.estate.model(name)
        session = stage_session(self.cloud, self.estate, unit.name, Stage.STAGING, None)
        pipeline = delivery.pipeline_name(self.estate, name, Stage.STAGING)
        # CodePipeline knows a little later than the platform's bus.
        time.sleep(_SETTLING_SECONDS)
        return f"{name}: " + "; ".join(
            f"{run.status} {run.problem}" for run in delivery.runs(session, pipeline)
        )

    def _followed(
        self, chosen: Sequence[str], began: datetime, *, kill: bool
    ) -> tuple[dict[str, datetime], dict[str, datetime]]:
        """Approve what is registered until all models are in staging; return when they were."""
        approved: set[str] = set()
        end = time.monotonic() + _LONGEST_SECONDS
        while time.monotonic() < end:
            events = [
                event for event in self._events() if event.time >= began.replace(microsecond=0)
            ]
            if failed := [event for event in events if event.kind == "Release Failed"]:
                raise SystemExit(f"a release failed: {self._problem(failed[0].model)}")
            registered = _times(events, "Model Registered")
            validated = _times(events, "Release Validated")
            if set(chosen) <= validated.keys():
                return registered, validated
            if kill and 3 * len(registered) >= len(chosen):
                self._kill()
                kill = False
                continue
            for name in registered.keys() - approved:
                self._approve(name)
                approved.add(name)
            time.sleep(_PAUSE_SECONDS)
        missing = sorted(set(chosen) - validated.keys())
        raise SystemExit(f"not in staging: {missing}")

    def _kill(self) -> None:
        """Kill the cloud as it is, and start it again."""
        endpoint = self.cloud
        began = time.monotonic()
        os.kill(endpoint.pid, signal.SIGKILL)
        # It is a child of this process.
        os.waitpid(endpoint.pid, 0)
        embedded.start(self.estate, port=endpoint.port, state=self.state, talk=print)
        print(f"killed; it answers again after {time.monotonic() - began:.1f} s", flush=True)

    def _approve(self, name: str) -> None:
        unit, _, _ = self.estate.model(name)
        person = unit.approvers[0]
        shared = registry_session(self.cloud, self.estate, None, unit.name)
        decision.decide(
            registry_session(self.cloud, self.estate, person, unit.name),
            self.estate,
            registry.version(shared, self.estate, name),
            "Approved",
            person=person,
            reason="back-test read",
        )

    def _events(self) -> tuple[Event, ...]:
        return kpi.events(registry_session(self.cloud, self.estate, None, ""), self.estate)

    def _tests(self, began: datetime) -> dict[str, datetime]:
        """Return when the tests of each model began to run."""
        found: dict[str, datetime] = {}
        projects = {
            self._naming.codebuild_project(*name.split("/"), Stage.DEV, "test"): name
            for name in self.models
        }
        for unit in self.estate.units:
            client = stage_session(self.cloud, self.estate, unit.name, Stage.DEV).client(
                "codebuild"
            )
            for page in client.get_paginator("list_builds").paginate():
                for ids in _parts(page["ids"], _MOST_BUILDS):
                    for build in client.batch_get_builds(ids=ids)["builds"]:
                        if build["startTime"] >= began and build["projectName"] in projects:
                            queued = build["phases"][1]
                            found[projects[build["projectName"]]] = queued["endTime"]
        return found

    def _counted(self, chosen: Sequence[str], began: datetime) -> dict[str, int]:
        """Count what is missing and what is there twice: builds, versions, promotions."""
        counts: Counter[str] = Counter()
        shared = registry_session(self.cloud, self.estate, None, "")
        for name in chosen:
            unit, _, _ = self.estate.model(name)
            versions = [
                item
                for item in registry.versions(shared, self.estate, model=name)
                if item.created >= began
            ]
            counts[f"{name} versions"] = len(versions)
            for stage in many_estate.STAGES:
                session = stage_session(self.cloud, self.estate, unit.name, stage)
                runs = delivery.runs(session, delivery.pipeline_name(self.estate, name, stage))
                done = [run for run in runs if run.started >= began and run.status == "Succeeded"]
                counts[f"{name} {stage}"] = len(done)
        return {
            "lost": sum(1 for count in counts.values() if count == 0),
            "twice": sum(1 for count in counts.values() if count > 1),
        }

    def _project(self, name: str) -> Path:
        return self.folder / "projects" / name.replace("/", "-")

    @staticmethod
    def _say(text: str, began: float) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)


def _times(events: Sequence[Event], kind: str) -> dict[str, datetime]:
    return {event.model: event.time for event in events if event.kind == kind}


def _seconds(first: datetime, last: datetime) -> float:
    return max(0.0, (last - first).total_seconds())


def _spread(name: str, values: Sequence[float]) -> dict[str, float]:
    return {
        f"{name}_median": round(statistics.median(values)),
        f"{name}_most": round(max(values)),
    }


def _parts(items: Sequence[str], size: int) -> list[list[str]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]
