"""Publishes what a model's monitor found: as metrics, and as events on the platform's bus.

It is called when a job of the monitor ended, whichever engine started it. A mark beside the reports
says that they were published: called twice for one job, it does nothing the second time. Metrics
carry the time at which the job ended, so that alarms see them where they belong.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

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

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        return cls(scope=ModelScope.from_environment(), bus_arn=setting("MLZONE_PLATFORM_BUS"))


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
    job = _job(clients.sagemaker, str(event["detail"]["ProcessingJobName"]), str(event["time"]))
    if _is_published(clients.s3, job):
        LOG.info("the results of %s are published already", job.name)
        return {"job": job.name, "published": False}
    result = _result(clients.s3, job) if job.status == "Completed" else None
    _measure(clients.cloudwatch, settings.scope, job, result)
    _tell(clients.events, settings, job, result)
    _mark(clients.s3, job, result)
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
    )


def _result(s3: Any, job: Job) -> Result:
    found = _report(s3, job, "constraint_violations.json").get("violations", [])
    explanation = _report(s3, job, "explanation.json")
    try:
        return Result(
            outcome=explanation["outcome"],
            violations=len(found),
            features=tuple(item["feature"] for item in explanation["findings"]),
            prediction_shift=explanation["prediction_shift"],
            sentences=tuple(explanation["sentences"]),
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


def _mark(s3: Any, job: Job, result: Result | None) -> None:
    bucket, key = _location(job, MARK)
    content = {
        "job": job.name,
        "status": job.status,
        "ended": job.ended.isoformat(),
        "release": job.release,
        "result": asdict(result) if result else None,
    }
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(content, indent=1).encode())


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
                ],
                "Timestamp": job.ended,
                "Value": value,
            }
            for name, value in values.items()
        ],
    )


def _tell(client: Any, settings: Settings, job: Job, result: Result | None) -> None:
    facts: dict[str, Any] = {"job": job.name, "status": job.status, "reports": job.output}
    if result:
        facts |= {
            "outcome": result.outcome,
            "violations": result.violations,
            "features": list(result.features),
            "prediction_shift": result.prediction_shift,
            "sentences": list(result.sentences[:MOST_SENTENCES]),
        }
    else:
        facts["reason"] = job.reason
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
