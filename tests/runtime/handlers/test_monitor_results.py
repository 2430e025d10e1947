"""What becomes of a monitor's results: each job is published once, as metrics and as events."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mlzone_runtime.handlers import monitor_results, severity
from mlzone_runtime.handlers.monitor_results import (
    DATA_FAULT,
    UNJUDGED,
    Clients,
    ResultsError,
    Settings,
    publish,
)
from mlzone_runtime.handlers.platform_event import EventError, ModelScope

RUNTIME = Path(monitor_results.__file__).parents[1]
BUCKET, PREFIX = "capture", "credit-default/reports/2026/11/24/10"
BUS = "arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform"
ENDED = datetime(2026, 11, 24, 11, 4, tzinfo=UTC)
EVENT = {
    "time": "2026-11-24T11:04:05Z",
    "detail": {"ProcessingJobName": "job-1", "ProcessingJobStatus": "Completed"},
}
SETTINGS = Settings(
    scope=ModelScope(unit="retail", team="credit-risk", model="credit-default", environment="prod"),
    bus_arn=BUS,
    tier=1,
    reports=f"s3://{BUCKET}/credit-default/reports",
)
VIOLATIONS = [
    {"feature_name": "amount", "constraint_check_type": "baseline_drift_check"},
    {"feature_name": "amount", "constraint_check_type": "completeness_check"},
    {"feature_name": "age", "constraint_check_type": "baseline_drift_check"},
]
SENTENCES = ["Amounts doubled.", "Ages rose.", "Predictions moved by 0.1.", "A fourth one."]


class Jobs:
    """The jobs of an account."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {
            "ProcessingJobStatus": "Completed",
            "ProcessingEndTime": ENDED,
            "Environment": {"MLZONE_RELEASE": "v3-1f0c2a"},
            "ProcessingOutputConfig": {
                "Outputs": [{"S3Output": {"S3Uri": f"s3://{BUCKET}/{PREFIX}"}}]
            },
        }

    def describe_processing_job(self, *, ProcessingJobName: str) -> dict[str, Any]:  # noqa: N803
        return {"ProcessingJobName": ProcessingJobName, **self.found}


