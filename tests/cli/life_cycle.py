"""A small bank whose people take models to production with the command line alone."""

import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from tests.cli import templates_estate
from tests.cli.outside_system import OutsideSystem
from tests.cli.workplace import equip

from mlzone.estate import Stage
from mlzone.loading import load_estate
from mlzone.naming import Naming
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.session import Session
from mlzone_tools.services import kpi
from mlzone_tools.services.model import delivery, lineage
from mlzone_tools.services.model.session_of import shared_session, stage_session

ROOT = Path(__file__).parents[2]
_LINKS = ("app.py", "cdk.json", "node_modules", "pipeline_templates", "runtime")
_SECONDS = 240.0


class Bank:
    """A folder with the product, an estate of its own, and the cloud that it is deployed to."""

    def __init__(self, folder: Path, documented: Callable[..., Any]) -> None:
        self.folder, self._documented = folder, documented
        self._runtimes: dict[str, Any] = {}
        equip(folder, *_LINKS)
        templates_estate.write(ROOT, folder / "organization")

    def open(self) -> None:
        """Start the cloud and deploy the estate."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.mlzone("cloud", "up", f"--port={port}")
        self.mlzone("cloud", "bootstrap", "--unit", "retail-banking")
        self.mlzone("deploy", "retail-banking")

    def close(self) -> None:
        """Stop the cloud."""
        embedded.stop(self.folder / ".mlzone" / "cloud")

    def mlzone(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command; its exit code is as expected."""
        done = self._run(*arguments)
        assert done.returncode == code, done.stderr[-4000:] + done.stdout[-1000:]
        return done

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.run(
            [Path(sys.executable).with_name("mlzone"), *arguments],
            cwd=self.folder,
            env={**own, "MLZONE_STATE": str(self.folder / ".mlzone" / "cloud")},
            capture_output=True,
            text=True,
            check=False,
        )

    def result(self, *arguments: str, code: int = 0) -> Any:
        """Return what a command prints as JSON; it is as documented."""
        return self._documented(self.mlzone(*arguments, "--json", code=code).stdout, *arguments)

    def promoted(self, model: str, environment: str) -> bool:
        """Tell whether a promotion into an environment has succeeded."""
        return any(run.status == "Succeeded" for run in self._runs(model, Stage(environment)))

    def comments(self, model: str, number: str) -> list[str]:
        """Return what was said to a pull request of a model's project."""
        estate = load_estate(self.folder / "organization")
        unit, _, _ = estate.model(model)
        client = stage_session(self.cloud, estate, unit.name, Stage.DEV, None).client("codecommit")
        found = client.get_comments_for_pull_request(pullRequestId=number)
        return [item["comments"][0]["content"] for item in found["commentsForPullRequestData"]]

    def settled(self, model: str) -> bool:
        """Tell whether no delivery of a model goes on."""
        return all(run.finished for stage in Stage for run in self._runs(model, stage))

    def _runs(self, model: str, stage: Stage) -> tuple[delivery.Run, ...]:
        """Return the newest deliveries; what is looked at every second starts no process."""
        estate = load_estate(self.folder / "organization")
        session = stage_session(self.cloud, estate, estate.model(model)[0].name, stage, None)
        return delivery.runs(session, delivery.pipeline_name(estate, model, stage))[:3]

    def serves(self, model: str, version: int) -> bool:
        """Tell whether production answers with a version."""
        estate = load_estate(self.folder / "organization")
        session = stage_session(self.cloud, estate, estate.model(model)[0].name, Stage.PROD, None)
        place = lineage.serving(session, estate, model, Stage.PROD)
        return (place.version, place.status) == (version, "InService")

    def heard(self, kind: str, times: int) -> bool:
        """Tell whether the platform has heard of something so often."""
        estate = load_estate(self.folder / "organization")
        told = kpi.events(shared_session(self.cloud, estate, None), estate)
        return sum(event.kind == kind for event in told) >= times

    def explained(self, model: str) -> dict[str, Any] | None:
        """Return what the newest run of a model's monitor found; None before the first."""
        done = self._run("monitor", "explain", model, "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def advance_to(self, moment: datetime) -> None:
        """Move the cloud's clock on to a moment."""
        minutes = math.ceil((moment - self.cloud.now).total_seconds() / 60)
        self.mlzone("cloud", "advance", f"{minutes}m")

    def in_production(self, person: str, model: str) -> Session:
        """Return a person's session in production."""
        estate = load_estate(self.folder / "organization")
        return stage_session(self.cloud, estate, estate.model(model)[0].name, Stage.PROD, person)

    def promise(self, model: str, *, milliseconds: int) -> None:
        """Hold releases to production to another latency than before."""
        estate = load_estate(self.folder / "organization")
        unit, _, chosen = estate.model(model)
        client = stage_session(self.cloud, estate, unit.name, Stage.PROD, None).client("codebuild")
        naming = Naming(prefix=estate.organization.prefix)
        name = naming.codebuild_project(unit.name, chosen.name, Stage.PROD, "verify")
        environment = client.batch_get_projects(names=[name])["projects"][0]["environment"]
        for variable in environment["environmentVariables"]:
            if variable["name"] == "MLZONE_P95_LATENCY_MS":
                variable["value"] = str(milliseconds)
        client.update_project(name=name, environment=environment)

    def bring(self, s3: Any, model: str, day: str, content: bytes) -> None:
        """Bring what a model with daily batches is asked for a day."""
        place = f"{self.batches(model)}/input/{day.replace('-', '/')}/a.csv"
        s3.put_object(Bucket=self.data(model), Key=f"landing/{place}", Body=content)

    def data(self, model: str) -> str:
        """Return the bucket of a model's team in production."""
        estate = load_estate(self.folder / "organization")
        unit, team, _ = estate.model(model)
        account = unit.environments[Stage.PROD].account
        return Naming(prefix=estate.organization.prefix).data_bucket(unit.name, team.name, account)

    def batches(self, model: str) -> str:
        """Return the folder of a model's batches."""
        chosen = load_estate(self.folder / "organization").model(model)[2]
        return f"{chosen.data_zone}/batches/{chosen.name}"

    def outside(self, system: str, model: str, duty: str, **said: str) -> Any:
        """Return the object storage as a system outside of the platform sees it."""
        estate = load_estate(self.folder / "organization")
        unit, _, chosen = estate.model(model)
        account = unit.environments[Stage.PROD].account
        naming = Naming(prefix=estate.organization.prefix)
        role = naming.service_role(unit.name, chosen.name, Stage.PROD, duty)
        made = OutsideSystem(self.cloud, estate, system)
        return made.storage(f"arn:aws:iam::{account}:role/mlzone/{role}", **said)

    def call(self, person: str, model: str, row: str) -> dict[str, Any]:
        """Ask a model in production, as a person."""
        if person not in self._runtimes:
            session = self.in_production(person, model)
            self._runtimes[person] = session.client("sagemaker-runtime")
        answer = self._runtimes[person].invoke_endpoint(
            EndpointName=f"aur-{model.replace('/', '-')}-prod",
            ContentType="text/csv",
            Accept="application/json",
            Body=row.encode(),
        )
        found: dict[str, Any] = json.loads(answer["Body"].read())["predictions"][0]
        return found

    def under_load(self, person: str, model: str, row: str) -> "Load":
        """Return a load on a model in production: requests without a pause, one after the other."""
        return Load(lambda: self.call(person, model, row))

    @property
    def cloud(self) -> embedded.Endpoint:
        """The running cloud."""
        return embedded.running(self.folder / ".mlzone" / "cloud")

    def until(self, check: Callable[[], Any], what: str) -> Any:
        """Return what a check gives as soon as it gives something."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            if found := check():
                return found
            time.sleep(1)
        raise AssertionError(f"{what}: not within {_SECONDS:.0f} s")

    def edit(self, file: str, old: str, new: str) -> None:
        """Change a file of a project."""
        place = self.folder / file
        text = place.read_text(encoding="utf-8")
        assert old in text
        place.write_text(text.replace(old, new), encoding="utf-8")


class Load:
    """Requests while something else happens, and which of them failed."""

    def __init__(self, request: Callable[[], Any]) -> None:
        self._request = request
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answered = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._request()
                self.answered += 1
            except Exception as error:  # noqa: BLE001 - whatever fails is what is looked for
                self.failures.append(str(error))
            time.sleep(0.05)
