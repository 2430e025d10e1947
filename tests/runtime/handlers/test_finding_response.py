"""What answers an alarm: the actions that the estate names, each once, and told of."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.runtime.handlers.test_monitor_results import Bus

from mlzone_runtime.handlers.finding_action import SIGNATURE, ActionError, Means
from mlzone_runtime.handlers.finding_response import Rule, Settings, respond
from mlzone_runtime.handlers.platform_event import ModelScope

BUCKET, BUS = "capture", "arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform"
DRIFT, FAULT, SILENT = "m-prod-drift", "m-prod-data-fault", "m-prod-data-quality-silent"
NOTIFY = Rule(do="notify", monitors=(), severity="low")
RETRAIN = Rule(do="retrain", monitors=("data-quality",), severity="medium")
STOP = Rule(do="stop", monitors=(), severity="critical")
FALL_BACK = Rule(do="fall-back", monitors=(), severity="critical")
TICKET = Rule(do="ticket", monitors=(), severity="low")
SETTINGS = Settings(
    scope=ModelScope(unit="retail", team="credit-risk", model="credit-default", environment="prod"),
    bus_arn=BUS,
    tier=1,
    reports=f"s3://{BUCKET}/credit-default/reports",
    ledger=f"s3://{BUCKET}/credit-default/actions",
    alarms={
        DRIFT: ("data-quality", "finding"),
        FAULT: ("data-quality", "fault"),
        SILENT: ("data-quality", "silence"),
    },
    rules=(NOTIFY, RETRAIN, FALL_BACK),
    repeat=timedelta(hours=24),
)


class Topic:
    """A topic that people hear."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> dict[str, str]:
        self.heard.append(message)
        return {"MessageId": "m-1"}


class Promotion:
    """A promotion pipeline with its history, newest first."""

    def __init__(self, *history: dict[str, Any]) -> None:
        self.history, self.back_to = history, ""

    def list_pipeline_executions(self, **_: Any) -> dict[str, Any]:
        return {"pipelineExecutionSummaries": list(self.history)}

    def rollback_stage(self, **request: str) -> dict[str, str]:
        assert (request["pipelineName"], request["stageName"]) == ("promotion", "Deploy")
        self.back_to = request["targetPipelineExecutionId"]
        return {"pipelineExecutionId": "new"}


def ran(name: str, version: str = "", back_to: str = "", status: str = "Succeeded") -> dict:
    return {
        "pipelineExecutionId": name,
        "status": status,
        "executionType": "ROLLBACK" if back_to else "STANDARD",
        "sourceRevisions": [{"revisionId": version}] if version else [],
        **({"rollbackMetadata": {"rollbackTargetPipelineExecutionId": back_to}} if back_to else {}),
    }


class Stage:
    """A function with everything that it works with."""

    def __init__(self, s3: Any) -> None:
        self.s3, self.bus, self.topic = s3, Bus(), Topic()
        self.promotion = Promotion(ran("e2", "v2"), ran("e1", "v1"))
        self.settings = SETTINGS
        self.more: dict[str, Any] = {}

    def found(self, severity: str = "critical", outcome: str = "drift", **more: Any) -> None:
        """Leave the newest finding where the results function keeps it."""
        facts = {
            "severity": severity,
            "score": 0.6,
            "outcome": outcome,
            "features": ["amount", "age"],
            "sentences": ["Amounts doubled."],
            "reports": "s3://capture/r",
            **more,
        }
        self.s3.put_object(
            Bucket=BUCKET,
            Key="credit-default/reports/latest/data-quality/published.json",
            Body=json.dumps({"release": "v2-abc", "facts": facts}),
        )

    def rises(
        self, alarm: str = DRIFT, hour: int = 11, state: str = "ALARM", before: str = "OK"
    ) -> dict[str, Any]:
        event = {
            "id": f"{alarm}-{hour}",
            "time": f"2026-11-24T{hour:02}:05:00Z",
            "detail": {
                "alarmName": alarm,
                "state": {"value": state, "reason": "crossed"},
                "previousState": {"value": before},
            },
        }
        means = Means(
            sns=self.topic,
            codepipeline=self.promotion,
            secrets=self,
            topic="topic",
            pipeline="promotion",
            **self.more,
        )
        return respond(event, self.settings, s3=self.s3, events=self.bus, means=means)

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": "shared"}

    def answers(self) -> dict[str, str]:
        told = [json.loads(item["Detail"])["facts"] for item in self.bus.heard]
        return {item["action"]: item["result"] for item in told if "action" in item}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        yield Stage(s3)


