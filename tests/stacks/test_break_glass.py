"""The role for emergencies: for an hour, for an incident, and never unheard of."""

import json
from typing import Any

import pytest

from mlzone_runtime.handlers.break_glass import tell
from mlzone_runtime.handlers.platform_event import EventError

STACK = "aur-retail-banking-prod-foundation"
ROLE = "aur-retail-banking-break-glass"
ARN = f"arn:aws:iam::111111111113:role/mlzone/{ROLE}"
BUS = "arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform"


@pytest.fixture(scope="module")
def resources(templates: dict[str, Any]) -> list[dict[str, Any]]:
    return list(templates[STACK]["Resources"].values())


def named(resources: list[dict[str, Any]], kind: str, key: str, name: str) -> dict[str, Any]:
    (found,) = (
        item["Properties"]
        for item in resources
        if item["Type"] == kind and item["Properties"].get(key) == name
    )
    return found


def test_IAM_10_a_session_is_an_hour_for_a_named_incident_and_person(resources):
    role = named(resources, "AWS::IAM::Role", "RoleName", ROLE)

    refused = [
        statement["Condition"]
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    ]
    assert role["MaxSessionDuration"] == 3600
    assert {"Null": {"sts:SourceIdentity": "true"}} in refused
    assert {"Null": {"aws:RequestTag/incident": "true"}} in refused
    assert role["PermissionsBoundary"].endswith("policy/aur-boundary")


def test_IAM_10_sessions_and_changes_call_the_function_that_tells(resources):
    for what, field in (
        ("session", {"requestParameters": {"roleArn": [ARN]}}),
        ("call", {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": [ARN]}}}}),
    ):
        name = f"aur-retail-banking-prod-break-glass-{what}"
        pattern = named(resources, "AWS::Events::Rule", "Name", name)["EventPattern"]

        assert pattern["detail-type"] == ["AWS API Call via CloudTrail"]
        assert field.items() <= pattern["detail"].items()


def test_IAM_10_administrators_are_told(templates):
    rule = named(
        list(templates["aur-platform"]["Resources"].values()),
        "AWS::Events::Rule",
        "Name",
        "aur-platform-notify",
    )

    assert {"Glass Broken", "Glass Used"} <= set(rule["EventPattern"]["detail-type"])


def test_IAM_10_there_is_one_in_production_alone(templates):
    where = {
        stack
        for stack, template in templates.items()
        for item in template["Resources"].values()
        if item["Type"] == "AWS::IAM::Role"
        and str(item["Properties"].get("RoleName", "")).endswith("break-glass")
    }

    assert where == {
        f"aur-{unit}-prod-foundation"
        for unit in ("corporate-banking", "insurance", "retail-banking")
    }


class Bus:
    """A bus that hears, or is full."""

    def __init__(self, *, full: bool = False) -> None:
        self.heard: list[dict[str, Any]] = []
        self.full = full

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.heard += Entries
        return {"FailedEntryCount": int(self.full), "Entries": [{"ErrorCode": "Full"}]}


@pytest.fixture
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLZONE_UNIT", "retail-banking")
    monkeypatch.setenv("MLZONE_ENVIRONMENT", "prod")


SESSION = {
    "detail": {
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRoleWithSAML",
        "eventID": "1",
        "requestParameters": {
            "roleArn": ARN,
            "sourceIdentity": "lia.monteiro",
            "principalTags": {"incident": "INC-7"},
        },
    }
}
CALL = {
    "detail": {
        "eventSource": "sagemaker.amazonaws.com",
        "eventName": "DeleteEndpoint",
        "errorCode": "AccessDenied",
        "userIdentity": {"sessionContext": {"sourceIdentity": "lia.monteiro"}},
    }
}


@pytest.mark.usefixtures("_settings")
@pytest.mark.parametrize(("event", "kind"), [(SESSION, "Glass Broken"), (CALL, "Glass Used")])
def test_IAM_10_what_is_told_says_who_did_what(event: dict[str, Any], kind: str):
    bus = Bus()

    tell(event, BUS, events=bus)

    (entry,) = bus.heard
    detail = json.loads(entry["Detail"])
    assert entry["DetailType"] == kind
    assert detail["actor"] == "lia.monteiro"
    assert detail["unit"] == "retail-banking"
    assert detail["facts"]["action"].endswith(event["detail"]["eventName"])


@pytest.mark.usefixtures("_settings")
def test_IAM_10_what_is_told_of_a_session_names_the_incident():
    bus = Bus()

    tell(SESSION, BUS, events=bus)

    assert json.loads(bus.heard[0]["Detail"])["facts"]["incident"] == "INC-7"


@pytest.mark.usefixtures("_settings")
def test_IAM_10_a_bus_that_does_not_take_it_is_an_error():
    with pytest.raises(EventError):
        tell(CALL, BUS, events=Bus(full=True))
