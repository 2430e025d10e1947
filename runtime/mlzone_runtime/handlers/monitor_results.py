"""Publishes what a model's monitors found: as metrics, and as events on the platform's bus.

It is called when a job of the monitor ended, whichever engine started it. A mark beside the reports
says that they were published: called twice for one job, it does nothing the second time. Metrics
carry the time at which the job ended, so that alarms see them where they belong. The newest finding
of each monitor is kept: what answers an alarm reads it.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mlzone_runtime.handlers import severity
from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

ACTOR = "monitor"
NAMESPACE = "MLZone/Monitoring"
VIOLATIONS, FEATURES, FAULTS = "DriftViolations", "DriftedFeatures", "DataFaults"
SHIFT, COMPLETED = "PredictionShift", "Completed"
DATA_FAULT = "data_fault"
"""The outcome that somebody must put right where the data come from: no training helps, for it
would teach the model the fault. It has a metric of its own and does not count as drift."""
MARK = "published.json"
MERGES = "groundtruth-merge-"
"""What SageMaker calls the jobs that merge requests with what became true."""
UNJUDGED = frozenset({"no_records", "too_few_records"})
"""Outcomes that say nothing about drift: they neither raise its alarm nor end it."""
MOST_SENTENCES = 3
"""How many sentences of the explanation an event tells; the report has them all."""


class ResultsError(Exception):
    """A job's reports cannot be published."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the monitoring stack tells the function."""

    scope: ModelScope
    bus_arn: str
    tier: int
    """The model's risk tier."""
    reports: str
    """S3 URI of the reports of all the model's monitors."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        return cls(
            scope=ModelScope.from_environment(),
            bus_arn=setting("MLZONE_PLATFORM_BUS"),
            tier=int(setting("MLZONE_RISK_TIER")),
            reports=setting("MLZONE_REPORTS"),
        )


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The services it works with."""

    sagemaker: Any
    s3: Any
    cloudwatch: Any
    events: Any
    """In the Region of the platform's bus."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job of the monitor that ended."""

    name: str
    status: str
    reason: str
    output: str
    """S3 URI of the folder with its reports."""
    ended: datetime
    release: str
    monitor: str
    """Which of the model's monitors it is of."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a job found."""

    outcome: str
    """The result in one word, as `explanation.json` has it."""
    violations: int
    features: tuple[str, ...]
    """The features that moved, the one that matters most first."""
    prediction_shift: float | None
    """How far the mean prediction moved; None if it is not known."""
    sentences: tuple[str, ...]
    """The explanation for people."""
    score: float
    """How bad it is, from 0 to 1."""
    severity: str
    """The same in a word."""

    @property
    def judged(self) -> bool:
        """Whether there were enough records to say anything about drift."""
        return self.outcome not in UNJUDGED


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Publish the results of the job that an event tells of."""
    del context
    settings = Settings.from_environment()
    clients = Clients(
        sagemaker=boto3.client("sagemaker"),
        s3=boto3.client("s3"),
        cloudwatch=boto3.client("cloudwatch"),
        events=boto3.client("events", region_name=settings.bus_arn.split(":")[3]),
    )
    return publish(event, settings, clients)


def publish(event: Mapping[str, Any], settings: Settings, clients: Clients) -> dict[str, Any]:
    """Publish a job's results, unless they are published.

    Returns:
        The job's name with what was found, or with `published` false if it had been before.

    Raises:
        ResultsError: the job succeeded and yet left no readable reports.
        EventError: the platform's bus did not take an event.
    """
    name = str(event["detail"]["ProcessingJobName"])
    if name.startswith(MERGES):
        LOG.info("%s merged requests with what became true; it found nothing of its own", name)
        return {"job": name, "published": False}
    job = _job(clients.sagemaker, name, str(event["time"]))
    if _is_published(clients.s3, job):
        LOG.info("the results of %s are published already", job.name)
        return {"job": job.name, "published": False}
    result = _result(clients.s3, job, settings.tier) if job.status == "Completed" else None
    content = _finding(settings, job, result)
    if result and result.violations:
        # Before metrics and events: whoever hears of the finding can read it.
        _keep(clients.s3, f"{settings.reports}/latest/{job.monitor}", content)
    _measure(clients.cloudwatch, settings.scope, job, result)
    _tell(clients.events, settings, job, result, content["facts"])
    _keep(clients.s3, job.output, content)
    LOG.info("%s: %s, %s", job.name, job.status, result)
    return {
        "job": job.name,
        "published": True,
        "violations": result.violations if result else None,
    }


def _job(sagemaker: Any, name: str, time: str) -> Job:
    answer = sagemaker.describe_processing_job(ProcessingJobName=name)
    (output,) = answer["ProcessingOutputConfig"]["Outputs"]
    return Job(
        name=name,
        status=answer["ProcessingJobStatus"],
        reason=answer.get("FailureReason") or answer.get("ExitMessage") or "",
        output=output["S3Output"]["S3Uri"].rstrip("/"),
        ended=answer.get("ProcessingEndTime") or datetime.fromisoformat(time),
        release=answer.get("Environment", {}).get("MLZONE_RELEASE", ""),
        monitor=answer.get("Environment", {}).get("MLZONE_MONITOR", "data-quality"),
    )


def _result(s3: Any, job: Job, tier: int) -> Result:
    found = _report(s3, job, "constraint_violations.json").get("violations", [])
    explanation = _report(s3, job, "explanation.json")
    try:
        rated = severity.score(explanation, tier) if found else 0.0
        return Result(
            outcome=explanation["outcome"],
            violations=len(found),
            features=tuple(
                item["feature"] for item in explanation["findings"] if item.get("feature")
            ),
            prediction_shift=explanation["prediction_shift"],
            sentences=tuple(explanation["sentences"]),
            score=rated,
            severity=severity.level(rated),
        )
    except KeyError as error:
        raise ResultsError(f"explanation.json of {job.name} has no {error}") from error


def _report(s3: Any, job: Job, name: str) -> dict[str, Any]:
    bucket, key = _location(job, name)
    try:
        content = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        raise ResultsError(f"{job.name} left no {name} in {job.output}: {error}") from error
    except ValueError as error:
        raise ResultsError(f"{name} of {job.name} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ResultsError(f"{name} of {job.name} is no JSON object")
    return content


def _location(job: Job, name: str) -> tuple[str, str]:
    bucket, _, prefix = job.output.removeprefix("s3://").partition("/")
    return bucket, f"{prefix}/{name}"


def _is_published(s3: Any, job: Job) -> bool:
    bucket, key = _location(job, MARK)
    if not s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount"):
        return False
    # Two jobs may share a folder of reports, when a monitor is run again by hand.
    return bool(_report(s3, job, MARK).get("job") == job.name)


def _finding(settings: Settings, job: Job, result: Result | None) -> dict[str, Any]:
    """Return all that is told of a job: what the mark holds, and what an alarm's answer reads."""
    facts: dict[str, Any] = {
        "monitor": job.monitor,
        "job": job.name,
        "status": job.status,
        "reports": job.output,
    }
    if result:
        facts |= {
            "outcome": result.outcome,
            "violations": result.violations,
            "features": list(result.features),
            "prediction_shift": result.prediction_shift,
            "sentences": list(result.sentences[:MOST_SENTENCES]),
            "severity": result.severity,
            "score": result.score,
        }
    else:
        facts["reason"] = job.reason
    return {
        "job": job.name,
        "unit": settings.scope.unit,
        "team": settings.scope.team,
        "model": settings.scope.model,
        "environment": settings.scope.environment,
        "release": job.release,
        "ended": job.ended.isoformat(),
        "facts": facts,
    }


