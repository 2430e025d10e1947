"""From a commit to a registered version: what may happen there, and what every setting changes."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlzone.estate import Stage
from mlzone_cloud.compute.events.pattern import matches

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "pipeline_templates" / "common" / "delivery.schema.json"
GITHUB = "arn:aws:codeconnections:sa-east-1:100000000002:connection/7f3a1c52"


def test_a_commit_is_tested_then_trained(development, stages):
    assert list(stages(development)) == ["Source", "Test", "Train"]


def test_executions_wait_for_each_other_and_none_is_lost(everywhere, properties):
    for template in everywhere:
        pipeline = properties(template, "AWS::CodePipeline::Pipeline")
        assert (pipeline["PipelineType"], pipeline["ExecutionMode"]) == ("V2", "QUEUED")


def test_a_commit_to_main_starts_it_with_its_author_and_its_commit(development, rule):
    """MOD-08: the author is who pushed, as CodeCommit saw them, not what the commit says."""
    on_commit = rule(development, "commit")

    assert on_commit["EventPattern"]["detail"]["referenceName"] == ["main"]
    (target,) = on_commit["Targets"]
    transformer = target["InputTransformer"]
    assert transformer["InputPathsMap"]["author"] == "$.detail.callerUserArn"
    filled = transformer["InputTemplate"].replace("<author>", '"arn"').replace("<commit>", '"c1"')
    assert json.loads(filled) == {
        "sourceRevisions": [
            {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "c1"}
        ],
        "variables": [
            {"name": "author", "value": "arn"},
            {"name": "trigger", "value": "commit"},
        ],
    }


def test_a_tag_of_the_estates_choice_starts_it_too(development, rule):
    """MOD-08: its author is who pushed the tag; a tag that is moved later starts nothing."""
    on_tag = rule(development, "tag")

    def told(event: str, name: str, kind: str = "tag") -> dict[str, Any]:
        return {
            "source": "aws.codecommit",
            "detail-type": "CodeCommit Repository State Change",
            "resources": on_tag["EventPattern"]["resources"],
            "detail": {"event": event, "referenceType": kind, "referenceName": name},
        }

    def starts(event: dict[str, Any]) -> bool:
        return matches(on_tag["EventPattern"], event)

    assert starts(told("referenceCreated", "release-2026.11"))
    assert not starts(told("referenceCreated", "draft-1"))
    assert not starts(told("referenceUpdated", "release-2026.11"))
    assert not starts(told("referenceCreated", "release-2026.11", kind="branch"))
    (target,) = on_tag["Targets"]
    assert target["RoleArn"] == rule(development, "commit")["Targets"][0]["RoleArn"]
    assert '"value": "tag"' in target["InputTransformer"]["InputTemplate"]


def test_without_tags_only_commits_to_main_start_it(deliver, resources):
    template = deliver(Stage.DEV, build={"tags": []})

    names = [item["Properties"]["Name"] for item in resources(template, "AWS::Events::Rule")]
    assert any(name.endswith("-commit") for name in names)
    assert not any(name.endswith("-tag") for name in names)


def test_both_builds_know_the_author_and_the_trigger(development, stages, environment):
    for name in ("Test", "Train"):
        (action,) = stages(development)[name]
        given = json.loads(action["Configuration"]["EnvironmentVariables"])
        assert {item["name"]: item["value"] for item in given} == {
            "MLZONE_AUTHOR": "#{variables.author}",
            "MLZONE_EXECUTION": "#{codepipeline.PipelineExecutionId}",
            "MLZONE_TRIGGER": "#{variables.trigger}",
        }
        settings = environment(development, name.lower())
        assert settings["MLZONE_DELIVERY_PARAMETER"] == "/cmp/models/retail/credit-default/delivery"


def test_the_training_build_alone_knows_the_teams_mlflow_app(development, environment):
    settings = environment(development, "train")

    assert settings["MLFLOW_EXPERIMENT_NAME"] == "retail/credit-default"
    parameter = development["Parameters"][settings["MLFLOW_TRACKING_URI"]["Ref"]]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<String>"
    assert parameter["Default"].startswith("/cmp/experiments/teams/")
    assert "MLFLOW_TRACKING_URI" not in environment(development, "test")


def test_DAT_05_the_repository_outlives_its_stack(development, resources):
    (repository,) = resources(development, "AWS::CodeCommit::Repository")

    assert repository["DeletionPolicy"] == "RetainExceptOnCreate"
    assert repository["UpdateReplacePolicy"] == "Retain"


def test_ENC_04_the_repository_has_the_teams_key(development, properties):
    key = properties(development, "AWS::CodeCommit::Repository")["KmsKeyId"]["Ref"]

    assert development["Parameters"][key]["Default"] == "/cmp/keys/teams/credit-risk"


def test_NET_02_builds_run_in_the_private_network_without_privileges(everywhere, resources):
    for template in everywhere:
        projects = list(resources(template, "AWS::CodeBuild::Project"))
        assert len(projects) == (3 if template is everywhere[0] else 2)
        for project in projects:
            properties = project["Properties"]
            assert properties["VpcConfig"]["Subnets"]
            assert properties["VpcConfig"]["SecurityGroupIds"]
            assert properties["Environment"]["PrivilegedMode"] is False


def test_MOD_09_builds_run_in_the_platforms_image(everywhere, resources):
    for template in everywhere:
        for project in resources(template, "AWS::CodeBuild::Project"):
            settings = project["Properties"]["Environment"]
            assert settings["Image"].startswith("100000000002.dkr.ecr.sa-east-1.amazonaws.com/cmp/")
            assert settings["ImagePullCredentialsType"] == "SERVICE_ROLE"


def test_ENC_02_artefacts_and_logs_are_encrypted(everywhere, resources, properties):
    for template in everywhere:
        store = properties(template, "AWS::CodePipeline::Pipeline")["ArtifactStore"]
        assert store["EncryptionKey"]["Type"] == "KMS"
        for project in resources(template, "AWS::CodeBuild::Project"):
            assert project["Properties"]["EncryptionKey"]
        for log in resources(template, "AWS::Logs::LogGroup"):
            assert log["Properties"]["KmsKeyId"]


def test_LOG_01_builds_write_to_logs_that_are_kept(everywhere, resources):
    for template in everywhere:
        for project in resources(template, "AWS::CodeBuild::Project"):
            assert project["Properties"]["LogsConfig"]["CloudWatchLogs"]["Status"] == "ENABLED"
        for log in resources(template, "AWS::Logs::LogGroup"):
            assert log["Properties"]["RetentionInDays"] == 1827


def test_DEP_01_what_a_commit_runs_can_deploy_nothing(development, resources):
    """Neither an endpoint nor a stack, nor another role than the team's training role."""
    for policy in resources(development, "AWS::IAM::Policy"):
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            actions = [actions] if isinstance(actions, str) else actions
            for action in actions:
                assert not action.startswith("cloudformation:"), action
                assert "Endpoint" not in action, action
                assert action != "sagemaker:UpdateModelPackage"


