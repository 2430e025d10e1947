"""Begins and ends the batches of a model that answers once a day.

It is called by the schedule (`time`), by a person who has days made up for (`day`, with a proof of
who asks), by the test of a release (`smoke`, then `answers`), and by the event of a job that ended.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from mlzone_runtime.batch import begin, end, record
from mlzone_runtime.batch.preparation import PreparationError
from mlzone_runtime.batch.record import SMOKE, BatchError, Settings
from mlzone_runtime.caller import UnknownCallerError, caller
from mlzone_runtime.handlers.platform_event import LifeCycleEvent, announce

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

COMPLETED, FAILED = "Batch Completed", "Batch Failed"
NAMESPACE = "MLZone/Batches"
SCHEDULE = "schedule"
_MOST_ROWS = 100
_SHOWN = ("input_sha256", "records", "job", "results", "asked_by")


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The services it works with."""

    s3: Any
    sagemaker: Any
    cloudwatch: Any
    events: Any
    """In the Region of the platform's bus."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Begin or end a batch; what is refused is an answer, which no retry would change."""
    settings = Settings.from_environment()
    clients = Clients(
        s3=boto3.client("s3"),
        sagemaker=boto3.client("sagemaker"),
        cloudwatch=boto3.client("cloudwatch"),
        events=boto3.client("events", region_name=settings.bus_arn.split(":")[3]),
    )
    try:
        if "day" in event:
            person = _person(event, context)
            return day(record.parse_day(str(event["day"])), person, settings, clients)
        return handle(event, settings, clients)
    except (BatchError, UnknownCallerError) as error:
        LOG.warning("%s", error)
        return {"refused": str(error)}


def handle(event: Mapping[str, Any], settings: Settings, clients: Clients) -> dict[str, Any]:
    """Do what the schedule, a release's test or a job's end asks for.

    Raises:
        BatchError: it cannot be done.
        EventError: the platform's bus did not take the event; the call is tried again.
    """
    if "detail" in event:
        job = str(event["detail"].get("TransformJobName", ""))
        if not job.startswith(f"{settings.jobs}-"):
            raise BatchError(f"{job or 'nothing'} is no batch of {settings.scope.model}")
        return close(job, settings, clients)
    if SMOKE in event:
        rows = event["rows"][:_MOST_ROWS]
        done = begin.begin_smoke(
            str(event[SMOKE]), rows, settings, s3=clients.s3, sagemaker=clients.sagemaker
        )
        return done.answer()
    if "answers" in event:
        job = str(event["answers"])
        return {"answers": end.answers(job, s3=clients.s3, sagemaker=clients.sagemaker)}
    if "time" in event:
        return day(record.day_before(str(event["time"])), SCHEDULE, settings, clients)
    raise BatchError("expected a time, a day, a test or the event of a job that ended")


def day(text: str, by: str, settings: Settings, clients: Clients) -> dict[str, Any]:
    """Have the model answer for a day; tell of input that is not as agreed."""
    try:
        done = begin.begin_day(text, by, settings, s3=clients.s3, sagemaker=clients.sagemaker)
    except PreparationError as error:
        LOG.warning("%s", error)
        facts = {"day": text, "asked_by": by, "reason": str(error)}
        _tell(FAILED, facts, settings, clients)
        return begin.Begun(day=text, state="Failed", reason=str(error)).answer()
    LOG.info("%s", done)
    return done.answer()


def close(job: str, settings: Settings, clients: Clients) -> dict[str, Any]:
    """Close the run of a job that has ended, and tell of it once.

    Raises:
        BatchError: it is not the run's newest attempt.
        EventError: the platform's bus did not take the event.
    """
    ended = end.end(job, settings, s3=clients.s3, sagemaker=clients.sagemaker)
    run = ended.record
    if ended.day != SMOKE and not ended.before:
        facts = {"day": ended.day, **{name: run[name] for name in _SHOWN if name in run}}
        if ended.status == "Completed":
            _tell(COMPLETED, {**facts, "outputs": run["outputs"]}, settings, clients, run)
        else:
            _tell(FAILED, {**facts, "reason": run["reason"]}, settings, clients, run)
    return {"day": ended.day, "state": ended.status, "before": ended.before}


def _tell(
    kind: str,
    facts: Mapping[str, Any],
    settings: Settings,
    clients: Clients,
    run: Mapping[str, Any] | None = None,
) -> None:
    """Put an event on the platform's bus, and the metrics of the alarm and the dashboard."""
    scope, of = settings.scope, run or {}
    announce(
        LifeCycleEvent(
            kind=kind,
            scope=scope,
            actor=str(facts["asked_by"]),
            model_package_arn=str(of.get("model_package_arn", settings.model_package_arn)),
            release=str(of.get("release", settings.release)),
            facts=facts,
        ),
        bus_arn=settings.bus_arn,
        client=clients.events,
    )
    where = [
        {"Name": "Model", "Value": scope.model},
        {"Name": "Environment", "Value": scope.environment},
    ]
    values = {"Failed": float(kind == FAILED), "Records": float(facts.get("records", 0))}
    clients.cloudwatch.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {"MetricName": name, "Dimensions": where, "Value": value}
            for name, value in values.items()
        ],
    )


def _person(event: Mapping[str, Any], context: Any) -> str:
    session = caller(boto3.client("sts"), context.function_name, str(event.get("proof", "")))
    return session.rpartition("/")[2]
