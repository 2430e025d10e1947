"""Pull requests are tested, in a role that can do nothing but that."""

import json
from typing import Any

import pytest

from mlzone.estate import Stage
from mlzone_cloud.compute.events.pattern import matches

REPOSITORY = "arn:aws:codecommit:sa-east-1:111111111111:cmp-retail-credit-default"
PROJECT = "cmp-retail-credit-default-dev-pull-request"
GITHUB = "arn:aws:codeconnections:sa-east-1:100000000002:connection/7f3a1c52"


@pytest.fixture(scope="module")
def on_github(deliver):
    source = {"provider": "github", "connection_arn": GITHUB, "owner": "complete-bank"}
    return deliver(Stage.DEV, source=source)


@pytest.fixture(scope="module")
def project(development, resources) -> dict[str, Any]:
    (found,) = (
        item["Properties"]
        for item in resources(development, "AWS::CodeBuild::Project")
        if item["Properties"]["Name"] == PROJECT
    )
    return dict(found)


def told(event: str, destination: str = "refs/heads/main") -> dict[str, Any]:
    return {
        "source": "aws.codecommit",
        "detail-type": "CodeCommit Pull Request State Change",
        "resources": [REPOSITORY],
        "detail": {"event": event, "destinationReference": destination},
    }


def test_what_is_proposed_to_main_is_tested_when_it_comes_and_when_it_changes(development, rule):
    pattern = rule(development, "pull-request")["EventPattern"]

    assert matches(pattern, told("pullRequestCreated"))
    assert matches(pattern, told("pullRequestSourceBranchUpdated"))
    assert not matches(pattern, told("pullRequestCreated", "refs/heads/other"))
    for ending in ("pullRequestStatusChanged", "pullRequestMergeStatusUpdated"):
        assert not matches(pattern, told(ending))


def test_the_very_commit_that_is_proposed_is_tested(development, rule):
    (target,) = rule(development, "pull-request")["Targets"]

    transformer = target["InputTransformer"]
    assert transformer["InputPathsMap"]["proposed"] == "$.detail.sourceCommit"
    filled = transformer["InputTemplate"]
    for name, value in (("proposed", "c2"), ("number", "7"), ("destination", "c1")):
        filled = filled.replace(f"<{name}>", json.dumps(value))
    assert json.loads(filled) == {
        "sourceVersion": "c2",
        "environmentVariablesOverride": [
            {"name": "MLZONE_PULL_REQUEST", "value": "7", "type": "PLAINTEXT"},
            {"name": "MLZONE_DESTINATION_COMMIT", "value": "c1", "type": "PLAINTEXT"},
        ],
    }
    assert target["DeadLetterConfig"]["Arn"]


def test_DEP_04_the_tests_are_given_no_setting_and_leave_nothing(project):
    assert project["Source"]["Type"] == "CODECOMMIT"
    assert project["Source"]["BuildSpec"] == "buildspec-test.yml"
    assert project["Artifacts"] == {"Type": "NO_ARTIFACTS"}
    assert project["Environment"]["EnvironmentVariables"] == []
    assert project["Environment"]["PrivilegedMode"] is False


def test_IAM_01_their_role_reads_the_project_and_writes_its_log(development, statements):
    """No data, no registry, no artefact of a build, no training, no image that is pushed."""
    granted = statements(development, "ProposalsTestRole")

    assert set(granted) == {
        "AttachToNetwork", "ProposalKey", "PullImages", "ReadProposal", "SeeNetwork",
        "SignInToRegistry", "WriteLog",
    }  # fmt: skip
    assert granted["ReadProposal"]["Action"] == "codecommit:GitPull"
    assert granted["ReadProposal"]["Resource"] == REPOSITORY
    assert granted["WriteLog"]["Resource"].endswith(f"log-group:/aws/codebuild/{PROJECT}:*")


def test_ENC_04_the_teams_key_opens_the_repository_and_no_data(development, statements):
    for role in ("ProposalsTestRole", "ProgressFunctionRole"):
        granted = statements(development, role)
        key = granted.get("ProposalKey") or granted["CommentKey"]
        assert key["Condition"] == {
            "StringEquals": {"kms:ViaService": "codecommit.sa-east-1.amazonaws.com"}
        }


def test_the_rules_role_starts_the_build_and_these_tests_and_no_other_project(
    development, statements
):
    granted = statements(development, "BuildPipelineOnCommitRole")

    assert granted["StartTests"]["Action"] == "codebuild:StartBuild"
    assert granted["StartTests"]["Resource"].endswith(f":project/{PROJECT}")


def test_the_outcome_is_said_to_the_pull_request(development, rule, statements, environment):
    pattern = rule(development, "pull-request-tested")["EventPattern"]

    def ended(status: str, project: str = PROJECT) -> dict[str, Any]:
        return {
            "source": "aws.codebuild",
            "detail-type": "CodeBuild Build State Change",
            "detail": {"project-name": project, "build-status": status},
        }

    assert matches(pattern, ended("SUCCEEDED"))
    assert matches(pattern, ended("FAILED"))
    assert not matches(pattern, ended("IN_PROGRESS"))
    assert not matches(pattern, ended("FAILED", "cmp-retail-credit-default-dev-test"))
    comment = statements(development, "ProgressFunctionRole")["Comment"]
    assert comment["Action"] == "codecommit:PostCommentForPullRequest"
    assert comment["Resource"] == REPOSITORY
    assert environment(development, "progress")["MLZONE_REPOSITORY"] == "cmp-retail-credit-default"


def test_an_estate_can_have_none_tested(deliver, resources, statements):
    template = deliver(Stage.DEV, build={"pull_requests": False})

    names = [item["Properties"]["Name"] for item in resources(template, "AWS::Events::Rule")]
    assert not any("pull-request" in name for name in names)
    assert len(list(resources(template, "AWS::CodeBuild::Project"))) == 2
    assert "Comment" not in statements(template, "ProgressFunctionRole")
    assert "StartTests" not in statements(template, "BuildPipelineOnCommitRole")


def test_what_production_runs_is_tested_nowhere_else(staging, production, resources):
    for template in (staging, production):
        names = [item["Properties"]["Name"] for item in resources(template, "AWS::Events::Rule")]
        assert not any("pull-request" in name for name in names)


# --- other source providers -------------------------------------------------------------------


def test_at_a_provider_a_pipeline_of_its_own_tests_what_is_proposed(on_github, resources):
    (pipeline,) = (
        item["Properties"]
        for item in resources(on_github, "AWS::CodePipeline::Pipeline")
        if item["Properties"]["Name"].endswith("-pull-request")
    )

    assert [stage["Name"] for stage in pipeline["Stages"]] == ["Source", "Test"]
    assert pipeline["ExecutionMode"] == "PARALLEL"
    (trigger,) = pipeline["Triggers"]
    assert trigger["GitConfiguration"]["PullRequest"] == [
        {"Branches": {"Includes": ["main"]}, "Events": ["OPEN", "UPDATED"]}
    ]
    assert "Push" not in trigger["GitConfiguration"]


def test_IAM_01_there_the_tests_read_what_was_fetched_and_write_nothing(on_github, statements):
    granted = statements(on_github, "ProposalsTestRole")

    assert granted["ReadProposal"]["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert granted["ReadProposal"]["Resource"].endswith("/Source/*")
    assert "HandOn" not in granted
    assert "Comment" not in statements(on_github, "ProgressFunctionRole")
