"""A unit's part of the shared services: its models, its artefacts, and what its people hear of."""

import json
from typing import Any

import pytest

from mlzone_runtime.handlers.platform_event import SOURCES
from mlzone_runtime.handlers.relay import ROUTES, buses_of

RULE = "AWS::Events::Rule"
DEV, STAGING, PROD = "111111111111", "111111111112", "111111111113"


@pytest.fixture(scope="module")
def rules(registry, resources) -> dict[str, dict[str, Any]]:
    return {
        item["Properties"]["Name"].removeprefix("cmp-"): item["Properties"]
        for item in resources(registry, RULE)
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
        ("retail-relay-release", "Release Validated"),
        ("retail-relay-retraining", "Retraining Requested"),
    ],
)
def test_MOD_01_the_relay_hears_of_what_it_passes_on(rules, rule, kind):
    assert rules[rule]["EventPattern"] == {
        "source": [SOURCES[kind]],
        "detail-type": [kind],
        "detail": {"unit": ["retail"], "environment": [ROUTES[kind].origin]},
    }
    assert len([name for name in rules if name.startswith("retail-relay-")]) == len(ROUTES)


def test_MOD_01_the_relay_knows_the_accounts_of_its_unit_alone(registry, resources):
    (settings,) = (
        item["Properties"]["Environment"]["Variables"]
        for item in resources(registry, "AWS::Lambda::Function")
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


def test_IAM_01_the_relay_reaches_production_and_development_alone(registry, statements):
    granted = statements(registry, "RelayFunctionRole")

    assert granted["PassOn"]["Action"] == "events:PutEvents"
    assert granted["PassOn"]["Resource"] == [default_bus(DEV), default_bus(PROD)]
    assert set(granted) == {"DeadLetters", "OwnKey", "PassOn", "WriteLog"}


def subscribers(registry: dict[str, Any], topic: str) -> set[str]:
    """Return who hears a topic, by the beginning of its logical id."""
    return {
        item["Properties"]["Endpoint"]
        for item in registry["Resources"].values()
        if item["Type"] == "AWS::SNS::Subscription"
        and item["Properties"]["TopicArn"]["Ref"].startswith(topic)
    }


def test_MOD_03_what_waits_too_long_reaches_approvers_and_then_the_owner(registry, rules):
    assert rules["retail-reminder"]["EventBusName"] == "cmp-platform"
    assert rules["retail-reminder"]["EventPattern"] == {
        "detail-type": ["Decision Overdue"],
        "detail": {"unit": ["retail"], "facts": {"level": ["reminder", "escalation"]}},
    }
    escalated = rules["retail-escalation"]["EventPattern"]["detail"]
    assert escalated["facts"] == {"level": ["escalation"]}
    approvers = subscribers(registry, "RemindersTopicreminder")
    assert approvers == {"paula.reis@bank.example", "tomas.amaral@bank.example"}
    assert subscribers(registry, "RemindersTopicescalation") == {"helena.prado@bank.example"}


def test_IAM_01_what_passes_approvals_on_reaches_staging_alone(registry, resources):
    (allowed,) = (
        item["Properties"]["PolicyDocument"]["Statement"]
        for item in resources(registry, "AWS::IAM::Policy")
        if item["Properties"]["PolicyName"].startswith("ApprovalsRole")
    )

    assert [(item["Action"], item["Resource"]) for item in allowed] == [
        ("events:PutEvents", default_bus(STAGING))
    ]


def test_IAM_05_artefacts_are_the_units_own(registry, properties):
    bucket = properties(registry, "AWS::S3::Bucket")
    assert bucket["BucketName"] == "cmp-retail-artifacts-100000000002"
    policy = properties(registry, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    allowed = {
        arn
        for statement in policy
        if statement["Effect"] == "Allow"
        for arn in statement["Condition"]["ArnLike"]["aws:PrincipalArn"]
    }

    assert allowed == {
        f"arn:aws:iam::{account}:role/mlzone/cmp-retail-*-{purpose}"
        for account, purpose in (
            (DEV, "dev-build"),
            (DEV, "dev-pipeline"),
            (STAGING, "staging-release"),
            (PROD, "prod-release"),
        )
    }
