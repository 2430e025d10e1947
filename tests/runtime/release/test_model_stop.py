"""A stopped model serves nothing, and nothing but a person brings it back."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from mlzone_runtime.handlers.model_stop import Settings, StopError, handler, stop
from mlzone_runtime.handlers.platform_event import ModelScope
from mlzone_runtime.release.approval import Approval
from mlzone_runtime.release.deploy import Deployer
from mlzone_runtime.release.hold import HeldError, Hold, hold_of, let_serve_again, text

ACCOUNT = "111111111112"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/aur-retail-model-approver/paula.reis"
ENGINEERS = "aur-retail-risk-ml-engineer"
BUS = "arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform"
SETTINGS = Settings(
    scope=ModelScope(unit="retail", team="risk", model="credit", environment="staging"),
    bus_arn=BUS,
    serving="serving",
    monitoring="monitoring",
)
STOPPED = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOLD = Hold(text="paula.reis: wrong", since=STOPPED)
EARLIER, LATER = STOPPED - timedelta(minutes=1), STOPPED + timedelta(minutes=1)


def template() -> str:
    """A stack that serves as the landing zone's do: by the same condition."""
    text = {"Type": "String", "Default": ""}
    return json.dumps(
        {
            "Parameters": {"Release": text, "Stopped": text, "ModelPackageArn": text},
            "Conditions": {
                "HasRelease": {
                    "Fn::And": [
                        {"Fn::Not": [{"Fn::Equals": [{"Ref": "Release"}, ""]}]},
                        {"Fn::Equals": [{"Ref": "Stopped"}, ""]},
                    ]
                }
            },
            "Resources": {
                "Topic": {"Type": "AWS::SNS::Topic"},
                "Serves": {
                    "Type": "AWS::SSM::Parameter",
                    "Condition": "HasRelease",
                    "Properties": {
                        "Name": {"Fn::Sub": "/serves/${AWS::StackName}"},
                        "Type": "String",
                        "Value": {"Ref": "Release"},
                    },
                },
            },
        }
    )


@pytest.fixture
def cloudformation(cloud) -> Any:
    client = cloud.client("cloudformation", account=ACCOUNT)
    for name in ("serving", "monitoring"):
        client.create_stack(StackName=name, TemplateBody=template())
        client.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
        )
    return client


@pytest.fixture
def deploy(cloudformation):
    deployer = Deployer(cloudformation=cloudformation, talk=lambda _: None, pause=0.05, deadline=30)
    return lambda **parameters: deployer.deploy(
        {"serving": parameters, "monitoring": {"Release": parameters["Release"]}}
    )


@pytest.fixture
def serves(cloud):
    client = cloud.client("ssm", account=ACCOUNT)
    return lambda: {
        item["Name"].rpartition("/")[2]: item["Value"]
        for item in client.get_parameters_by_path(Path="/serves")["Parameters"]
    }


@pytest.fixture
def stopped(cloudformation, bus):
    return lambda reason="wrong decisions": stop(
        SESSION, reason, SETTINGS, cloudformation=cloudformation, events=bus, pause=0.05
    )


def test_MON_04_a_stop_takes_away_what_serves_and_what_watches(deploy, stopped, serves, bus):
    deploy(Release="v1", ModelPackageArn="arn:version/1")
    assert serves() == {"serving": "v1", "monitoring": "v1"}

    done = stopped()

    assert serves() == {}
    assert done == {
        "stopped": "paula.reis: wrong decisions",
        "person": "paula.reis",
        "release": "v1",
        "before": False,
    }
    assert bus.kinds == ["Model Stopped"]
    detail = bus.detail()
    assert (detail["actor"], detail["release"]) == ("paula.reis", "v1")
    assert detail["model_package_arn"] == "arn:version/1"
    assert detail["facts"]["reason"] == "wrong decisions"
    assert detail["facts"]["session"] == SESSION


def test_MON_04_no_release_serves_while_the_model_is_stopped(deploy, stopped, serves):
    deploy(Release="v1")
    stopped()

    deploy(Release="v2")

    assert serves() == {}


def test_MON_04_a_model_that_is_let_serve_again_serves(deploy, stopped, serves, cloudformation):
    deploy(Release="v1")
    stopped()
    deployer = Deployer(cloudformation=cloudformation, talk=lambda _: None, pause=0.05)

    deployer.deploy({name: {"Stopped": ""} for name in ("serving", "monitoring")})

    assert serves() == {"serving": "v1", "monitoring": "v1"}


def test_a_stop_that_comes_twice_is_told_of_once(deploy, stopped, bus):
    deploy(Release="v1")
    stopped()

    again = stopped("me too")

    assert again["before"] is True
    assert again["stopped"] == "paula.reis: wrong decisions"
    assert bus.kinds == ["Model Stopped"]