def test_MON_03_an_alarm_is_answered_as_the_estate_says_and_every_answer_is_told(stage):
    stage.found()

    answer = stage.rises()

    assert answer == {"severity": "critical", "done": ["notify", "retrain", "fall-back"]}
    assert stage.answers() == {"notify": "done", "retrain": "done", "fall-back": "done"}
    assert stage.bus.kinds()[0] == "Finding Raised"
    raised = stage.bus.facts("Finding Raised")
    assert (raised["alarm"], raised["monitor"], raised["severity"]) == (
        DRIFT,
        "data-quality",
        "critical",
    )
    requested = stage.bus.facts("Retraining Requested")
    assert (requested["alarm"], requested["reason"]) == (DRIFT, "crossed")
    assert stage.bus.heard[0]["Source"] == "mlzone.monitoring"
    assert json.loads(stage.bus.heard[0]["Detail"])["release"] == "v2-abc"


def test_MON_03_the_team_hears_the_finding_in_plain_words(stage):
    stage.found()

    stage.rises()

    (message,) = stage.topic.heard
    assert message["Subject"] == "critical: finding of data-quality, retail/credit-default in prod"
    told = json.loads(message["Message"])
    assert "Amounts doubled." in told["email"]
    assert json.loads(told["default"])["features"] == ["amount", "age"]


def test_an_action_waits_for_findings_that_are_bad_enough(stage):
    stage.found("high")

    assert stage.rises()["done"] == ["notify", "retrain"]
    assert stage.promotion.back_to == ""


@pytest.mark.parametrize(
    ("alarm", "outcome"), [(FAULT, "data_fault"), (DRIFT, "data_fault"), (SILENT, "")]
)
def test_MON_03_no_other_version_is_made_or_brought_back_for_faults_and_silence(
    stage, alarm, outcome
):
    stage.found(outcome=outcome)

    assert stage.rises(alarm)["done"] == ["notify"]
    assert "Retraining Requested" not in stage.bus.kinds()


@pytest.mark.parametrize(("tier", "severity"), [(1, "high"), (2, "medium"), (3, "low")])
def test_the_silence_of_a_monitor_is_as_bad_as_what_is_at_stake(stage, tier, severity):
    stage.settings = replace(SETTINGS, tier=tier)

    assert stage.rises(SILENT)["severity"] == severity


def test_the_same_finding_is_answered_once_a_day(stage):
    stage.found()
    stage.rises(hour=1)
    heard = len(stage.bus.heard)

    assert stage.rises(hour=20) == {"repeated": "2026-11-24T01:05:00Z"}
    assert len(stage.bus.heard) == heard
    stage.settings = replace(SETTINGS, repeat=timedelta(hours=12))
    assert stage.rises(hour=21)["done"] == ["notify", "retrain", "fall-back"]


@pytest.mark.parametrize("change", [{"features": ["amount"]}, {"severity": "critical"}])
def test_a_finding_that_is_another_or_got_worse_is_answered_at_once(stage, change):
    stage.found("medium")
    stage.rises(hour=1)

    stage.found(**{"severity": "medium", **change})

    assert "notify" in stage.rises(hour=2)["done"]
    assert len(stage.topic.heard) == 2


