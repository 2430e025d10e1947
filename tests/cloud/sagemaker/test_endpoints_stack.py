"""Endpoints as resources of stacks: a stack waits for them, and goes back with them."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.cfn.conftest import Stacks
from tests.cloud.sagemaker.serving import SERVER, Endpoints, packed

from mlzone_cloud.cloud import Cloud


@pytest.fixture
def stacks(cloud: Cloud) -> Stacks:
    cloud.strict = True
    cloud.resume()
    return Stacks(cloud)


def serving(endpoints: Endpoints, version: str, code: str = SERVER) -> dict[str, Any]:
    """Return the resources of a stack that serves a version of a model."""
    code = code.replace("VERSION", f"b'{version}'")
    url = endpoints.estate.put(f"releases/{version}/model.tar.gz", packed(code))
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    return {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ModelName": f"scoring-{version}",
                "PrimaryContainer": {"Image": endpoints.estate.image, "ModelDataUrl": url},
                "ExecutionRoleArn": endpoints.estate.role,
                "EnableNetworkIsolation": True,
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "EndpointConfigName": f"scoring-{version}",
                "ProductionVariants": [variant],
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": "scoring",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
        "Scaling": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "DependsOn": "Endpoint",
            "Properties": {
                "ServiceNamespace": "sagemaker",
                "ResourceId": "endpoint/scoring/variant/AllTraffic",
                "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "MinCapacity": 1,
                "MaxCapacity": 4,
            },
        },
    }


BROKEN = "raise SystemExit('no such column')"


def test_a_stack_makes_an_endpoint_that_serves(endpoints: Endpoints, stacks: Stacks) -> None:
    stack = stacks.create("serving", serving(endpoints, "one"))

    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("serving")
    assert stacks.physical_id("serving", "Endpoint").endswith(":endpoint/scoring")
    assert endpoints.ask("x") == "one:x"


def test_an_update_moves_to_the_new_version_and_removes_the_old(
    endpoints: Endpoints, stacks: Stacks
) -> None:
    stacks.create("serving", serving(endpoints, "one"))

    stack = stacks.update("serving", serving(endpoints, "two"))

    assert stack["StackStatus"] == "UPDATE_COMPLETE", stacks.reasons("serving")
    assert endpoints.ask("x") == "two:x"
    models = endpoints.sagemaker.list_models()["Models"]
    assert [item["ModelName"] for item in models] == ["scoring-two"]


def test_an_endpoint_that_fails_rolls_its_stack_back(endpoints: Endpoints, stacks: Stacks) -> None:
    stack = stacks.create("serving", serving(endpoints, "one", BROKEN))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "no such column" in stacks.reasons("serving")
    assert endpoints.sagemaker.list_endpoints()["Endpoints"] == []


def test_an_update_that_fails_leaves_the_old_version(endpoints: Endpoints, stacks: Stacks) -> None:
    stacks.create("serving", serving(endpoints, "one"))

    stack = stacks.update("serving", serving(endpoints, "two", BROKEN))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", stacks.reasons("serving")
    assert "no such column" in stacks.reasons("serving")
    assert endpoints.ask("x") == "one:x"
    models = endpoints.sagemaker.list_models()["Models"]
    assert [item["ModelName"] for item in models] == ["scoring-one"]


FAILING = SERVER.replace("self.answer(200, VERSION", "self.answer(500, VERSION")


def watched(endpoints: Endpoints, version: str, code: str = SERVER) -> dict[str, Any]:
    """Return the resources of a stack whose updates begin with a canary that an alarm watches."""
    resources = serving(endpoints, version, code)
    resources["Errors"] = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": "scoring-errors",
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation5XXErrors",
            "Dimensions": [
                {"Name": "EndpointName", "Value": "scoring"},
                {"Name": "VariantName", "Value": "AllTraffic"},
            ],
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2,
            "Threshold": 0.01,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        },
    }
    resources["Endpoint"]["Properties"]["DeploymentConfig"] = {
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": {"Ref": "Errors"}}]},
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 600,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
            }
        },
    }
    return resources


def test_DEP_03_a_canary_whose_alarm_rises_goes_back_and_its_stack_with_it(
    endpoints: Endpoints, stacks: Stacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sets the alarm: callers see errors, SageMaker counts them, CloudWatch judges."""
    monkeypatch.setenv("MLZONE_CLOUD_LONGEST_BAKE", "60")
    cloud = endpoints.estate.cloud
    stacks.create("serving", watched(endpoints, "one"))
    before = stacks.physical_id("serving", "Config")
    answers: Counter[str] = Counter()

    stacks.client().update_stack(
        StackName="serving",
        TemplateBody=json.dumps({"Resources": watched(endpoints, "two", FAILING)}),
    )
    while stacks.describe("serving")["StackStatus"].endswith("_IN_PROGRESS"):
        for _ in range(8):
            try:
                answers[endpoints.ask("x")] += 1
            except ClientError:
                answers["failed"] += 1
        # While the canary fails, minutes pass.
        cloud.advance(timedelta(seconds=30 if answers["failed"] else 0))

    stack = stacks.describe("serving")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", stacks.reasons("serving")
    assert "are in ALARM state: scoring-errors" in stacks.reasons("serving")
    assert stacks.physical_id("serving", "Config") == before
    assert 0 < answers["failed"] < answers["one:x"]
    assert {endpoints.ask("x") for _ in range(8)} == {"one:x"}
    models = endpoints.sagemaker.list_models()["Models"]
    assert [item["ModelName"] for item in models] == ["scoring-one"]


def test_a_deleted_stack_leaves_nothing(endpoints: Endpoints, stacks: Stacks) -> None:
    stacks.create("serving", serving(endpoints, "one"))

    stack = stacks.delete("serving")

    assert stack["StackStatus"] == "DELETE_COMPLETE", stacks.reasons(stack["StackId"])
    assert endpoints.sagemaker.list_endpoints()["Endpoints"] == []
    assert endpoints.sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert endpoints.sagemaker.list_models()["Models"] == []
