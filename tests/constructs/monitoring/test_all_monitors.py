"""All four monitors of a model, on both engines, and on the dashboard of its team."""

import json
from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from tests.constructs.monitoring.monitored import (
    ALL,
    MONITOR,
    NONE_MORE,
    SCHEDULE,
    alarms_of,
    text_of,
)

from mlzone.estate import Stage
from mlzone.estate.model import GroundTruth
from mlzone_cloud.cfn.schema import find_schema
from mlzone_constructs.governance import Governance
from mlzone_stacks.landing_zone import FEATURE_FLAGS
from mlzone_stacks.monitoring import MonitoringStack
from mlzone_stacks.team import TeamStack


def test_MON_02_all_four_monitors_run_on_both_engines(all_managed, all_scheduled, resources):
    kinds = {"DataQuality", "ModelQuality", "ModelBias", "ModelExplainability"}
    definitions = {
        kind: item["Properties"]
        for kind in kinds
        for item in resources(all_managed, f"AWS::SageMaker::{kind}JobDefinition")
    }
    assert definitions.keys() == kinds
    schedules = [
        item["Properties"]["MonitoringScheduleConfig"] for item in resources(all_managed, MONITOR)
    ]
    assert {item["MonitoringType"] for item in schedules} == kinds
    for item in schedules:
        name = definitions[item["MonitoringType"]]["JobDefinitionName"]
        assert item["MonitoringJobDefinitionName"] == name
    told = [
        json.loads(text_of(item["Properties"]["Target"]["Input"]))["monitor"]
        for item in resources(all_scheduled, SCHEDULE)
    ]
    assert {item["kind"] for item in told} == ALL["schedules"].keys()
    assert len({item["prefix"] for item in told}) == len(kinds)


def test_MON_02_a_forecast_is_judged_by_the_numbers_that_came(build, properties, resources):
    forecast = {
        "template": "forecast",
        "risk_tier": 2,
        "monitoring": {**NONE_MORE, "ground_truth": GroundTruth(lag_hours=8784)},
    }
    template = build(MonitoringStack, Stage.PROD, engine="model-monitor", **forecast)

    judged = properties(template, "AWS::SageMaker::ModelQualityJobDefinition")

    assert judged["ModelQualityAppSpecification"]["ProblemType"] == "Regression"
    source = judged["ModelQualityJobInput"]["EndpointInput"]
    assert source["EndTimeOffset"] == "-PT8784H"
    assert not [*resources(template, "AWS::SageMaker::ModelBiasJobDefinition")]


def test_both_engines_tell_the_analyzer_which_monitor_it_is(all_managed, resources):
    for kind, told in (
        ("DataQuality", "data-quality"),
        ("ModelQuality", "model-quality"),
        ("ModelBias", "bias"),
        ("ModelExplainability", "explainability"),
    ):
        (item,) = resources(all_managed, f"AWS::SageMaker::{kind}JobDefinition")
        environment = item["Properties"][f"{kind}AppSpecification"]["Environment"]
        assert environment["MLZONE_MONITOR"] == told


def test_monitors_with_ground_truth_wait_until_it_can_be_known(
    all_managed, all_scheduled, properties, resources
):
    source = properties(all_managed, "AWS::SageMaker::ModelQualityJobDefinition")
    truth = "s3://cmp-retail-credit-risk-data-111111111113"
    assert source["ModelQualityJobInput"]["GroundTruthS3Input"]["S3Uri"] == (
        f"{truth}/credit-applications/ground-truth/credit-default"
    )
    endpoint = source["ModelQualityJobInput"]["EndpointInput"]
    assert (endpoint["StartTimeOffset"], endpoint["EndTimeOffset"]) == ("-PT72H", "-PT48H")
    told = {
        item["kind"]: item
        for schedule in resources(all_scheduled, SCHEDULE)
        for item in [json.loads(text_of(schedule["Properties"]["Target"]["Input"]))["monitor"]]
    }
    assert (told["bias"]["lag_hours"], told["bias"]["ground_truth"]) == (48, True)
    assert (told["explainability"]["lag_hours"], told["explainability"]["ground_truth"]) == (
        0,
        False,
    )


def test_ENC_04_only_monitors_with_ground_truth_read_the_teams_data(
    managed, all_managed, statements
):
    assert "GroundTruth" not in statements(managed, "JobRole")
    allowed = statements(all_managed, "JobRole")
    assert allowed["GroundTruth"]["Resource"].endswith("/ground-truth/credit-default/*")
    assert allowed["GroundTruth"]["Action"] == "s3:GetObject"


