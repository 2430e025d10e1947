"""The pipeline that deploys a unit: what it does in which order, and what each step may do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlzone.estate import Estate, Stage
from mlzone.loading import load_estate
from mlzone.planning import StackKind, planned_stacks

SAMPLES = Path(__file__).parents[3] / "organization" / "samples"
PIPELINE = "AWS::CodePipeline::Pipeline"
NAME = "cmp-retail-change"


@pytest.fixture(scope="module")
def commands(template: dict[str, Any], resources) -> dict[str, list[str]]:
    """What each project runs."""
    return {
        item["Properties"]["Name"]: json.loads(item["Properties"]["Source"]["BuildSpec"])["phases"][
            "build"
        ]["commands"]
        for item in resources(template, "AWS::CodeBuild::Project")
    }


def stages(template: dict[str, Any], named: Callable[..., Any]) -> dict[str, list[str]]:
    pipeline = named(template, PIPELINE, NAME)
    return {
        stage["Name"]: [action["Name"] for action in stage["Actions"]]
        for stage in pipeline["Stages"]
    }


def test_it_goes_from_check_to_production_and_asks_before_staging_and_production(
    template: dict[str, Any], named
):
    assert stages(template, named) == {
        "Source": ["Source"],
        "Check": ["Check"],
        "Plan": ["Plan"],
        "Dev": ["Deploy", "Verify"],
        "ApproveStaging": ["Approve"],
        "Staging": ["Deploy", "Verify"],
        "ApproveProd": ["Approve"],
        "Prod": ["Deploy", "Verify"],
    }
    pipeline = named(template, PIPELINE, NAME)
    assert (pipeline["PipelineType"], pipeline["ExecutionMode"]) == ("V2", "QUEUED")


def test_DEP_01_a_job_named_plan_never_applies(
    commands: dict[str, list[str]], statements, template
):
    (plan,) = [lines for name, lines in commands.items() if name.endswith("-plan")]
    assert plan == ["mlzone change plan retail --out change"]
    assert not any("deploy" in line for line in plan)
    for purpose in ("Plan", "Check"):
        may = statements(template, f"Pipeline{purpose}Role")
        actions = {action for item in may.values() for action in _listed(item["Action"])}
        assert "sts:AssumeRole" not in actions, purpose
        assert not [action for action in actions if action.startswith("cloudformation:")]


def test_DEP_01_each_environment_is_deployed_by_a_role_that_reaches_no_other(
    template: dict[str, Any], statements, estate: Estate
):
    (unit,) = estate.units
    for stage in Stage:
        account = unit.environments[stage].account
        deploy = statements(template, f"PipelineDeploy{stage.title()}Role")["Deploy"]
        roles = [json.dumps(item) for item in deploy["Resource"]]
        assert [role.count(account) for role in roles] == [2, 2, 2]
        assert not any("*" in role for role in roles)
        purposes = {role.partition("cdk-hnb659fds-")[2].partition("-role-")[0] for role in roles}
        assert purposes == {"deploy", "file-publishing", "lookup"}


def test_what_verifies_can_only_look(template: dict[str, Any], statements):
    look = statements(template, "PipelineVerifyRole")["Look"]

    assert len(look["Resource"]) == 3
    assert all("cdk-hnb659fds-lookup-role-" in json.dumps(item) for item in look["Resource"])


def test_a_plan_gets_the_repositorys_history(template: dict[str, Any], github, named):
    for item in (template, github):
        source = named(item, PIPELINE, NAME)["Stages"][0]["Actions"][0]
        assert source["Configuration"]["OutputArtifactFormat"] == "CODEBUILD_CLONE_REF"


def test_a_commit_starts_it_with_its_author(template: dict[str, Any], named):
    rule = named(template, "AWS::Events::Rule", NAME)

    assert rule["EventPattern"]["detail"]["referenceName"] == ["main"]
    assert "callerUserArn" in rule["Targets"][0]["InputTransformer"]["InputPathsMap"]["author"]


def test_a_push_at_a_provider_starts_it_through_its_connection(github, named, resources):
    pipeline = named(github, PIPELINE, NAME)
    source = pipeline["Stages"][0]["Actions"][0]

    assert source["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    assert source["Configuration"]["FullRepositoryId"] == "complete-bank/landing-zone"
    assert pipeline["Triggers"][0]["GitConfiguration"]["Push"][0]["Branches"] == {
        "Includes": ["main"]
    }
    rules = [item["Properties"]["Name"] for item in resources(github, "AWS::Events::Rule")]
    assert NAME not in rules


def test_contributors_answer_this_pipeline_and_change_nothing_themselves(
    template: dict[str, Any], statements
):
    may = statements(template, "Contributor")

    assert set(may) == {"Answer", "Contribute", "SeePipeline"}
    assert all("-change/Approve" in json.dumps(item) for item in may["Answer"]["Resource"])
    assert may["Answer"]["Action"] == "codepipeline:PutApprovalResult"


def test_an_estate_that_names_no_repository_has_no_pipelines():
    minimal = load_estate(SAMPLES / "minimal.yaml")

    kinds = {stack.kind for stack in planned_stacks(minimal)}

    assert StackKind.ENVIRONMENT_PIPELINE not in kinds


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
