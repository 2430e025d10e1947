"""The shared services: who hears of what, what is kept, and what is examined a second time."""

import json
from typing import Any

import pytest

from mlzone_runtime.handlers.platform_event import SOURCES
from mlzone_runtime.handlers.relay import ROUTES, buses_of

RULE = "AWS::Events::Rule"
DEV, STAGING, PROD = "111111111111", "111111111112", "111111111113"


@pytest.fixture(scope="module")
def rules(platform, resources) -> dict[str, dict[str, Any]]:
    return {
        item["Properties"]["Name"].removeprefix("cmp-"): item["Properties"]
        for item in resources(platform, RULE)
    }


def default_bus(account: str) -> str:
    return f"arn:aws:events:sa-east-1:{account}:event-bus/default"


def test_MOD_01_an_approval_reaches_the_units_staging_account(rules):
    (target,) = rules["retail-approved"]["Targets"]

    assert target["Arn"] == default_bus(STAGING)
    assert rules["retail-approved"]["EventPattern"]["detail"]["ModelPackageGroupName"] == [
        {"prefix": "cmp-retail-"}
    ]


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("platform-relay-release", "Release Validated"),
        ("platform-relay-retraining", "Retraining Requested"),
    ],
)
def test_MOD_01_the_relay_hears_of_what_it_passes_on(rules, rule, kind):
    assert rules[rule]["EventPattern"] == {
        "source": [SOURCES[kind]],
        "detail-type": [kind],
        "detail": {"environment": [ROUTES[kind].origin]},
    }
    assert len([name for name in rules if name.startswith("platform-relay-")]) == len(ROUTES)


def test_MOD_01_the_relay_knows_the_accounts_of_every_unit(platform, resources):
    (settings,) = (
        item["Properties"]["Environment"]["Variables"]
        for item in resources(platform, "AWS::Lambda::Function")
        if item["Properties"]["Handler"] == "mlzone_runtime.handlers.relay.handler"
    )

    buses = buses_of(json.loads(settings["MLZONE_PLACES"]), settings["MLZONE_PARTITION"])

    assert buses == {
        "retail": {
            "dev": default_bus(DEV),
            "staging": default_bus(STAGING),
            "prod": default_bus(PROD),
        }
    }


def test_IAM_01_the_relay_reaches_production_and_development_alone(platform, statements):
    granted = statements(platform, "RelayFunctionRole")

    assert granted["PassOn"]["Action"] == "events:PutEvents"
    assert granted["PassOn"]["Resource"] == [default_bus(DEV), default_bus(PROD)]
    assert set(granted) == {"DeadLetters", "OwnKey", "PassOn", "WriteLog"}


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


def test_MOD_03_what_waits_too_long_reaches_approvers_and_then_the_owner(
    platform, rules, statements
):
    assert rules["platform-overdue"]["ScheduleExpression"] == "rate(1 hour)"
    assert rules["retail-reminder"]["EventPattern"] == {
        "detail-type": ["Decision Overdue"],
        "detail": {"unit": ["retail"], "facts": {"level": ["reminder", "escalation"]}},
    }
    escalated = rules["retail-escalation"]["EventPattern"]["detail"]
    assert escalated["facts"] == {"level": ["escalation"]}
    approvers = subscribers(platform, "OverdueTopicretailreminder")
    assert approvers == {"paula.reis@bank.example", "tomas.amaral@bank.example"}
    assert subscribers(platform, "OverdueTopicretailescalation") == {"helena.prado@bank.example"}
    allowed = statements(platform, "OverdueFunctionRole")
    assert allowed["Read"]["Action"] == "dynamodb:Scan"
    assert set(allowed) == {"Announce", "DeadLetters", "OwnKey", "Read", "WriteLog"}