def test_MON_04_a_stop_ends_the_batches_that_are_under_way(deploy, cloudformation, bus):
    class Jobs:
        """Transform jobs that are under way."""

        stopped: list[str] = []  # noqa: RUF012

        def get_paginator(self, name: str) -> "Jobs":
            assert name == "list_transform_jobs"
            return self

        def paginate(self, **asked: str) -> list[dict[str, Any]]:
            assert asked == {"NameContains": "credit-batch", "StatusEquals": "InProgress"}
            names = ("credit-batch-20261128-1", "other-credit-batch-20261128-1")
            return [{"TransformJobSummaries": [{"TransformJobName": name} for name in names]}]

        def stop_transform_job(self, *, TransformJobName: str) -> None:  # noqa: N803
            self.stopped.append(TransformJobName)

    deploy(Release="v1")
    settings = replace(SETTINGS, batches="credit-batch")

    stop(
        SESSION,
        "wrong",
        settings,
        cloudformation=cloudformation,
        events=bus,
        sagemaker=Jobs(),
        pause=0.05,
    )

    assert Jobs.stopped == ["credit-batch-20261128-1"]
    assert bus.detail()["facts"]["batches"] == ["credit-batch-20261128-1"]


@pytest.mark.usefixtures("cloudformation")
def test_what_serves_nothing_cannot_be_stopped(stopped, bus):
    with pytest.raises(StopError, match="it has no release"):
        stopped()
    assert bus.kinds == []


def test_the_endpoint_goes_even_if_the_monitors_stay(deploy, stopped, serves, bus, cloudformation):
    deploy(Release="v1")
    cloudformation.delete_stack(StackName="monitoring")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="monitoring", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
    )

    with pytest.raises(StopError, match="monitoring cannot be read"):
        stopped()

    assert serves() == {}
    assert bus.kinds == ["Model Stop Failed"]
    assert bus.detail()["facts"]["stacks"] == ["serving"]


def test_a_reason_stays_one_line_of_what_a_parameter_takes():
    assert text("paula.reis", "one\ntwo\x00") == "paula.reis: one two"
    assert len(text("paula.reis", "x" * 1000)) == 400


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ({"Parameters": []}, None),
        ({"Parameters": [{"ParameterKey": "Stopped", "ParameterValue": ""}]}, None),
        (
            {
                "Parameters": [{"ParameterKey": "Stopped", "ParameterValue": HOLD.text}],
                "CreationTime": EARLIER,
                "LastUpdatedTime": STOPPED,
            },
            HOLD,
        ),
    ],
)
def test_a_stack_says_whether_its_model_is_stopped(stack, expected):
    assert hold_of(stack) == expected


def promotion(by: str, started: datetime) -> Any:
    summary = {
        "pipelineExecutionId": "e1",
        "startTime": started,
        "trigger": {"triggerType": "StartPipelineExecution", "triggerDetail": by},
    }
    pages = [{"pipelineExecutionSummaries": [summary]}]
    return SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: iter(pages))
    )


def lets(by: str = "", started: datetime = LATER, approved: datetime | None = None) -> str:
    return let_serve_again(
        HOLD,
        promotion(by, started),
        pipeline="promotion",
        execution="e1",
        approval=Approval(person="tomas.amaral", time=approved) if approved else None,
        engineers=ENGINEERS,
    )


def test_MON_04_an_approver_who_answers_after_the_stop_lets_it_serve_again():
    assert lets(approved=LATER) == "tomas.amaral"


def test_MON_04_an_answer_from_before_the_stop_does_not():
    with pytest.raises(
        HeldError, match=r"\(paula.reis: wrong\) and tomas.amaral approved .* before"
    ):
        lets(approved=EARLIER)


def test_MON_04_where_nobody_is_asked_an_engineer_of_the_team_starts_it_by_hand():
    by = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ENGINEERS}/fabio.melo"

    assert lets(by) == "fabio.melo"
    with pytest.raises(HeldError):
        lets(by, started=EARLIER)


@pytest.mark.parametrize("role", ["aur-retail-credit-promotion-start", f"x-{ENGINEERS}", "a"])
def test_MON_04_what_runs_by_itself_does_not(role):
    with pytest.raises(HeldError, match="no engineer of the team started this promotion since"):
        lets(f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/fabio.melo")


@pytest.fixture
def _settings(monkeypatch) -> None:
    for name, value in {
        "MLZONE_UNIT": "retail",
        "MLZONE_TEAM": "risk",
        "MLZONE_MODEL": "credit",
        "MLZONE_ENVIRONMENT": "prod",
        "MLZONE_PLATFORM_BUS": BUS,
        "MLZONE_SERVING_STACK": "serving",
        "MLZONE_MONITORING_STACK": "monitoring",
        "AWS_DEFAULT_REGION": "sa-east-1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_settings")
def test_MON_04_who_does_not_show_who_they_are_stops_nothing(monkeypatch):
    sts = SimpleNamespace(meta=SimpleNamespace(endpoint_url="http://localhost"))
    monkeypatch.setattr(boto3, "client", lambda service, **_: {"sts": sts}[service])
    context = SimpleNamespace(function_name="stop")

    answer = handler({"reason": "why not", "proof": "Action=GetCallerIdentity"}, context)

    assert answer == {"refused": "the proof of the caller asks STS something else"}
