"""Answers an alarm of a model's monitors: does by itself what the estate says, and tells of it.

An alarm that rises has seen findings in as many runs as the estate demands. The newest finding says
what it is about. The same finding is answered once in a while, unless it got worse: what was done
is written down before the next thing is done, so that a call that is tried again repeats nothing.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mlzone_runtime.handlers import severity
from mlzone_runtime.handlers.finding_action import ActionError, Answer, Finding, Means
from mlzone_runtime.handlers.monitor_results import ACTOR, DATA_FAULT, MARK
from mlzone_runtime.handlers.platform_event import LifeCycleEvent, ModelScope, announce, setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

FINDING, FAULT, SILENCE = "finding", "fault", "silence"
"""What an alarm says: findings in several runs, a fault of the data, or no run at all."""
NOT_BY_THE_MODEL = frozenset({"retrain", "fall-back"})
"""What helps against findings alone: no other version mends faulty data or a silent monitor."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is done about some findings."""

    do: str
    monitors: tuple[str, ...]
    """Whose; all if empty."""
    severity: str
    """The least."""

    def concerns(self, finding: Finding) -> bool:
        """Tell whether a finding is answered so."""
        helps = finding.cause == FINDING and finding.outcome != DATA_FAULT
        return (
            (helps or self.do not in NOT_BY_THE_MODEL)
            and (not self.monitors or finding.monitor in self.monitors)
            and severity.reaches(finding.severity, self.severity)
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the monitoring stack tells the function."""

    scope: ModelScope
    bus_arn: str
    tier: int
    reports: str
    """S3 URI of the reports of all the model's monitors."""
    ledger: str
    """S3 URI of the folder in which it is written down what was done."""
    alarms: Mapping[str, tuple[str, str]]
    """Monitor and cause, by the alarm's name."""
    rules: tuple[Rule, ...]
    repeat: timedelta
    """So long the same finding is not answered again."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the function's settings.

        Raises:
            EventError: one is missing.
        """
        policy = json.loads(setting("MLZONE_POLICY"))
        return cls(
            scope=ModelScope.from_environment(),
            bus_arn=setting("MLZONE_PLATFORM_BUS"),
            tier=int(setting("MLZONE_RISK_TIER")),
            reports=setting("MLZONE_REPORTS"),
            ledger=setting("MLZONE_LEDGER"),
            alarms={name: (monitor, cause) for name, (monitor, cause) in policy["alarms"].items()},
            rules=tuple(
                Rule(**{**rule, "monitors": tuple(rule["monitors"])}) for rule in policy["actions"]
            ),
            repeat=timedelta(hours=policy["repeat_hours"]),
        )


@dataclass(kw_only=True)
class Ledger:
    """What was done about the latest finding of a monitor."""

    key: str = ""
    severity: str = severity.LEVELS[0]
    since: str = ""
    alarm: str = ""
    """The event of the alarm that is being answered."""
    done: list[str] = field(default_factory=list)

    def repeats(self, finding: Finding, settings: Settings) -> bool:
        """Tell whether a finding was answered lately and did not get worse."""
        if self.key != _key(finding):
            return False
        worse = severity.LEVELS.index(finding.severity) > severity.LEVELS.index(self.severity)
        age = datetime.fromisoformat(finding.time) - datetime.fromisoformat(self.since)
        return not worse and age < settings.repeat


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer the alarm that an event tells of."""
    del context
    settings = Settings.from_environment()
    events = boto3.client("events", region_name=settings.bus_arn.split(":")[3])
    return respond(
        event, settings, s3=boto3.client("s3"), events=events, means=Means.from_environment()
    )


def respond(
    event: Mapping[str, Any], settings: Settings, *, s3: Any, events: Any, means: Means
) -> dict[str, Any]:
    """Do what the estate says about the alarm that rose.

    Returns:
        The finding's severity and what was done, or why nothing was.

    Raises:
        ActionError: something could not be done; all else was. The next try repeats that alone.
        EventError: the platform's bus did not take an event.
    """
    detail = event["detail"]
    if detail["state"]["value"] != "ALARM":
        return {"ignored": f"{detail['alarmName']} is {detail['state']['value']}"}
    finding = _finding(s3, event, settings)
    if finding.cause == SILENCE and _is_new(detail):
        return {"ignored": f"{finding.alarm} has not heard of any run before"}
    place = f"{settings.ledger}/{finding.monitor}-{finding.cause}.json"
    ledger = Ledger(**(_read(s3, place) or {}))
    if ledger.alarm != event["id"]:
        if ledger.repeats(finding, settings):
            LOG.info("%s was answered %s already", finding.title, ledger.since)
            return {"repeated": ledger.since}
        ledger = Ledger(
            key=_key(finding), severity=finding.severity, since=finding.time, alarm=event["id"]
        )
        _tell(events, settings, finding, "Finding Raised", {})
        _write(s3, place, ledger)
    failed = []
    for rule in settings.rules:
        if rule.do in ledger.done or not rule.concerns(finding):
            continue
        problem = _act(rule, finding, ledger, settings, events, means)
        if problem:
            failed.append(f"{rule.do}: {problem}")
        _write(s3, place, ledger)
    if failed:
        raise ActionError("; ".join(failed))
    return {"severity": finding.severity, "done": ledger.done}


def _is_new(detail: Mapping[str, Any]) -> bool:
    """Tell whether an alarm has only just been made: no run was due yet."""
    return bool(detail.get("previousState", {}).get("value") == "INSUFFICIENT_DATA")


def _act(
    rule: Rule, finding: Finding, ledger: Ledger, settings: Settings, events: Any, means: Means
) -> str:
    """Do one thing, note that it is done, and tell of it; return why it could not be done."""
    problem = ""
    try:
        answer = means.do(rule.do, finding)
    except ActionError as error:
        problem = str(error)
        answer = Answer(result="failed", facts={"why": problem})
    else:
        if rule.do == "retrain":
            _tell(events, settings, finding, "Retraining Requested", {})
        ledger.done.append(rule.do)
    facts = {"action": rule.do, "result": answer.result, **answer.facts}
    _tell(events, settings, finding, "Finding Answered", facts)
    return problem


def _finding(s3: Any, event: Mapping[str, Any], settings: Settings) -> Finding:
    detail = event["detail"]
    name, state = str(detail["alarmName"]), detail["state"]
    monitor, cause = settings.alarms[name]
    known = {} if cause == SILENCE else _read(s3, f"{settings.reports}/latest/{monitor}/{MARK}")
    known = known or {}
    facts = known.get("facts", {})
    return Finding(
        scope=settings.scope,
        monitor=monitor,
        cause=cause,
        severity=str(facts.get("severity") or severity.of_silence(settings.tier)),
        score=facts.get("score"),
        outcome=str(facts.get("outcome", "")),
        release=str(known.get("release", "")),
        features=tuple(facts.get("features", ())),
        sentences=tuple(facts.get("sentences", ())),
        reports=str(facts.get("reports", "")),
        alarm=name,
        reason=str(state.get("reason", "")),
        time=str(event["time"]),
    )


def _key(finding: Finding) -> str:
    """Return what two findings have in common that are the same to people."""
    same = (finding.release, finding.outcome, *sorted(finding.features))
    return hashlib.sha256("|".join(same).encode()).hexdigest()[:16]


def _read(s3: Any, uri: str) -> dict[str, Any] | None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        content: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None
    return content


def _write(s3: Any, uri: str, ledger: Ledger) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(asdict(ledger), indent=1).encode())


def _tell(
    events: Any, settings: Settings, finding: Finding, kind: str, facts: Mapping[str, Any]
) -> None:
    announce(
        LifeCycleEvent(
            kind=kind,
            scope=settings.scope,
            actor=ACTOR,
            release=finding.release,
            facts={**finding.facts(), **facts},
        ),
        bus_arn=settings.bus_arn,
        client=events,
    )