def test_IAM_04_the_build_passes_the_teams_training_role_to_sagemaker_alone(
    development, statements
):
    passing = statements(development, "BuildTrainRole")["PassTrainingRole"]

    assert passing["Resource"].endswith(":role/mlzone/cmp-retail-credit-risk-dev-pipeline")
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    }


def test_unit_tests_of_a_commit_reach_no_data_and_no_registry(development, statements):
    assert set(statements(development, "BuildTestRole")) == {
        "AttachToNetwork", "HandOn", "Keys", "PullImages", "SeeNetwork", "SignInToRegistry",
        "WriteLog",
    }  # fmt: skip


def test_ENC_04_the_build_reaches_its_own_models_artefacts_alone(development, statements):
    artefacts = statements(development, "BuildTrainRole")["Artifacts"]

    assert artefacts["Resource"].endswith(
        ":::cmp-retail-artifacts-100000000002/retail/credit-default/*"
    )


# --- what the build is told -------------------------------------------------------------------


def test_the_delivery_parameter_is_what_the_template_expects(development, document):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    jsonschema.validate(document(development), schema)


def test_NET_02_ENC_02_jobs_get_network_and_keys(development, document):
    told = document(development)

    assert told["network"] == {"subnets": ["…", "…"], "security_groups": ["…"]}
    assert told["keys"] == {
        "volume": "…",
        "output": "arn:aws:kms:sa-east-1:100000000002:alias/cmp-platform",
    }


def test_GOV_01_jobs_get_the_mandatory_tags(development, document):
    tags = document(development)["tags"]

    assert tags["mlz:model"] == "credit-default"
    assert tags["mlz:model-tier"] == "1"
    assert tags["mlz:data-zone"] == "credit-applications"
    assert {"mlz:owner", "mlz:team", "mlz:environment", "mlz:cost-center"} <= set(tags)


