"""A model that answers once a day: what its stacks guarantee, and how the estate shapes them."""

import json
from typing import Any

import pytest

from mlzone.estate import Stage
from mlzone.estate.model import Batch
from mlzone_stacks.delivery import DeliveryStack
from mlzone_stacks.monitoring import MonitoringStack
from mlzone_stacks.serving import ServingStack

BATCH = {"template": "tabular-batch", "serving": {"batch": Batch(hour=3, within_hours=4)}}
NAME = "cmp-retail-credit-default-prod"


@pytest.fixture(scope="module")
def production(build) -> dict[str, Any]:
    return build(ServingStack, Stage.PROD, **BATCH)


@pytest.fixture(scope="module")
def watched(build) -> dict[str, Any]:
    return build(MonitoringStack, Stage.PROD, engine="model-monitor", **BATCH)


def function(template: dict[str, Any]) -> dict[str, Any]:
    (found,) = (
        item["Properties"]
        for item in template["Resources"].values()
        if item["Type"] == "AWS::Lambda::Function"
        and item["Properties"]["FunctionName"] == f"{NAME}-batch"
    )
    return found


def test_there_is_no_endpoint(production):
    kinds = {item["Type"] for item in production["Resources"].values()}

    assert "AWS::SageMaker::Model" in kinds
    assert not kinds & {
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::EndpointConfig",
        "AWS::ApplicationAutoScaling::ScalableTarget",
    }


def test_MOD_01_MON_04_the_schedule_is_there_only_with_a_release_that_nobody_stopped(
    production, resources
):
    for kind in ("AWS::SageMaker::Model", "AWS::Scheduler::Schedule"):
        assert [item["Condition"] for item in resources(production, kind)] == ["HasRelease"]
    served = function(production)["Environment"]["Variables"]["MLZONE_BATCH_MODEL"]
    assert served["Fn::If"][0] == "HasRelease"
    assert served["Fn::If"][2] == ""


def test_it_begins_at_the_hour_that_the_estate_says(production, properties):
    schedule = properties(production, "AWS::Scheduler::Schedule")

    assert schedule["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert json.loads(schedule["Target"]["Input"]) == {"time": "<aws.scheduler.scheduled-time>"}


def test_NET_02_the_model_is_isolated_in_the_private_network(production, properties):
    model = properties(production, "AWS::SageMaker::Model")

    assert model["EnableNetworkIsolation"] is True
    assert model["VpcConfig"]["Subnets"]


def test_ENC_02_every_job_names_the_keys_of_its_disk_and_of_its_answers(production):
    text = json.dumps(function(production)["Environment"]["Variables"]["MLZONE_JOB"])

    disk, answers = text.split("VolumeKmsKeyId")[1], text.split("TransformOutput")[1]
    assert "keysfoundation" in disk.split("TransformOutput")[0]
    assert "keysteamscreditrisk" in answers


def test_IAM_01_what_starts_the_job_may_have_this_release_answer_and_passes_no_role(
    production, statements
):
    allowed = statements(production, "BatchesFunctionRole")

    start = allowed["StartBatch"]
    assert start["Condition"]["ArnLike"]["sagemaker:ModelArn"]["Fn::Join"][1][-1] == {
        "Ref": "Release"
    }
    assert f"transform-job/{NAME}-batch-*" in json.dumps(start["Resource"])
    actions = {
        action
        for statement in allowed.values()
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert "iam:PassRole" not in actions
    assert not any(action.startswith("s3:Delete") for action in actions)


def test_ENC_04_the_model_reads_what_was_prepared_and_nothing_else_of_the_teams_data(
    production, statements
):
    allowed = statements(production, "BatchesRole")

    data = [
        resource
        for statement in allowed.values()
        for resource in (
            statement["Resource"]
            if isinstance(statement["Resource"], list)
            else [statement["Resource"]]
        )
        if "-data-" in json.dumps(resource)
    ]
    assert {json.dumps(item).split(":::")[1].split("/", 1)[-1].strip('"]}') for item in data} == {
        "credit-applications/batches/credit-default/output/*",
        "cmp-retail-credit-risk-data-111111111113",
    }


def test_MON_01_as_much_is_captured_as_the_tier_demands(production):
    settings = function(production)["Environment"]["Variables"]

    assert settings["MLZONE_CAPTURE_PERCENTAGE"] == "100"
    assert settings["MLZONE_CAPTURE"].endswith(f"/credit-default/requests/{NAME}/AllTraffic")


def test_MON_02_monitors_look_once_a_day_at_the_answers_whichever_engine_there_is(
    watched, resources
):
    assert list(resources(watched, "AWS::SageMaker::MonitoringSchedule")) == []
    schedules = [
        item["Properties"]["ScheduleExpression"]
        for item in resources(watched, "AWS::Scheduler::Schedule")
    ]
    # The estate's own schedules of the sample are kept: they are not rarer than once a day.
    assert len(schedules) == 4
    (starter,) = (
        item["Properties"]["Environment"]["Variables"]
        for item in resources(watched, "AWS::Lambda::Function")
        if item["Properties"]["FunctionName"] == f"{NAME}-start-monitor"
    )
    assert starter["MLZONE_REQUESTS"].endswith(f"/requests/{NAME}/AllTraffic")


def test_a_release_is_verified_by_a_batch(build, resources):
    template = build(DeliveryStack, Stage.STAGING, **BATCH)

    (verify,) = (
        item["Properties"]
        for item in resources(template, "AWS::CodeBuild::Project")
        if item["Properties"]["Name"].endswith("-verify")
    )
    variables = {
        item["Name"]: item["Value"] for item in verify["Environment"]["EnvironmentVariables"]
    }
    assert variables["MLZONE_BATCH_FUNCTION"] == "cmp-retail-credit-default-staging-batch"
    assert "MLZONE_ENDPOINT" not in variables


def test_the_dashboard_shows_batches(watched, properties):
    body = json.dumps(properties(watched, "AWS::CloudWatch::Dashboard")["DashboardBody"])

    assert "MLZone/Batches" in body
    assert "ModelLatency" not in body
