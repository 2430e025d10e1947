"""Runs of a model in its team's MLflow App: builds, reproductions, and what people tried."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3

from mlzone.errors import ConfigError, DeploymentError, GovernanceError
from mlzone.estate import Estate
from mlzone.naming import Naming
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model.lineage import tracked
from mlzone_tools.services.model.registry import Version
from mlzone_tools.services.model.reproduction import Reproduction

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ENDPOINT = "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT"
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # What commands print is for machines, too.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_OWN = "mlzone."
_PARENT = "mlflow.parentRunId"
_LONGEST_VALUE = 5000


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """A run as MLflow has it."""

    run: str
    """Its id."""
    name: str
    kind: str
    """`build`, `reproduction`, or `exploration` for what a person tried."""
    status: str
    author: str
    commit: str
    """The commit that was built, or an empty text."""
    started: datetime
    ended: datetime | None
    version: int | None
    """What the build registered, or the reproduction ran again; None where there is none."""
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    reason: str
    """Why it failed, or what came out otherwise; or an empty text."""


def runs(session: Session, estate: Estate, model: str, *, most: int) -> tuple[TrackedRun, ...]:
    """Return the runs of a model, newest first; none before the first.

    Args:
        session: a session in the account that trains it.
        estate: declares the model.
        model: `unit/model`, or the model's name where it is unique.
        most: how many at most.

    Raises:
        ConfigError: the team has no MLflow App.
        GovernanceError: the person of the session may not look into it.
        DeploymentError: MLflow does not answer.
    """
    unit, team, chosen = estate.model(model)
    naming = Naming(prefix=estate.organization.prefix)
    with _client(session, _app(session, naming.name(unit.name, team.name))) as client:
        experiment = client.get_experiment_by_name(f"{unit.name}/{chosen.name}")
        if experiment is None:
            return ()
        found = client.search_runs(
            [experiment.experiment_id], max_results=most, order_by=["attributes.start_time DESC"]
        )
    return tuple(_run(item) for item in found)


def keep_reproduction(
    session: Session, estate: Estate, item: Version, done: Reproduction
) -> TrackedRun:
    """Show to the team that a version was reproduced, as a run below that of its build.

    Args:
        session: a session in the account that trained it.
        estate: declares the model.
        item: the version.
        done: what running it again showed.

    Raises:
        ConfigError: the team has no MLflow App.
        GovernanceError: the person of the session may not write there.
        DeploymentError: MLflow does not answer.
    """
    unit, team, chosen = estate.model(item.model)
    naming = Naming(prefix=estate.organization.prefix)
    build = tracked(item, "mlflow_run")
    tags = {
        **({_PARENT: build} if build else {}),
        "mlflow.source.git.commit": item.metadata.get("commit", ""),
        f"{_OWN}kind": "reproduction",
        f"{_OWN}version": str(item.version),
        f"{_OWN}reason": ", ".join(f"{it.name} differs" for it in done.differences)[
            :_LONGEST_VALUE
        ],
    }
    with _client(session, _app(session, naming.name(unit.name, team.name))) as client:
        from mlflow.entities import Metric  # noqa: PLC0415 - as MLflow itself

        name = f"{unit.name}/{chosen.name}"
        experiment = client.get_experiment_by_name(name)
        known = experiment.experiment_id if experiment else client.create_experiment(name)
        run = client.create_run(known, tags=tags, run_name=f"version {item.version} again").info
        measured = {key: value for key, value in done.metrics.items() if math.isfinite(value)}
        metrics = [Metric(key, value, run.start_time, 0) for key, value in measured.items()]
        client.log_batch(run.run_id, metrics=metrics)
        client.set_terminated(run.run_id, "FINISHED" if done.same else "FAILED")
        return _run(client.get_run(run.run_id))


def _app(session: Session, name: str) -> str:
    """Return the ARN of an app."""
    pages = session.client("sagemaker").get_paginator("list_mlflow_apps").paginate()
    with denials():
        found = [item["Arn"] for page in pages for item in page["Summaries"]
                 if item["Name"] == name]  # fmt: skip
    if not found:
        raise ConfigError(
            f"there is no MLflow App {name}", hint="deploy the team first: mlzone deploy UNIT"
        )
    return str(found[0])


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    """Set variables for a while: some things MLflow and AWS's plugin take from there alone."""
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _client(session: Session, app: str) -> Iterator["MlflowClient"]:
    """Give MLflow's own client, signing in with a session.

    It is imported here: that takes a second, which no other command should.
    """
    signed = boto3.Session(
        region_name=session.region,
        aws_access_key_id=session.variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=session.variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=session.variables["AWS_SESSION_TOKEN"] or None,
    )
    app_of = {"MLFLOW_TRACKING_URI": app, _ENDPOINT: session.variables[_ENDPOINT]}
    with _environment({**_SETTINGS, **app_of}):
        import mlflow  # noqa: PLC0415
        from mlflow.exceptions import MlflowException  # noqa: PLC0415
        from sagemaker_mlflow import use_session  # noqa: PLC0415

        try:
            with use_session(signed):
                yield mlflow.MlflowClient()
        except MlflowException as error:
            if error.error_code == "PERMISSION_DENIED":
                raise GovernanceError(str(error.message)) from error
            raise DeploymentError(f"MLflow: {error.message}") from error


def _run(item: Any) -> TrackedRun:
    tags = item.data.tags
    version = tags.get(f"{_OWN}version", "")
    return TrackedRun(
        run=item.info.run_id,
        name=item.info.run_name,
        kind=tags.get(f"{_OWN}kind", "exploration"),
        status=item.info.status,
        author=tags.get("mlflow.user", ""),
        commit=tags.get("mlflow.source.git.commit", ""),
        started=_time(item.info.start_time),
        ended=_time(item.info.end_time) if item.info.end_time else None,
        version=int(version) if version else None,
        metrics=dict(item.data.metrics),
        parameters=dict(item.data.params),
        reason=tags.get(f"{_OWN}reason", ""),
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