@pytest.mark.parametrize(
    ("settings", "place", "value"),
    [
        ({"thresholds": {"min_auc": 0.9}}, ("thresholds", "min_auc"), 0.9),
        (
            {"thresholds": {"max_disparate_impact_gap": 0.1}},
            ("thresholds", "max_disparate_impact_gap"),
            0.1,
        ),
        ({"monitoring": {"max_psi": 0.5}}, ("monitoring", "max_psi"), 0.5),
        ({"monitoring": {"min_records": 7}}, ("monitoring", "min_records"), 7),
        (
            {"training": {"instance_type": "ml.m5.large"}},
            ("compute", "instance_type"),
            "ml.m5.large",
        ),
        ({"training": {"max_runtime_minutes": 10}}, ("compute", "max_runtime_seconds"), 600),
        (
            {"serving": {"instance_type": "ml.m5.large"}},
            ("compute", "inference_instance_types"),
            ["ml.m5.large"],
        ),
        ({"risk_tier": 2}, ("risk_tier",), 2),
        ({"title": "Another"}, ("title",), "Another"),
        ({"purpose": "Another"}, ("purpose",), "Another"),
        ({"data_zone": "another"}, ("tags", "mlz:data-zone"), "another"),
    ],
)
def test_MOD_07_every_setting_of_a_model_reaches_its_build(
    deliver, document, settings, place, value
):
    told = document(deliver(Stage.DEV, **settings))

    for name in place:
        told = told[name]
    assert told == value


def test_a_build_may_take_as_long_as_its_jobs(deliver, resources):
    template = deliver(Stage.DEV, training={"max_runtime_minutes": 100})

    minutes = {
        item["Properties"]["Name"].rpartition("-")[2]: item["Properties"]["TimeoutInMinutes"]
        for item in resources(template, "AWS::CodeBuild::Project")
    }
    assert minutes == {"test": 30, "train": 430, "request": 30}


# --- other source providers -------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_github(deliver):
    source = {"provider": "github", "connection_arn": GITHUB, "owner": "complete-bank"}
    return deliver(Stage.DEV, source=source, build={"pull_requests": False})


def test_a_project_at_a_provider_comes_through_the_estates_connection(on_github, stages):
    (action,) = stages(on_github)["Source"]

    assert action["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    assert action["Configuration"]["ConnectionArn"] == GITHUB
    assert action["Configuration"]["FullRepositoryId"] == "complete-bank/cmp-retail-credit-default"


def test_a_push_at_a_provider_starts_the_build(on_github, properties, resources):
    pipeline = properties(on_github, "AWS::CodePipeline::Pipeline")

    (trigger,) = pipeline["Triggers"]
    commits, tags = trigger["GitConfiguration"]["Push"]
    assert commits == {"Branches": {"Includes": ["main"]}}
    assert tags == {"Tags": {"Includes": ["release-*"]}}
    assert list(resources(on_github, "AWS::CodeCommit::Repository")) == []


def test_the_author_of_a_push_is_known(on_github, stages):
    (action,) = stages(on_github)["Train"]

    assert "#{SourceVariables.AuthorId}" in action["Configuration"]["EnvironmentVariables"]


def test_the_connection_is_used_for_the_models_own_repository(on_github, statements):
    reading = statements(on_github, "BuildPipelineRole")["ReadSource"]

    assert reading["Resource"] == GITHUB
    assert reading["Condition"]["StringEquals"] == {
        "codeconnections:FullRepositoryId": "complete-bank/cmp-retail-credit-default"
    }


# --- what the platform hears, and retraining --------------------------------------------------


def test_MOD_08_the_platform_hears_of_builds_and_versions(development, rule):
    started, trained = rule(development, "build-started"), rule(development, "trained")

    assert started["EventPattern"]["detail"]["pipeline"] == ["cmp-retail-credit-default-build"]
    assert trained["EventPattern"]["detail"]["currentPipelineExecutionStatus"] == ["Succeeded"]


def test_MON_03_a_request_for_retraining_of_this_model_is_answered(development, rule, environment):
    assert rule(development, "retraining")["EventPattern"] == {
        "source": ["mlzone.monitoring"],
        "account": ["100000000002"],
        "detail-type": ["Retraining Requested"],
        "detail": {"unit": ["retail"], "model": ["credit-default"]},
    }
    assert environment(development, "retrain")["MLZONE_COOLDOWN_HOURS"] == "24"
    assert environment(development, "retrain")["MLZONE_MAX_PER_MONTH"] == "8"


def test_the_cooldown_is_the_estates(deliver, environment):
    template = deliver(Stage.DEV, retraining={"cooldown_hours": 7})

    assert environment(template, "retrain")["MLZONE_COOLDOWN_HOURS"] == "7"


def test_without_retraining_on_drift_nothing_retrains(deliver, resources):
    template = deliver(Stage.DEV, retraining={"on_drift": False})

    names = [item["Properties"]["Name"] for item in resources(template, "AWS::Events::Rule")]
    assert not any(name.endswith("-retraining") for name in names)


def test_retraining_can_start_its_own_build_and_nothing_else(development, statements):
    granted = statements(development, "RetrainingFunctionRole")

    assert granted["StartBuild"]["Resource"] == (
        "arn:aws:codepipeline:sa-east-1:111111111111:cmp-retail-credit-default-build"
    )
    assert set(granted) == {"Announce", "DeadLetters", "OwnKey", "StartBuild", "WriteLog"}
