"""A model's monitor: both engines, what they guarantee, and what follows from what they find."""

import json
from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from mlzone.estate import Stage
from mlzone.estate.model import GroundTruth, MonitorAction
from mlzone.release_contract import MONITORING
from mlzone.serving_policy import METRIC_NAMESPACE
from mlzone_cloud.cfn.schema import find_schema
from mlzone_constructs.governance import Governance
from mlzone_runtime.handlers import monitor_results
from mlzone_stacks.landing_zone import FEATURE_FLAGS
from mlzone_stacks.monitoring import MonitoringStack
from mlzone_stacks.team import TeamStack

DEFINITION = "AWS::SageMaker::DataQualityJobDefinition"
MONITOR, SCHEDULE = "AWS::SageMaker::MonitoringSchedule", "AWS::Scheduler::Schedule"
ALARM, RULE = "AWS::CloudWatch::Alarm", "AWS::Events::Rule"


@pytest.fixture(scope="module")
def managed(build) -> dict[str, Any]:
    """Production, watched by SageMaker Model Monitor."""
    return build(MonitoringStack, Stage.PROD, engine="model-monitor", **ONE)


@pytest.fixture(scope="module")
def scheduled(build) -> dict[str, Any]:
    """Production, watched by scheduled processing jobs."""
    return build(MonitoringStack, Stage.PROD, engine="scheduled-processing", **ONE)


@pytest.fixture(scope="module")
def all_managed(build) -> dict[str, Any]:
    """All four monitors, run by SageMaker Model Monitor."""
    return build(MonitoringStack, Stage.PROD, engine="model-monitor", monitoring=ALL)


@pytest.fixture(scope="module")
def all_scheduled(build) -> dict[str, Any]:
    """All four monitors as scheduled processing jobs."""
    return build(MonitoringStack, Stage.PROD, engine="scheduled-processing", monitoring=ALL)


@pytest.fixture(scope="module")
def staging(build) -> dict[str, Any]:
    return build(MonitoringStack, Stage.STAGING, engine="model-monitor")


@pytest.fixture(scope="module")
def job(scheduled) -> dict[str, Any]:
    """The request that starts a scheduled processing job; references stand as `<name>`."""
    return request_of(scheduled)


ALL = {
    "schedules": {
        "data-quality": "cron(0 * ? * * *)",
        "model-quality": "cron(0 3 ? * * *)",
        "bias": "cron(0 4 ? * * *)",
        "explainability": "cron(0 5 ? * * *)",
    },
    "ground_truth": GroundTruth(lag_hours=48),
}
NONE_MORE = {"schedules": {}, "actions": (MonitorAction(do="notify"), MonitorAction(do="retrain"))}
ONE = {
    "risk_tier": 3,
    "monitoring": {**NONE_MORE, "schedules": {"data-quality": "cron(0 * ? * * *)"}},
}
"""The least tier has the monitor of data quality alone; here it runs each hour."""


def settings_of(template: dict[str, Any], function: str) -> dict[str, Any]:
    (variables,) = (
        item["Properties"]["Environment"]["Variables"]
        for item in template["Resources"].values()
        if item["Type"] == "AWS::Lambda::Function"
        and item["Properties"]["Handler"].split(".")[-2] == function
    )
    return dict(variables)


def request_of(template: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(text_of(settings_of(template, "start_monitor")["MLZONE_JOB"])))


def text_of(expression: Any) -> str:
    """Write an expression of CloudFormation as text."""
    if isinstance(expression, str):
        return expression
    ((name, value),) = expression.items()
    if name == "Fn::Join":
        separator, parts = value
        return str(separator).join(text_of(part) for part in parts)
    return f"<{value if isinstance(value, str) else '.'.join(value)}>"


def policy_of(template: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(settings_of(template, "finding_response")["MLZONE_POLICY"]))


def alarms_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        item["Properties"]["AlarmName"].split("-prod-")[-1]: item
        for item in template["Resources"].values()
        if item["Type"] == ALARM
    }


def test_MON_02_there_is_a_monitor_only_with_a_release(managed, scheduled, resources):
    for template, kinds in ((managed, (DEFINITION, MONITOR)), (scheduled, (SCHEDULE,))):
        assert set(MONITORING) <= set(template["Parameters"])
        for kind in kinds:
            assert [item["Condition"] for item in resources(template, kind)] == ["HasRelease"]


