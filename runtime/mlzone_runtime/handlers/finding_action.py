"""What can be done by itself about a finding: tell, open a ticket, train, fall back, stop."""

import hashlib
import hmac
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mlzone_runtime.caller import MACHINE_SECONDS, proof
from mlzone_runtime.handlers.platform_event import ModelScope
from mlzone_runtime.release.champion import NoChampionError, bring_back

SCHEMA = "1"
"""The version of a finding's document."""
SIGNATURE = "X-MLZone-Signature"
"""The stage of a promotion that changes what serves."""
_LONGEST_SECONDS = 10
_LONGEST_SUBJECT = 100


class ActionError(Exception):
    """Something could not be done."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of an action."""

    result: str
    """`done`, `skipped` or `failed`."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is worth knowing of it."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a monitor's alarm is about."""

    scope: ModelScope
    monitor: str
    cause: str
    """`finding`, `fault` of the data, or `silence` of the monitor."""
    severity: str
    score: float | None
    outcome: str
    release: str
    features: tuple[str, ...]
    sentences: tuple[str, ...]
    reports: str
    """S3 URI of the folder with the reports."""
    alarm: str
    reason: str
    time: str

    @property
    def title(self) -> str:
        """The finding in a line."""
        what = {"fault": "data fault", "silence": "silent monitor"}.get(self.cause, "finding")
        place = f"{self.scope.unit}/{self.scope.model} in {self.scope.environment}"
        return f"{self.severity}: {what} of {self.monitor}, {place}"

    def facts(self) -> dict[str, Any]:
        """Return it as events tell it."""
        return {
            "monitor": self.monitor,
            "cause": self.cause,
            "severity": self.severity,
            "score": self.score,
            "outcome": self.outcome,
            "features": list(self.features),
            "sentences": list(self.sentences),
            "reports": self.reports,
            "alarm": self.alarm,
            "reason": self.reason,
            "since": self.time,
        }

    def document(self) -> dict[str, Any]:
        """Return it as webhooks and ticket systems get it."""
        return {
            "schema": SCHEMA,
            "title": self.title,
            "unit": self.scope.unit,
            "team": self.scope.team,
            "model": self.scope.model,
            "environment": self.scope.environment,
            "release": self.release,
            **self.facts(),
        }


@dataclass(frozen=True, kw_only=True)
class Means:
    """What the function can act with."""

    sns: Any
    codepipeline: Any
    secrets: Any
    """In the Region of the ticket system's secret, if there is one."""
    topic: str = ""
    """Hears of findings; the team listens."""
    ticket_url: str = ""
    ticket_secret: str = ""
    """The ARN of the secret that signs tickets."""
    pipeline: str = ""
    """The model's promotion."""
    functions: Any = None
    """A client of Lambda."""
    sts: Any = None
    stop_function: str = ""
    """Takes the model out of service."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Means":
        """Read the function's settings; what the policy does not use is not set."""
        secret = environment.get("MLZONE_TICKET_SECRET", "")
        return cls(
            sns=boto3.client("sns"),
            codepipeline=boto3.client("codepipeline"),
            secrets=boto3.client("secretsmanager", region_name=secret.split(":")[3])
            if secret
            else None,
            topic=environment.get("MLZONE_TOPIC", ""),
            ticket_url=environment.get("MLZONE_TICKET_URL", ""),
            ticket_secret=secret,
            pipeline=environment.get("MLZONE_PROMOTION_PIPELINE", ""),
            functions=boto3.client("lambda"),
            sts=boto3.client("sts"),
            stop_function=environment.get("MLZONE_STOP_FUNCTION", ""),
        )

    def do(self, action: str, finding: Finding) -> Answer:
        """Do something about a finding.

        Raises:
            ActionError: it could not be done.
        """
        actions: Mapping[str, Callable[[Finding], Answer]] = {
            "notify": self._notify,
            "ticket": self._open_ticket,
            "retrain": self._retrain,
            "fall-back": self._fall_back,
            "stop": self._stop,
        }
        try:
            return actions[action](finding)
        except (BotoCoreError, ClientError) as error:
            raise ActionError(str(error)) from error

    def _notify(self, finding: Finding) -> Answer:
        text = "\n".join((finding.title, *finding.sentences, finding.reports)).strip()
        answer = self.sns.publish(
            TopicArn=self.topic,
            Subject=finding.title[:_LONGEST_SUBJECT],
            MessageStructure="json",
            Message=json.dumps({"default": json.dumps(finding.document()), "email": text}),
            MessageAttributes={
                "severity": {"DataType": "String", "StringValue": finding.severity},
                "monitor": {"DataType": "String", "StringValue": finding.monitor},
            },
        )
        return Answer(result="done", facts={"message": answer["MessageId"]})

    def _open_ticket(self, finding: Finding) -> Answer:
        body = json.dumps(finding.document(), sort_keys=True).encode()
        secret = self.secrets.get_secret_value(SecretId=self.ticket_secret)["SecretString"]
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(  # noqa: S310 - the estate allows https alone
            self.ticket_url,
            data=body,
            headers={"Content-Type": "application/json", SIGNATURE: f"sha256={signature}"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=_LONGEST_SECONDS) as answer:  # noqa: S310
                return Answer(result="done", facts={"status": answer.status})
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            raise ActionError(f"{self.ticket_url} took no ticket: {error}") from error

    def _retrain(self, finding: Finding) -> Answer:
        """The request is an event; whether there is a training is decided where trainings start."""
        return Answer(result="done", facts={"requested_for": finding.release})

    def _stop(self, finding: Finding) -> Answer:
        """Ask for it; what stops models says on the bus what became of it."""
        request = {
            "reason": finding.title,
            "proof": proof(self.sts, self.stop_function, seconds=MACHINE_SECONDS),
        }
        self.functions.invoke(
            FunctionName=self.stop_function,
            InvocationType="Event",
            Payload=json.dumps(request).encode(),
        )
        return Answer(result="done", facts={"function": self.stop_function})

    def _fall_back(self, finding: Finding) -> Answer:
        """Let the promotion bring back what it deployed before; it acts in its own roles."""
        del finding
        try:
            way = bring_back(self.codepipeline, self.pipeline, again=False)
        except NoChampionError as error:
            return Answer(result="skipped", facts={"why": str(error)})
        return Answer(
            result="done",
            facts={
                "pipeline": self.pipeline,
                "execution": way.execution,
                "back_to": way.back_to,
            },
        )
