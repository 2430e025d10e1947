"""The shared services: who hears of what, what is kept, and what is examined a second time."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from mlzone_constructs.governance import Governance
from mlzone_runtime.handlers.platform_event import SOURCES
from mlzone_stacks.landing_zone import FEATURE_FLAGS
from mlzone_stacks.platform import PlatformStack

RULE = "AWS::Events::Rule"
DEV, STAGING, PROD = "111111111111", "111111111112", "111111111113"


@pytest.fixture(scope="module")
def platform(estate) -> dict[str, Any]:
    app = cdk.App(
        analytics_reporting=False,
        tree_metadata=False,
        stack_traces=False,
        builtin_cloud_formation_validation=False,
        context=FEATURE_FLAGS,
    )
    stack = PlatformStack(
        app,
        "stack",
        governance=Governance(estate=estate),
        env=cdk.Environment(account="100000000002", region="sa-east-1"),
    )
    return dict(Template.from_stack(stack).to_json())


@pytest.fixture(scope="module")
def rules(platform, resources) -> dict[str, dict[str, Any]]:
    return {
        item["Properties"]["Name"].removeprefix("cmp-"): item["Properties"]
        for item in resources(platform, RULE)
    }


@pytest.mark.parametrize(
    ("rule", "kind", "account"),
    [
        ("retail-approved", "SageMaker Model Package State Change", STAGING),
        ("retail-validated", "Release Validated", PROD),
        ("retail-retraining", "Retraining Requested", DEV),
    ],
)
def test_MOD_01_what_happens_reaches_the_account_that_acts_on_it(rules, rule, kind, account):
    (target,) = rules[rule]["Targets"]

    assert rules[rule]["EventPattern"]["detail-type"] == [kind]
    assert target["Arn"] == f"arn:aws:events:sa-east-1:{account}:event-bus/default"


def test_events_of_the_platforms_bus_are_those_that_the_runtime_makes(rules):
    for name in ("retail-validated", "retail-retraining"):
        pattern = rules[name]["EventPattern"]
        (kind,), (source,) = pattern["detail-type"], pattern["source"]
        assert SOURCES[kind] == source


def test_a_unit_hears_of_its_own_models_alone(rules):
    assert rules["retail-approved"]["EventPattern"]["detail"]["ModelPackageGroupName"] == [
        {"prefix": "cmp-retail-"}
    ]
    for name in ("retail-validated", "retail-retraining"):
        assert rules[name]["EventPattern"]["detail"] == {"unit": ["retail"]}


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