@pytest.mark.parametrize(
    ("tier", "schedule", "expected"),
    [
        (
            1,
            None,
            [
                ("DataQuality", "0 *"),
                ("ModelBias", "0 4"),
                ("ModelExplainability", "0 5"),
                ("ModelQuality", "0 3"),
            ],
        ),
        (2, None, [("DataQuality", "0 */6"), ("ModelQuality", "0 3")]),
        (3, None, [("DataQuality", "0 0")]),
        (3, "cron(0 6 ? * * *)", [("DataQuality", "0 6")]),
    ],
)
def test_MON_02_the_tier_or_the_estate_says_what_runs_and_how_often(
    build, resources, tier, schedule, expected
):
    schedules = {"data-quality": schedule} if schedule else {}
    settings = {"risk_tier": tier, "monitoring": {**NONE_MORE, "schedules": schedules}}

    template = build(MonitoringStack, Stage.PROD, engine="model-monitor", **settings)
    found = [
        item["Properties"]["MonitoringScheduleConfig"] for item in resources(template, MONITOR)
    ]
    assert sorted(
        (item["MonitoringType"], item["ScheduleConfig"]["ScheduleExpression"]) for item in found
    ) == [(kind, f"cron({when} ? * * *)") for kind, when in expected]

    template = build(MonitoringStack, Stage.PROD, engine="scheduled-processing", **settings)
    late = [item["Properties"]["ScheduleExpression"] for item in resources(template, SCHEDULE)]
    assert sorted(late) == sorted(
        f"cron({when} ? * * *)".replace("cron(0 ", "cron(20 ") for _, when in expected
    )


def test_NET_04_jobs_of_both_engines_are_isolated_and_private(managed, scheduled, job, properties):
    for network in (properties(managed, DEFINITION)["NetworkConfig"], job["NetworkConfig"]):
        assert network["EnableNetworkIsolation"] is True
        assert network["EnableInterContainerTrafficEncryption"] is True
        assert network["VpcConfig"]["SecurityGroupIds"]
    assert properties(managed, DEFINITION)["NetworkConfig"]["VpcConfig"]["Subnets"]
    assert "subnetids" in text_of(settings_of(scheduled, "start_monitor")["MLZONE_SUBNETS"])


def test_ENC_02_disks_and_reports_are_encrypted_with_our_key(managed, job, properties):
    definition = properties(managed, DEFINITION)

    for output, resources in (
        (definition["DataQualityJobOutputConfig"], definition["JobResources"]),
        (job["ProcessingOutputConfig"], job["ProcessingResources"]),
    ):
        assert "keysfoundation" in json.dumps(output["KmsKeyId"])
        assert resources["ClusterConfig"]["VolumeKmsKeyId"] == output["KmsKeyId"]


def test_both_engines_run_the_same_analyzer_on_the_same_folders(managed, job, properties):
    definition = properties(managed, DEFINITION)
    source = definition["DataQualityJobInput"]["EndpointInput"]
    (output,) = definition["DataQualityJobOutputConfig"]["MonitoringOutputs"]

    assert definition["DataQualityAppSpecification"]["ImageUri"] == {"Ref": "AnalyzerImage"}
    assert job["AppSpecification"]["ImageUri"] == "<AnalyzerImage>"
    assert source["EndpointName"] == "cmp-retail-credit-default-prod"
    assert source["LocalPath"] == job["Environment"]["dataset_source"]
    assert output["S3Output"] == job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
    assert output["S3Output"]["S3Uri"] == (
        "s3://cmp-retail-capture-111111111113/credit-default/reports"
    )


def test_an_organization_can_change_the_engine_of_stacks_that_are_deployed(managed, scheduled):
    # CloudFormation never changes the type of a resource that keeps its logical id.
    for name in set(managed["Resources"]) & set(scheduled["Resources"]):
        assert managed["Resources"][name]["Type"] == scheduled["Resources"][name]["Type"], name