def _keep(s3: Any, folder: str, content: Mapping[str, Any]) -> None:
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    s3.put_object(
        Bucket=bucket, Key=f"{prefix}/{MARK}", Body=json.dumps(content, indent=1).encode()
    )


def _measure(cloudwatch: Any, scope: ModelScope, job: Job, result: Result | None) -> None:
    values: dict[str, float] = {COMPLETED: 1 if result else 0}
    if result and result.judged:
        faulty = result.outcome == DATA_FAULT
        values |= {FAULTS: result.violations if faulty else 0, FEATURES: len(result.features)}
        if not faulty:
            values[VIOLATIONS] = result.violations
    if result and result.prediction_shift is not None:
        values[SHIFT] = result.prediction_shift
    cloudwatch.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [
                    {"Name": "Model", "Value": scope.model},
                    {"Name": "Environment", "Value": scope.environment},
                    {"Name": "Monitor", "Value": job.monitor},
                ],
                "Timestamp": job.ended,
                "Value": value,
            }
            for name, value in values.items()
        ],
    )


def _tell(
    client: Any, settings: Settings, job: Job, result: Result | None, facts: Mapping[str, Any]
) -> None:
    # Drift first: if the second event fails, the whole is tried again.
    kinds = ["Drift Detected"] if result and result.violations else []
    for kind in [*kinds, "Monitor Completed"]:
        announce(
            LifeCycleEvent(
                kind=kind, scope=settings.scope, actor=ACTOR, release=job.release, facts=facts
            ),
            bus_arn=settings.bus_arn,
            client=client,
        )
