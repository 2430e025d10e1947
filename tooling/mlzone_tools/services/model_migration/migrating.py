"""Brings the models of a manifest into the registry, row by row.

What was done is read off the model's repository and the registry, never off a file of ours: a run
that was interrupted goes on where it stopped, from any machine, and nothing is registered twice.
"""

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from mlzone.errors import DeploymentError, LandingZoneError
from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.services.model import delivery, project, registry
from mlzone_tools.services.model.session_of import registry_session, stage_session
from mlzone_tools.services.model_migration import sandbox
from mlzone_tools.services.model_migration.manifest import Row
from mlzone_tools.services.model_migration.project import digest_of, fill

REGISTERED, SUBMITTED, BUILDING, REFUSED, FAILED, CHECKED = (
    "registered",
    "submitted",
    "building",
    "refused",
    "failed",
    "checked",
)
OPEN = (SUBMITTED, BUILDING)
_PAUSE_SECONDS = 2.0
_LIMIT_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one row."""

    line: int
    model: str
    status: str
    """`registered`, `submitted`, `building`, `refused`, `failed`; `checked` in a dry run."""
    detail: str
    """The version, or why not."""


class Migration:
    """Brings rows in; safe to run again."""

    def __init__(self, endpoint: Endpoint, estate: Estate, talk: Callable[[str], None]) -> None:
        self._endpoint, self._estate, self._talk = endpoint, estate, talk

    def run(self, rows: Iterable[Row], *, write: bool, wait: bool) -> tuple[Outcome, ...]:
        """Bring rows in, and say of each what became of it.

        Args:
            rows: of the manifest.
            write: whether anything is submitted.
            wait: whether the builds are waited for.
        """
        listed = list(rows)
        found = {row.line: self._told(row, self._one(row, write=write)) for row in listed}
        end = time.monotonic() + _LIMIT_SECONDS
        while wait and time.monotonic() < end:
            waiting = [row for row in listed if found[row.line].status in OPEN]
            if not waiting:
                break
            time.sleep(_PAUSE_SECONDS)
            for row in waiting:
                now = self._state(row, _sha256(row.artifact))
                if now and now.status not in OPEN:
                    found[row.line] = self._told(row, now)
        return tuple(found[row.line] for row in listed)

    def _told(self, row: Row, outcome: Outcome) -> Outcome:
        self._talk(f"line {row.line}  {row.model}: {outcome.status}  {outcome.detail}".rstrip())
        return outcome

    def _one(self, row: Row, *, write: bool) -> Outcome:
        if row.problem:
            return _outcome(row, REFUSED, row.problem)
        try:
            digest = _sha256(row.artifact)
            known = self._state(row, digest)
            return known or self._bring(row, digest, write=write)
        except sandbox.UnreadableModelError as error:
            return _outcome(row, REFUSED, f"the model cannot be used: {error}")
        except LandingZoneError as error:
            return _outcome(row, FAILED, error.message)

    def _state(self, row: Row, digest: str) -> Outcome | None:
        """Return what became of a row before, or None if it was not submitted yet."""
        unit, _, model = self._estate.model(row.model)
        session = stage_session(self._endpoint, self._estate, unit.name, Stage.DEV, row.person)
        name = Naming(prefix=self._estate.organization.prefix).repository(unit.name, model.name)
        try:
            branch = session.client("codecommit").get_branch(
                repositoryName=name, branchName=project.BRANCH
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "BranchDoesNotExistException":
                return None
            raise DeploymentError(error.response["Error"]["Message"]) from error
        with tempfile.TemporaryDirectory() as place:
            clone = project.clone(session, self._estate, row.model, Path(place) / "project")
            theirs = digest_of(clone)
        if theirs != digest:
            return _outcome(row, REFUSED, f"its repository {name} holds another project already")
        return self._built(row, branch["branch"]["commitId"])

    def _built(self, row: Row, commit: str) -> Outcome:
        unit, _, _ = self._estate.model(row.model)
        shared = registry_session(self._endpoint, self._estate, None, unit.name)
        for version in registry.versions(shared, self._estate, model=row.model):
            if version.metadata.get("commit") == commit:
                return _outcome(row, REGISTERED, f"version {version.version}, {version.status}")
        watcher = stage_session(self._endpoint, self._estate, unit.name, Stage.DEV)
        runs = delivery.runs(watcher, delivery.pipeline_name(self._estate, row.model, Stage.DEV))
        newest = runs[0] if runs else None
        if newest and newest.finished and newest.status != "Succeeded" and _has_source(newest):
            return _outcome(row, FAILED, newest.problem.splitlines()[-1])
        return _outcome(row, BUILDING, f"commit {commit}")

    def _bring(self, row: Row, digest: str, *, write: bool) -> Outcome:
        with tempfile.TemporaryDirectory() as place:
            work = Path(place)
            source, opened = work / "input", work / "output"
            source.mkdir()
            opened.mkdir()
            _lay_out(source, row)
            found = sandbox.inspect(source, opened)
            if not write:
                return _outcome(row, CHECKED, f"{found['kind']}, {len(found['features'])} features")
            folder = project.create(self._estate, row.model, work / "project")
            fill(folder, row, opened, found, digest)
            unit, _, _ = self._estate.model(row.model)
            commit = project.submit(
                stage_session(self._endpoint, self._estate, unit.name, Stage.DEV, row.person),
                self._estate,
                row.model,
                folder,
                person=row.person,
                message=f"Bring in {row.artifact.name}, trained by {row.trained_by}",
            )
        return _outcome(row, SUBMITTED, f"commit {commit}")


def _lay_out(source: Path, row: Row) -> None:
    """Write what the sandbox reads."""
    if row.artifact.is_dir():
        shutil.copytree(row.artifact, source / "artifact")
    else:
        shutil.copyfile(row.artifact, source / "artifact")
    shutil.copyfile(row.data, source / "rows.csv")
    request = {
        "name": row.artifact.name,
        "features": list(row.features),
        "schema": {
            "model": row.model.rpartition("/")[2],
            "target": row.target,
            "positive_class": row.positive_class,
            "threshold": row.threshold,
        },
    }
    (source / "request.json").write_text(json.dumps(request), encoding="utf-8")


def _has_source(run: delivery.Run) -> bool:
    """Tell whether a run failed at more than that there was nothing to build yet."""
    return any(item.stage != "Source" for item in run.actions)


def _outcome(row: Row, status: str, detail: str) -> Outcome:
    return Outcome(line=row.line, model=row.model, status=status, detail=detail)


def _sha256(place: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's names and contents."""
    if place.is_file():
        return hashlib.sha256(place.read_bytes()).hexdigest()
    total = hashlib.sha256()
    for file in sorted(item for item in place.rglob("*") if item.is_file()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(place).as_posix()}\0{content}\n".encode())
    return total.hexdigest()