@pytest.mark.parametrize("engine", ["model-monitor", "scheduled-processing"])
def test_MON_02_thresholds_of_the_estate_reach_the_analyzer(build, properties, engine):
    template = build(
        MonitoringStack,
        Stage.PROD,
        engine=engine,
        risk_tier=3,
        monitoring={**NONE_MORE, "max_psi": 0.15, "min_records": 42},
    )

    environment = (
        properties(template, DEFINITION)["DataQualityAppSpecification"]["Environment"]
        if engine == "model-monitor"
        else request_of(template)["Environment"]
    )
    assert environment["MLZONE_MAX_PSI"] == "0.15"
    assert environment["MLZONE_MIN_RECORDS"] == "42"


def test_jobs_run_where_the_models_data_is_processed_for_training(build, properties):
    template = build(
        MonitoringStack,
        Stage.PROD,
        engine="model-monitor",
        training={"instance_type": "ml.m5.large"},
        monitoring=NONE_MORE,
    )

    cluster = properties(template, DEFINITION)["JobResources"]["ClusterConfig"]
    assert cluster["InstanceType"] == "ml.m5.large"


def test_a_definition_that_is_replaced_gets_another_name(build, managed, properties):
    changed = build(
        MonitoringStack,
        Stage.PROD,
        engine="model-monitor",
        monitoring={**NONE_MORE, "max_psi": 0.3},
    )

    old, new = (properties(item, DEFINITION)["JobDefinitionName"] for item in (managed, changed))
    assert old != new
    fixed, release = old["Fn::Join"][1]
    assert release == {"Ref": "Release"}
    assert len(fixed) + 12 <= 63


def test_a_definition_whose_tags_change_gets_another_name(build, managed, properties):
    # CloudFormation replaces a job definition even for a tag.
    changed = build(
        MonitoringStack, Stage.PROD, engine="model-monitor", risk_tier=2, monitoring=NONE_MORE
    )

    old, new = (properties(item, DEFINITION)["JobDefinitionName"] for item in (managed, changed))
    assert old != new


def test_the_settings_of_a_function_fit_into_what_lambda_allows(all_scheduled):
    for item in all_scheduled["Resources"].values():
        if item["Type"] == "AWS::Lambda::Function":
            variables = item["Properties"]["Environment"]["Variables"]
            assert sum(len(name) + len(text_of(value)) for name, value in variables.items()) < 3500


def test_IAM_04_what_starts_jobs_passes_the_monitors_role_to_sagemaker_alone(scheduled, statements):
    passing = statements(scheduled, "ScheduledStartRole")["PassMonitorRole"]

    assert passing["Resource"] == {"Fn::GetAtt": [next(iter(
        name for name in scheduled["Resources"] if name.startswith("JobRole")
    )), "Arn"]}  # fmt: skip
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }


def test_ENC_04_the_monitor_reads_its_own_models_requests_alone(managed, statements):
    allowed = statements(managed, "JobRole")

    capture = "arn:aws:s3:::cmp-retail-capture-111111111113/credit-default"
    assert allowed["Requests"]["Resource"] == [f"{capture}/requests/*", f"{capture}/windows/*"]
    assert allowed["Reports"]["Resource"] == f"{capture}/reports/*"
    assert allowed["Reports"]["Action"] == "s3:PutObject"


def test_MON_03_results_are_published_whichever_engine_ran(managed, scheduled, resources):
    for template in (managed, scheduled):
        (pattern,) = (
            item["Properties"]["EventPattern"]
            for item in resources(template, RULE)
            if "aws.sagemaker" in item["Properties"]["EventPattern"]["source"]
        )
        assert pattern["detail-type"] == ["SageMaker Processing Job State Change"]
        ((role,),) = (item.values() for item in pattern["detail"]["RoleArn"])
        assert role[0].startswith("JobRole")
        assert set(pattern["detail"]["ProcessingJobStatus"]) == {"Completed", "Failed", "Stopped"}


def test_MON_03_alarms_listen_to_what_the_function_publishes(managed):
    alarms = alarms_of(managed)

    assert METRIC_NAMESPACE == monitor_results.NAMESPACE
    assert alarms["drift"]["Properties"]["MetricName"] == monitor_results.VIOLATIONS
    assert alarms["data-fault"]["Properties"]["MetricName"] == monitor_results.FAULTS
    assert alarms["data-quality-silent"]["Properties"]["MetricName"] == monitor_results.COMPLETED
    for alarm in alarms.values():
        assert alarm["Properties"]["Namespace"] == monitor_results.NAMESPACE
        assert {item["Name"]: item["Value"] for item in alarm["Properties"]["Dimensions"]} == {
            "Model": "credit-default",
            "Environment": "prod",
            "Monitor": "data-quality",
        }


