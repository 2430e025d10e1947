"""A model's endpoint: what it guarantees, and how the estate and a release shape it."""

import re
from typing import Any

import pytest

from mlzone.estate import Stage
from mlzone.estate.model import Trial
from mlzone.release_contract import CHALLENGER, PARAMETERS, SERVING
from mlzone_runtime.analyzer import capture
from mlzone_runtime.release.trial import moved
from mlzone_stacks.serving import ServingStack

MODEL, CONFIG = "AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"


@pytest.fixture(scope="module")
def production(build) -> dict[str, Any]:
    return build(ServingStack, Stage.PROD)


@pytest.fixture(scope="module")
def staging(build) -> dict[str, Any]:
    return build(ServingStack, Stage.STAGING)


def routing(endpoint: dict[str, Any]) -> dict[str, Any]:
    policy = endpoint["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    return dict(policy["TrafficRoutingConfiguration"])


def test_MOD_01_there_is_an_endpoint_only_with_a_release(production, resources):
    assert production["Conditions"]["HasRelease"] == {
        "Fn::And": [
            {"Fn::Not": [{"Fn::Equals": [{"Ref": "Release"}, ""]}]},
            {"Fn::Equals": [{"Ref": "Stopped"}, ""]},
        ]
    }
    for kind in (MODEL, CONFIG, ENDPOINT):
        assert [item["Condition"] for item in resources(production, kind)] == ["HasRelease"]
    for kind in ("AWS::IAM::Role", "AWS::CloudWatch::Alarm", "AWS::Logs::LogGroup"):
        assert all("Condition" not in item for item in resources(production, kind)), kind


def test_a_promotion_sets_the_parameters_of_the_contract(production):
    assert set(SERVING) <= set(production["Parameters"])
    for name in SERVING:
        parameter = production["Parameters"][name]
        assert parameter["Default"] == "", name
        assert re.fullmatch(parameter["AllowedPattern"], ""), name


@pytest.mark.parametrize(
    ("name", "accepted", "refused"),
    [
        ("Release", "v12-0a1b2c3d", "Release_1"),
        ("Release", "7", "longer-than-twelve"),
        ("ModelDataUrl", "s3://b/m/v1/model.tar.gz", "s3://b/m/v1/model.zip"),
        (
            "InferenceImage",
            "100000000002.dkr.ecr.sa-east-1.amazonaws.com/a/tabular@sha256:" + "0" * 64,
            "100000000002.dkr.ecr.sa-east-1.amazonaws.com/a/tabular:latest",
        ),
        (
            "ModelPackageArn",
            "arn:aws:sagemaker:sa-east-1:100000000002:model-package/a-b/1",
            "a-b/1",
        ),
    ],
)
def test_MOD_09_a_promotion_names_versions_exactly(name, accepted, refused):
    assert re.fullmatch(PARAMETERS[name].pattern, accepted)
    assert not re.fullmatch(PARAMETERS[name].pattern, refused)


def test_NET_02_the_model_runs_isolated_in_the_private_network(production, properties):
    model = properties(production, MODEL)

    assert model["EnableNetworkIsolation"] is True
    assert set(model["VpcConfig"]) == {"SecurityGroupIds", "Subnets"}


def test_ENC_02_disks_and_captured_requests_are_encrypted_with_our_key(production, properties):
    config = properties(production, CONFIG)
    key = production["Parameters"][config["KmsKeyId"]["Ref"]]

    assert key["Default"] == "/cmp/keys/foundation"
    assert config["DataCaptureConfig"]["KmsKeyId"] == config["KmsKeyId"]


def test_MON_01_requests_and_answers_are_captured(production, properties):
    capture = properties(production, CONFIG)["DataCaptureConfig"]

    assert capture["EnableCapture"] is True
    assert capture["InitialSamplingPercentage"] == 100
    assert [item["CaptureMode"] for item in capture["CaptureOptions"]] == ["Input", "Output"]
    assert capture["DestinationS3Uri"] == (
        "s3://cmp-retail-capture-111111111113/credit-default/requests"
    )


@pytest.mark.parametrize(("tier", "least"), [(1, 100), (2, 50), (3, 20)])
def test_MON_01_the_tier_says_how_much_is_captured_at_least(build, properties, tier, least):
    template = build(
        ServingStack, Stage.PROD, risk_tier=tier, monitoring={"capture_percentage": None}
    )

    capture = properties(template, CONFIG)["DataCaptureConfig"]
    assert capture["InitialSamplingPercentage"] == least


def test_DEP_03_production_has_at_least_two_instances_and_staging_one(
    production, staging, properties
):
    def instances(template: dict[str, Any]) -> int:
        return int(properties(template, CONFIG)["ProductionVariants"][0]["InitialInstanceCount"])

    assert (instances(staging), instances(production)) == (1, 2)


@pytest.mark.parametrize(
    ("tier", "traffic", "kind"),
    [(1, None, "LINEAR"), (2, None, "CANARY"), (3, None, "CANARY"), (3, "linear", "LINEAR")],
)
def test_DEP_03_traffic_moves_as_the_tier_or_the_estate_demands(
    build, properties, tier, traffic, kind
):
    template = build(ServingStack, Stage.PROD, risk_tier=tier, serving={"traffic": traffic})

    moved = routing(properties(template, ENDPOINT))
    assert moved["Type"] == kind
    step = moved["CanarySize" if kind == "CANARY" else "LinearStepSize"]
    assert step["Type"] == "CAPACITY_PERCENT"
    assert step["Value"] <= 50


def test_DEP_03_one_instance_of_staging_goes_over_at_once(staging, properties):
    assert routing(properties(staging, ENDPOINT))["Type"] == "ALL_AT_ONCE"


def test_DEP_03_a_deployment_goes_back_when_an_alarm_rises(production, properties, resources):
    rollback = properties(production, ENDPOINT)["DeploymentConfig"]["AutoRollbackConfiguration"]

    watched = {item["AlarmName"]["Ref"] for item in rollback["Alarms"]}
    alarms = {
        name
        for name, item in production["Resources"].items()
        if item["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert watched == alarms
    assert {item["Properties"]["MetricName"] for item in resources(
        production, "AWS::CloudWatch::Alarm"
    )} == {"Invocation5XXErrors", "ModelLatency"}  # fmt: skip


def test_alarms_hold_the_model_to_its_service_level(build, resources):
    template = build(
        ServingStack,
        Stage.PROD,
        service_level={"p95_latency_ms": 120, "error_rate_percent": 2.5},
    )

    thresholds = {
        item["Properties"]["MetricName"]: item["Properties"]["Threshold"]
        for item in resources(template, "AWS::CloudWatch::Alarm")
    }
    assert thresholds == {"Invocation5XXErrors": 0.025, "ModelLatency": 120_000}


def test_DEP_03_production_scales_between_the_limits_of_the_estate(
    build, staging, properties, resources
):
    scaled = build(ServingStack, Stage.PROD, serving={"min_instances": 3, "max_instances": 9})

    target = properties(scaled, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 9)
    assert target["ResourceId"] == "endpoint/cmp-retail-credit-default-prod/variant/AllTraffic"
    assert list(resources(staging, "AWS::ApplicationAutoScaling::ScalableTarget")) == []


def test_a_release_keeps_what_scaling_made_but_not_how_much_is_captured(production, properties):
    endpoint = properties(production, ENDPOINT)

    assert endpoint["RetainAllVariantProperties"] is True
    assert endpoint["ExcludeRetainedVariantProperties"] == [
        {"VariantPropertyType": "DataCaptureConfig"}
    ]


def test_the_endpoint_keeps_its_name_while_model_and_config_carry_the_release(
    production, properties
):
    assert properties(production, ENDPOINT)["EndpointName"] == "cmp-retail-credit-default-prod"
    for kind, name in ((MODEL, "ModelName"), (CONFIG, "EndpointConfigName")):
        fixed, release = properties(production, kind)[name]["Fn::Join"][1]
        assert release == {"Ref": "Release"}
        assert len(fixed) + 12 <= 63


def test_a_setting_that_replaces_a_config_renames_it(build, production, properties):
    changed = build(ServingStack, Stage.PROD, serving={"instance_type": "ml.m5.large"})

    old, new = (properties(item, CONFIG) for item in (production, changed))
    assert new["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"
    assert new["EndpointConfigName"] != old["EndpointConfigName"]
    assert new["ProductionVariants"][0]["ModelName"] == old["ProductionVariants"][0]["ModelName"]


def test_a_very_long_name_leaves_room_for_the_release(build, properties):
    template = build(ServingStack, Stage.STAGING, name="a" * 32)

    fixed, _ = properties(template, MODEL)["ModelName"]["Fn::Join"][1]
    assert len(fixed) + 12 <= 63


def test_ENC_04_the_role_reaches_this_models_releases_and_captures_alone(production, statements):
    allowed = statements(production, "EndpointRole")

    releases = "arn:aws:s3:::cmp-retail-releases-111111111113"
    capture = "arn:aws:s3:::cmp-retail-capture-111111111113"
    assert allowed["Releases"]["Resource"] == f"{releases}/credit-default/*"
    assert allowed["Releases"]["Action"] == "s3:GetObject"
    assert allowed["Capture"]["Resource"] == f"{capture}/credit-default/requests/*"
    assert allowed["Capture"]["Action"] == "s3:PutObject"


def test_MOD_01_the_model_says_which_version_of_the_registry_it_is(production, properties):
    tags = {item["Key"]: item["Value"] for item in properties(production, MODEL)["Tags"]}

    assert tags["mlz:model-package"] == {"Ref": "ModelPackageArn"}


def test_LOG_01_the_endpoints_log_is_ours_from_the_first_line(production, resources):
    name = "/aws/sagemaker/Endpoints/cmp-retail-credit-default-prod"
    (log,) = (
        item["Properties"]
        for item in resources(production, "AWS::Logs::LogGroup")
        if item["Properties"]["LogGroupName"] == name
    )
    (endpoint,) = resources(production, ENDPOINT)

    assert "KmsKeyId" in log
    assert any(name.startswith("EndpointLog") for name in endpoint["DependsOn"])


def tried(build, mode: str, **more: Any) -> dict[str, Any]:
    """Return the stack of a model whose releases are tried in production."""
    trial = Trial.model_validate({"mode": mode, **more})
    return dict(build(ServingStack, Stage.PROD, serving={"trial": trial}))


def configs(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the configurations of an endpoint by the condition under which they exist."""
    return {
        item["Condition"]: item["Properties"]
        for item in template["Resources"].values()
        if item["Type"] == CONFIG
    }


def test_DEP_03_a_shadow_is_asked_a_share_and_answers_nobody(build):
    found = configs(tried(build, "shadow", percentage=30))

    usual, trial = found["HasRelease"], found["HasChallenger"]
    assert trial["ProductionVariants"] == usual["ProductionVariants"]
    (shadow,) = trial["ShadowProductionVariants"]
    assert shadow["InitialVariantWeight"] == 0.3
    assert shadow["InitialInstanceCount"] == 2
    assert "ShadowProductionVariants" not in usual


def test_DEP_03_an_ab_test_leaves_the_champion_its_weight_and_its_share(build):
    trial = configs(tried(build, "ab-test", percentage=20))["HasChallenger"]

    champion, challenger = trial["ProductionVariants"]
    weights = [item["InitialVariantWeight"] for item in (champion, challenger)]
    assert weights[0] == 1
    assert weights[1] / sum(weights) == pytest.approx(0.2)


def test_all_is_captured_while_answers_are_compared(build):
    template = dict(
        build(
            ServingStack,
            Stage.PROD,
            risk_tier=3,
            monitoring={"capture_percentage": 20},
            serving={"trial": Trial(mode="shadow")},
        )
    )

    shares = {
        name: item["DataCaptureConfig"]["InitialSamplingPercentage"]
        for name, item in configs(template).items()
    }
    assert shares == {"HasRelease": 20, "HasChallenger": 100}


@pytest.mark.parametrize("mode", ["shadow", "ab-test"])
def test_DEP_03_traffic_shifts_between_releases_and_not_between_numbers_of_variants(
    build, production, properties, mode
):
    template = tried(build, mode)

    endpoint = properties(template, ENDPOINT)
    condition, without, careful = endpoint["DeploymentConfig"]["Fn::If"]
    assert without == {"Ref": "AWS::NoValue"}
    assert careful == properties(production, ENDPOINT)["DeploymentConfig"]
    assert template["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "VariantsChange"}, ""]}]
    }
    chosen = endpoint["EndpointConfigName"]["Fn::If"]
    assert chosen[0] == "HasChallenger"


def test_MOD_01_what_is_tried_is_a_release_beside_one_that_serves(build):
    template = tried(build, "shadow")

    has, named = template["Conditions"]["HasChallenger"]["Fn::And"]
    assert has == {"Condition": "HasRelease"}
    assert named == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ChallengerRelease"}, ""]}]}
    for name in SERVING:
        ours, of_the_challenger = (
            template["Parameters"][f"{prefix}{name}"]["AllowedPattern"]
            for prefix in ("", CHALLENGER)
        )
        assert ours == of_the_challenger


def test_staging_tries_nothing_beside(build, resources):
    trial = Trial(mode="shadow")
    template = build(ServingStack, Stage.STAGING, serving={"trial": trial})

    assert len(list(resources(template, CONFIG))) == 1
    assert not [name for name in template["Parameters"] if name.startswith(CHALLENGER)]


def test_the_variant_on_trial_is_the_one_that_monitors_leave_out():
    assert capture.CHALLENGER == CHALLENGER
    assert set(moved(dict.fromkeys(SERVING, "x"))) == {
        *(f"{CHALLENGER}{name}" for name in SERVING),
        "VariantsChange",
    }
