"""Drift starts one training and not a second one before the cooldown is over."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from mlzone_runtime.handlers.platform_event import ModelScope
from mlzone_runtime.handlers.retrain import Settings, retrain

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SETTINGS = Settings(
    scope=ModelScope(unit="retail", team="risk", model="credit", environment="dev"),
    bus_arn="arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform",
    pipeline="aur-retail-credit-build",
    cooldown=timedelta(hours=24),
    most=3,
)
REQUEST = {
    "id": "11111111-2222-3333-4444-555555555555",
    "time": "2026-11-24T12:00:00Z",
    "detail": {"unit": "retail", "model": "credit", "model_package_arn": "arn:aws:sagemaker:…/3"},
}


class Pipeline:
    """A build pipeline with a past."""

    def __init__(self) -> None:
        self.past: list[tuple[str, timedelta, str]] = []
        self.started: list[dict] = []

    def get_paginator(self, operation: str):
        assert operation == "list_pipeline_executions"
        return self

    def paginate(self, **_):
        summaries = [
            {
                "pipelineExecutionId": f"{number}",
                "status": status,
                "startTime": NOW - age,
            }
            for number, (_, age, status) in enumerate(self.past)
        ]
        return [{"pipelineExecutionSummaries": summaries}]

    def get_pipeline_execution(self, **request):
        trigger = self.past[int(request["pipelineExecutionId"])][0]
        variables = [
            {"name": "author", "resolvedValue": "somebody"},
            {"name": "trigger", "resolvedValue": trigger},
        ]
        return {"pipelineExecution": {"variables": variables}}

    def start_pipeline_execution(self, **request):
        self.started.append(request)
        return {"pipelineExecutionId": "new"}


class Bus:
    def __init__(self) -> None:
        self.entries: list[dict] = []

    def put_events(self, **request):
        self.entries += request["Entries"]
        return {"FailedEntryCount": 0}


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def bus() -> Bus:
    return Bus()


def ask(pipeline: Pipeline, bus: Bus) -> dict[str, str]:
    return retrain(REQUEST, SETTINGS, codepipeline=pipeline, events=bus)


def test_MON_03_drift_starts_a_training(pipeline, bus):
    assert ask(pipeline, bus) == {"started": "new"}
    assert pipeline.started == [
        {
            "name": "aur-retail-credit-build",
            "variables": [
                {"name": "author", "value": "retraining"},
                {"name": "trigger", "value": "drift"},
            ],
            "clientRequestToken": REQUEST["id"],
        }
    ]
    (entry,) = bus.entries
    detail = json.loads(entry["Detail"])
    assert entry["DetailType"] == "Retraining Started"
    assert detail["pipeline_execution"] == "new"
    assert detail["model_package_arn"] == REQUEST["detail"]["model_package_arn"]


@pytest.mark.parametrize(
    ("past", "reason"),
    [
        ([("drift", timedelta(hours=1), "Succeeded")], "the next may start 2026-11-25T11:00"),
        ([("drift", timedelta(hours=23), "Failed")], "started by drift already"),
        ([("commit", timedelta(hours=1), "Succeeded"), ("drift", timedelta(hours=2), "Succeeded")],
         "started by drift already"),
        ([("drift", timedelta(hours=30), "InProgress")], "still running"),
        ([("drift", timedelta(days=days), "Succeeded") for days in (2, 9, 29)],
         "drift started 3 trainings within 30 days"),
    ],
)  # fmt: skip
def test_drift_within_the_cooldown_waits_and_says_why(pipeline, bus, past, reason):
    pipeline.past = past

    assert reason in ask(pipeline, bus)["skipped"]
    assert pipeline.started == []
    (entry,) = bus.entries
    assert entry["DetailType"] == "Retraining Skipped"
    assert reason in json.loads(entry["Detail"])["facts"]["reason"]


@pytest.mark.parametrize(
    "past",
    [
        [("commit", timedelta(hours=1), "Succeeded")],
        [("commit", timedelta(minutes=1), "InProgress")],
        [("drift", timedelta(hours=25), "Succeeded")],
        [("drift", timedelta(days=days), "Succeeded") for days in (2, 9, 31)],
    ],
)
def test_what_was_not_started_by_drift_lately_does_not_hinder(pipeline, bus, past):
    pipeline.past = past

    assert ask(pipeline, bus) == {"started": "new"}