def test_MON_03_as_many_runs_as_the_estate_says_raise_the_alarm(build):
    template = build(
        MonitoringStack, Stage.PROD, monitoring={"datapoints_to_alarm": 2, "evaluated_runs": 3}
    )

    drift = alarms_of(template)["drift"]["Properties"]
    assert (drift["DatapointsToAlarm"], drift["EvaluationPeriods"]) == (2, 3)
    assert drift["Period"] == 3600
    assert drift["ComparisonOperator"] == "GreaterThanThreshold"
    assert drift["Threshold"] == 0


def test_MON_02_a_silent_monitor_raises_an_alarm(managed):
    silence = alarms_of(managed)["data-quality-silent"]

    assert silence["Properties"]["TreatMissingData"] == "breaching"
    assert silence["Condition"] == "HasRelease"


def test_MON_03_drift_in_production_asks_for_retraining(managed, staging, build, resources):
    def responses(template: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            item["Properties"]["EventPattern"]["detail"]
            for item in resources(template, RULE)
            if "aws.cloudwatch" in item["Properties"]["EventPattern"]["source"]
        ]

    (answered,) = responses(managed)
    assert answered["state"] == {"value": ["ALARM"]}
    assert set(answered["alarmName"]) == {
        f"cmp-retail-credit-default-prod-{what}"
        for what in ("drift", "data-fault", "data-quality-silent")
    }
    assert [item["do"] for item in policy_of(managed)["actions"]] == ["notify", "retrain"]
    assert responses(staging) == []
    by_hand = build(
        MonitoringStack, Stage.PROD, retraining={"on_drift": False}, monitoring=NONE_MORE
    )
    assert [item["do"] for item in policy_of(by_hand)["actions"]] == ["notify"]


def test_functions_tell_the_platform_whose_model_it_is(managed):
    for function in ("monitor_results", "finding_response"):
        settings = settings_of(managed, function)
        assert (
            settings.items()
            >= {
                "MLZONE_UNIT": "retail",
                "MLZONE_TEAM": "credit-risk",
                "MLZONE_MODEL": "credit-default",
                "MLZONE_ENVIRONMENT": "prod",
                "MLZONE_PLATFORM_BUS": (
                    "arn:aws:events:sa-east-1:100000000002:event-bus/cmp-platform"
                ),
                "MLZONE_RISK_TIER": "3",
                "MLZONE_REPORTS": "s3://cmp-retail-capture-111111111113/credit-default/reports",
            }.items()
        )


def test_events_that_could_not_be_delivered_are_kept(managed, resources):
    for rule in resources(managed, RULE):
        (target,) = rule["Properties"]["Targets"]
        assert "DeadLetters" in json.dumps(target["DeadLetterConfig"])


def test_the_dashboard_shows_drift_against_the_service_level(managed, properties):
    body = text_of(properties(managed, "AWS::CloudWatch::Dashboard")["DashboardBody"])

    for metric in ("DriftViolations", "PredictionShift", "ModelLatency", "Invocation5XXErrors"):
        assert metric in body, metric
    assert "alarm:cmp-retail-credit-default-prod-drift" in body


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


def test_DEP_01_the_answer_can_bring_back_the_release_before_only_if_the_estate_says_so(
    managed, all_managed, statements
):
    assert "FallBack" not in statements(managed, "ResponseFunctionRole")
    allowed = statements(all_managed, "ResponseFunctionRole")
    assert allowed["FallBack"]["Action"] == "codepipeline:RollbackStage"
    assert text_of(allowed["FallBack"]["Resource"]).endswith(
        ":cmp-retail-credit-default-prod-promotion/Deploy"
    )
    assert allowed["SignTickets"]["Resource"].startswith("arn:aws:secretsmanager:")


def test_the_team_and_the_webhook_hear_of_findings(managed, resources):
    heard = {
        (item["Properties"]["Protocol"], item["Properties"]["Endpoint"])
        for item in resources(managed, "AWS::SNS::Subscription")
    }
    assert heard == {
        ("email", "ana.souza@bank.example"),
        ("email", "fabio.melo@bank.example"),
        ("https", "https://chat.bank.example/hooks/models"),
    }


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