def test_MON_02_every_monitor_that_should_run_and_does_not_raises_an_alarm(all_managed):
    alarms = alarms_of(all_managed)

    for kind in ALL["schedules"]:
        silence = alarms[f"{kind}-silent"]
        assert silence["Properties"]["TreatMissingData"] == "breaching"
        assert silence["Condition"] == "HasRelease"
    assert {"drift", "model-quality", "bias", "explainability", "data-fault"} <= alarms.keys()


def test_the_dashboard_shows_every_monitor(all_managed, properties):
    body = text_of(properties(all_managed, "AWS::CloudWatch::Dashboard")["DashboardBody"])

    for kind in ALL["schedules"]:
        assert f"alarm:cmp-retail-credit-default-prod-{kind}-silent" in body
        assert f"{kind}: DriftViolations" in body


def test_a_stack_with_all_monitors_stays_small(all_managed, all_scheduled):
    for template in (all_managed, all_scheduled):
        assert len(template["Resources"]) < 60


@pytest.fixture(scope="module")
def team_stack(estate) -> dict[str, Any]:
    """The team of the sample's model in production."""
    (unit,) = estate.units
    governance = replace(Governance(estate=estate), unit=unit, stage=Stage.PROD)
    app = cdk.App(analytics_reporting=False, tree_metadata=False, context=FEATURE_FLAGS)
    stack = TeamStack(
        app,
        "team",
        governance=governance,
        team=unit.teams[0],
        env=cdk.Environment(account="111111111113", region="sa-east-1"),
    )
    return dict(Template.from_stack(stack).to_json())


def test_the_dashboard_of_a_team_shows_all_its_models(team_stack, properties):
    dashboard = properties(team_stack, "AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == "cmp-retail-team-credit-risk-prod"
    alarms, metrics = json.loads(text_of(dashboard["DashboardBody"]))["widgets"]

    shown = {alarm.rpartition("-prod-")[2] for alarm in alarms["properties"]["alarms"]}
    assert {"errors", "drift", "model-quality", "bias-silent", "data-fault"} <= shown
    assert [metric[-1]["label"] for metric in metrics["properties"]["metrics"]] == list(
        ALL["schedules"]
    )


def test_ENC_04_the_teams_bucket_and_key_let_the_monitors_read_what_became_true(
    team_stack, all_managed, all_scheduled, resources
):
    policy = json.dumps([
        *(item["Properties"] for item in resources(team_stack, "AWS::S3::BucketPolicy")),
        *(item["Properties"] for item in resources(team_stack, "AWS::KMS::Key")),
    ])  # fmt: skip

    for template, role in ((all_managed, "-monitor"), (all_scheduled, "-start-monitor")):
        names = [item["Properties"]["RoleName"] for item in resources(template, "AWS::IAM::Role")]
        (name,) = (name for name in names if name.endswith(f"-prod{role}"))
        assert policy.count(f"role/mlzone/{name}") == 2, name


def plain(value: Any) -> Any:
    """Write expressions of CloudFormation as what they could become."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Split" in value:
        return ["subnet-0a1b2c3d4e5f67891"]
    if value.keys() <= {"Ref", "Fn::GetAtt", "Fn::Join"}:
        text = text_of(value)
        for start, found in {
            "<JobRole": "arn:aws:iam::111111111113:role/mlzone/monitor",
            "<SsmParameterValuecmpkeys": "arn:aws:kms:sa-east-1:111111111113:key/1",
            "<SsmParameterValuecmpnetwork": "sg-0a1b2c3d",
        }.items():
            if text.startswith(start):
                return found
        for name, found in {
            "<Release>": "v1-1f0c2a",
            "<BaselineConstraints>": "s3://b/m/v1/baseline/constraints.json",
            "<BaselineStatistics>": "s3://b/m/v1/baseline",
        }.items():
            text = text.replace(name, found)
        return text.strip("<>")
    return {key: plain(item) for key, item in value.items()}


def test_all_monitors_fit_the_official_schemas(all_managed):
    made = [
        item
        for item in all_managed["Resources"].values()
        if item["Type"].startswith("AWS::SageMaker::")
    ]

    for item in made:
        schema = find_schema(item["Type"], "us-east-1")
        assert schema is not None, item["Type"]
        assert list(schema.validate(plain(item["Properties"]))) == [], item["Type"]
    assert len(made) == 2 * len(ALL["schedules"])