def test_what_was_done_is_not_done_again_when_something_else_failed(stage):
    stage.settings = replace(SETTINGS, rules=(NOTIFY, TICKET))
    stage.more = {"ticket_url": "http://127.0.0.1:9/findings", "ticket_secret": "arn"}
    stage.found()

    with pytest.raises(ActionError, match=r"127\.0\.0\.1:9/findings took no ticket"):
        stage.rises()
    with pytest.raises(ActionError):
        stage.rises()

    assert len(stage.topic.heard) == 1
    assert stage.answers()["ticket"] == "failed"
    assert stage.bus.kinds().count("Finding Raised") == 1


def test_a_ticket_carries_the_finding_and_a_signature(stage):
    received: list[tuple[bytes, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, self.headers[SIGNATURE]))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.handle_request, daemon=True).start()
    stage.more = {
        "ticket_url": f"http://127.0.0.1:{server.server_port}/findings",
        "ticket_secret": "arn",
    }
    stage.settings = replace(SETTINGS, rules=(TICKET,))
    stage.found()

    assert stage.rises()["done"] == ["ticket"]
    server.server_close()

    ((body, signature),) = received
    assert signature == f"sha256={hmac.new(b'shared', body, hashlib.sha256).hexdigest()}"
    document = json.loads(body)
    assert (document["schema"], document["model"], document["severity"]) == (
        "1",
        "credit-default",
        "critical",
    )


@pytest.mark.parametrize(
    ("history", "back_to"),
    [
        ([ran("e2", "v2"), ran("e1", "v1")], "e1"),
        # A version that failed its verification never served well.
        ([ran("e3", "v3"), ran("e2", "v2", status="Failed"), ran("e1", "v1")], "e1"),
        # The same release deployed twice is not the one before.
        ([ran("e3", "v2"), ran("e2", "v2"), ran("e1", "v1")], "e1"),
        # What was fallen back from is no champion: v1 served before v3.
        ([ran("e4", "v3"), ran("e3", back_to="e1"), ran("e2", "v2"), ran("e1", "v1")], "e1"),
    ],
)
def test_falling_back_brings_back_the_champion_before(stage, history, back_to):
    stage.promotion = Promotion(*history)
    stage.found()

    stage.rises()

    assert stage.promotion.back_to == back_to


@pytest.mark.parametrize(
    "history", [[], [ran("e1", "v1")], [ran("e3", back_to="e1"), ran("e2", "v2"), ran("e1", "v1")]]
)
def test_without_a_champion_before_nothing_changes(stage, history):
    stage.promotion = Promotion(*history)
    stage.found()

    stage.rises()

    assert stage.promotion.back_to == ""
    assert stage.answers()["fall-back"] == "skipped"


def test_an_alarm_that_goes_down_asks_for_nothing(stage):
    assert stage.rises(state="OK") == {"ignored": f"{DRIFT} is OK"}
    assert stage.bus.heard == []


def test_MON_02_a_monitor_of_which_no_run_was_due_yet_is_not_silent(stage):
    answer = stage.rises(SILENT, before="INSUFFICIENT_DATA")

    assert "has not heard of any run" in answer["ignored"]
    assert stage.bus.heard == []
    stage.found()
    assert stage.rises(DRIFT, before="INSUFFICIENT_DATA")["done"]


class Functions:
    """Lambda, which remembers what was asked of it."""

    def __init__(self) -> None:
        self.called: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> None:
        self.called.append(request)


def test_MON_04_a_finding_stops_the_model_where_the_estate_says_so(stage):
    stage.settings = replace(SETTINGS, rules=(STOP,))
    functions = Functions()
    stage.more = {
        "functions": functions,
        "sts": boto3.client("sts", region_name="sa-east-1"),
        "stop_function": "stop",
    }
    stage.found()

    assert stage.rises()["done"] == ["stop"]

    (request,) = functions.called
    assert (request["FunctionName"], request["InvocationType"]) == ("stop", "Event")
    asked = json.loads(request["Payload"])
    assert asked["reason"] == "critical: finding of data-quality, retail/credit-default in prod"
    assert "Action=GetCallerIdentity" in asked["proof"]
    assert stage.bus.facts("Finding Answered")["action"] == "stop"
