"""The shared services: who hears of what, what is kept, and what is examined a second time."""

import json
from typing import Any

import pytest

from mlzone_runtime.handlers.platform_event import SOURCES

RULE = "AWS::Events::Rule"


@pytest.fixture(scope="module")
def rules(platform, resources) -> dict[str, dict[str, Any]]:
    return {
        item["Properties"]["Name"].removeprefix("cmp-"): item["Properties"]
        for item in resources(platform, RULE)
    }


def test_IAM_05_accounts_of_the_organization_alone_put_events(platform, properties):
    policy = properties(platform, "AWS::Events::EventBusPolicy")["Statement"]

    assert policy["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-complete1234"}}
    assert policy["Action"] == "events:PutEvents"


def test_LOG_01_every_life_cycle_event_is_kept(platform, rules, statements, properties):
    assert rules["platform-kpi"]["EventPattern"] == {"source": [{"prefix": "mlzone."}]}
    assert all(source.startswith("mlzone.") for source in SOURCES.values())
    kept = statements(platform, "KpiCollectorRole")["Keep"]
    assert kept["Action"] == "dynamodb:PutItem"
    table = properties(platform, "AWS::DynamoDB::Table")
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_MOD_03_every_decision_in_the_registry_is_examined(rules):
    pattern = rules["platform-decisions"]["EventPattern"]

    assert pattern["detail"] == {
        "ModelPackageGroupName": [{"prefix": "cmp-"}],
        "ModelApprovalStatus": ["Approved", "Rejected"],
    }


def test_MOD_02_the_guard_can_send_a_version_back_and_approve_none(platform, statements):
    allowed = statements(platform, "ApprovalsFunctionRole")

    updates = [item for item in allowed.values() if "UpdateModelPackage" in json.dumps(item)]
    assert [item["Condition"] for item in updates] == [
        {"StringEquals": {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}}
    ]


def test_MON_03_what_needs_a_person_reaches_the_administrators(platform: dict[str, Any]) -> None:
    resources = platform["Resources"].values()
    rule = next(
        item["Properties"]
        for item in resources
        if item["Type"] == "AWS::Events::Rule" and item["Properties"]["Name"].endswith("notify")
    )
    people = subscribers(platform, "NotificationsTopic")

    assert set(rule["EventPattern"]["detail-type"]) == {
        "Approval Reverted",
        "Batch Failed",
        "Data Refused",
        "Drift Detected",
        "Glass Broken",
        "Glass Used",
        "Model Stop Failed",
        "Model Stopped",
        "Release Failed",
        "Release Refused",
    }
    assert people == {"igor.teixeira@bank.example"}


def subscribers(platform: dict[str, Any], topic: str) -> set[str]:
    """Return who hears a topic, by the beginning of its logical id."""
    return {
        item["Properties"]["Endpoint"]
        for item in platform["Resources"].values()
        if item["Type"] == "AWS::SNS::Subscription"
        and item["Properties"]["TopicArn"]["Ref"].startswith(topic)
    }


def test_MOD_02_what_finds_overdue_decisions_decides_nothing(platform, rules, statements):
    assert rules["platform-overdue"]["ScheduleExpression"] == "rate(1 hour)"
    allowed = statements(platform, "OverdueFunctionRole")
    assert allowed["Read"]["Action"] == "dynamodb:Scan"
    assert set(allowed) == {"Announce", "DeadLetters", "OwnKey", "Read", "WriteLog"}


def test_the_platform_knows_no_team_and_no_model(platform, estate):
    text = json.dumps(platform)

    for _, team, model in estate.models():
        assert f'"{team.name}"' not in text
        assert model.name not in text
