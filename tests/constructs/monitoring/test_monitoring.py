"""A model's monitor: both engines, what they guarantee, and what follows from what they find."""

import json

import pytest
from tests.constructs.monitoring.monitored import (
    DEFINITION,
    MONITOR,
    NONE_MORE,
    SCHEDULE,
    request_of,
    settings_of,
    text_of,
)

from mlzone.estate import Stage
from mlzone.release_contract import MONITORING
from mlzone_stacks.monitoring import MonitoringStack


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