class Bus:
    """The platform's bus."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.deaf = False

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if self.deaf:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
        self.heard += Entries
        return {"FailedEntryCount": 0}

    def kinds(self) -> list[str]:
        return [entry["DetailType"] for entry in self.heard]

    def facts(self, kind: str) -> dict[str, Any]:
        (entry,) = (entry for entry in self.heard if entry["DetailType"] == kind)
        return dict(json.loads(entry["Detail"])["facts"])


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        yield Clients(
            sagemaker=Jobs(),
            s3=s3,
            cloudwatch=boto3.client("cloudwatch", region_name="us-east-1"),
            events=Bus(),
        )


def leave_reports(clients: Clients, violations: list[dict[str, Any]], **explanation: Any) -> None:
    reports = {
        "constraint_violations.json": {"violations": violations},
        "explanation.json": {
            "outcome": "drift" if violations else "no_drift",
            "findings": [{"feature": name} for name in ("age", "amount") if violations],
            "prediction_shift": None,
            "sentences": SENTENCES,
            **explanation,
        },
    }
    for name, content in reports.items():
        clients.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=json.dumps(content))


def measured(clients: Clients) -> dict[str, float]:
    metrics = clients.cloudwatch.list_metrics(Namespace="MLZone/Monitoring")["Metrics"]
    values = {}
    for metric in metrics:
        assert {item["Name"]: item["Value"] for item in metric["Dimensions"]} == {
            "Model": "credit-default",
            "Environment": "prod",
            "Monitor": "data-quality",
        }
        (point,) = clients.cloudwatch.get_metric_statistics(
            **metric,
            StartTime=ENDED - timedelta(minutes=1),
            EndTime=ENDED + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        values[metric["MetricName"]] = point["Sum"]
    return values


def test_MON_03_drift_becomes_metrics_at_the_time_the_job_ended(clients):
    leave_reports(clients, VIOLATIONS, prediction_shift=0.1)

    publish(EVENT, SETTINGS, clients)

    assert measured(clients) == {
        "Completed": 1,
        "DataFaults": 0,
        "DriftViolations": 3,
        "DriftedFeatures": 2,
        "PredictionShift": 0.1,
    }


def test_MON_03_drift_is_told_with_the_first_sentences_of_the_explanation(clients):
    leave_reports(clients, VIOLATIONS, prediction_shift=0.1)

    publish(EVENT, SETTINGS, clients)

    assert clients.events.kinds() == ["Drift Detected", "Monitor Completed"]
    facts = clients.events.facts("Drift Detected")
    assert (facts["outcome"], facts["features"]) == ("drift", ["age", "amount"])
    assert facts["sentences"] == SENTENCES[:3]
    assert facts["reports"] == f"s3://{BUCKET}/{PREFIX}"
    detail = json.loads(clients.events.heard[0]["Detail"])
    assert (detail["unit"], detail["model"], detail["release"]) == (
        "retail",
        "credit-default",
        "v3-1f0c2a",
    )


def test_MON_02_a_run_without_violations_is_told_as_well(clients):
    leave_reports(clients, [])

    publish(EVENT, SETTINGS, clients)

    assert clients.events.kinds() == ["Monitor Completed"]
    assert measured(clients) == {
        "Completed": 1,
        "DataFaults": 0,
        "DriftViolations": 0,
        "DriftedFeatures": 0,
    }


def test_MON_03_too_few_records_neither_raise_the_alarm_nor_end_it(clients):
    leave_reports(clients, [], outcome="too_few_records")

    publish(EVENT, SETTINGS, clients)

    assert measured(clients) == {"Completed": 1}
    assert clients.events.facts("Monitor Completed")["outcome"] == "too_few_records"


def test_MON_03_a_fault_of_the_data_is_told_of_but_asks_for_no_training(clients):
    leave_reports(clients, VIOLATIONS, outcome="data_fault")

    publish(EVENT, SETTINGS, clients)

    assert measured(clients) == {"Completed": 1, "DataFaults": 3, "DriftedFeatures": 2}
    assert clients.events.facts("Drift Detected")["outcome"] == "data_fault"


def test_a_job_is_published_once(clients):
    leave_reports(clients, VIOLATIONS)
    publish(EVENT, SETTINGS, clients)

    again = publish(EVENT, SETTINGS, clients)

    assert again == {"job": "job-1", "published": False}
    assert len(clients.events.heard) == 2
    assert measured(clients)["DriftViolations"] == 3


def test_another_job_with_the_same_folder_is_published_as_well(clients):
    leave_reports(clients, VIOLATIONS)
    publish(EVENT, SETTINGS, clients)

    event = {**EVENT, "detail": {"ProcessingJobName": "job-2"}}
    assert publish(event, SETTINGS, clients)["published"] is True


def test_a_job_whose_event_was_not_taken_is_published_when_tried_again(clients):
    leave_reports(clients, VIOLATIONS)
    clients.events.deaf = True
    with pytest.raises(EventError, match="InternalFailure"):
        publish(EVENT, SETTINGS, clients)

    clients.events.deaf = False
    assert publish(EVENT, SETTINGS, clients)["published"] is True


def test_MON_02_a_job_that_failed_counts_as_not_completed(clients):
    clients.sagemaker.found |= {"ProcessingJobStatus": "Failed", "FailureReason": "out of memory"}

    publish(EVENT, SETTINGS, clients)

    assert measured(clients) == {"Completed": 0}
    assert clients.events.kinds() == ["Monitor Completed"]
    assert clients.events.facts("Monitor Completed") == {
        "job": "job-1",
        "monitor": "data-quality",
        "status": "Failed",
        "reason": "out of memory",
        "reports": f"s3://{BUCKET}/{PREFIX}",
    }


def test_a_job_that_left_no_report_is_an_error(clients):
    with pytest.raises(ResultsError, match=r"job-1 left no constraint_violations\.json"):
        publish(EVENT, SETTINGS, clients)

    assert clients.events.heard == []


def test_a_report_of_another_shape_is_an_error(clients):
    leave_reports(clients, VIOLATIONS)
    clients.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/explanation.json", Body="{}")

    with pytest.raises(ResultsError, match=r"explanation\.json of job-1 has no 'outcome'"):
        publish(EVENT, SETTINGS, clients)


def test_MON_03_the_newest_finding_is_kept_with_its_severity(clients):
    leave_reports(
        clients,
        VIOLATIONS,
        settings={"max_psi": 0.2},
        findings=[
            {"feature": "age", "psi": 0.3, "contribution": {"movement": 0.5}},
            {"feature": "amount", "psi": 0.6, "contribution": {"movement": 0.3}},
        ],
    )

    publish(EVENT, SETTINGS, clients)

    key = "credit-default/reports/latest/data-quality/published.json"
    kept = json.loads(clients.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert (kept["release"], kept["facts"]["features"]) == ("v3-1f0c2a", ["age", "amount"])
    # Three times the threshold of four, eight tenths of the movement, the highest tier.
    assert (kept["facts"]["score"], kept["facts"]["severity"]) == (0.6, "critical")
    assert clients.events.facts("Drift Detected")["severity"] == "critical"


@pytest.mark.parametrize(
    ("tier", "psi", "movement", "expected"),
    [
        (1, 0.2, 1.0, (0.25, "high")),
        (3, 0.2, 1.0, (0.075, "low")),
        (2, 0.8, 0.3, (0.18, "medium")),
        (1, 9.0, 1.0, (1.0, "critical")),
        (1, None, None, (0.5, "critical")),
    ],
)
def test_severity_is_effect_times_importance_times_what_is_at_stake(tier, psi, movement, expected):
    finding = {"psi": psi, "contribution": {"movement": movement}}
    score = severity.score(
        {"outcome": "drift", "settings": {"max_psi": 0.2}, "findings": [finding]}, tier
    )

    assert (score, severity.level(score)) == expected


def test_a_run_without_violations_leaves_the_newest_finding_as_it_is(clients):
    leave_reports(clients, [])

    publish(EVENT, SETTINGS, clients)

    prefix = "credit-default/reports/latest"
    assert not clients.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["KeyCount"]


def test_a_job_that_merges_ground_truth_finds_nothing_of_its_own(clients):
    event = {**EVENT, "detail": {"ProcessingJobName": "groundtruth-merge-202611241100-abc"}}

    answer = publish(event, SETTINGS, clients)

    assert answer["published"] is False
    assert clients.events.heard == []


def test_what_is_published_is_what_the_analyzer_writes():
    schema = json.loads((RUNTIME / "analyzer" / "explanation.schema.json").read_text())

    assert {"outcome", "findings", "prediction_shift", "sentences"} <= set(schema["required"])
    assert set(schema["properties"]["outcome"]["enum"]) > {*UNJUDGED, DATA_FAULT}
