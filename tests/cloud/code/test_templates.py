"""The Code services' resource types in CloudFormation."""

from typing import Any

import pytest
from tests.cloud.cfn.conftest import Stacks
from tests.cloud.code.conftest import DEV, IMAGE, REGION, CodePipeline, s3_source, statement, zipped

from mlzone_cloud.cloud import Cloud


@pytest.fixture
def stacks(cloud: Cloud) -> Stacks:
    cloud.strict = True
    cloud.resume()
    return Stacks(cloud)


@pytest.fixture
def role(codepipeline: CodePipeline) -> str:
    allowed = ["s3:*", "codebuild:*", "codecommit:*"]
    return codepipeline.role("pipe-role", statement("Allow", allowed))


def capital(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key[:1].upper() + key[1:]: item if key == "configuration" else capital(item)
            for key, item in value.items()
        }
    return [capital(item) for item in value] if isinstance(value, list) else value


def pipeline(role: str, **more: Any) -> dict[str, Any]:
    approve = {
        "Name": "Approve",
        "Actions": [
            {
                "Name": "Approve",
                "ActionTypeId": {
                    "Category": "Approval",
                    "Owner": "AWS",
                    "Provider": "Manual",
                    "Version": "1",
                },
            }
        ],
    }
    properties = {
        "Name": "pipe",
        "RoleArn": role,
        "PipelineType": "V2",
        "ExecutionMode": "QUEUED",
        "ArtifactStore": {"Type": "S3", "Location": "artefacts"},
        "Stages": [capital(s3_source()), approve],
        **more,
    }
    return {"Type": "AWS::CodePipeline::Pipeline", "Properties": properties}


def test_a_repository_is_born_with_the_templates_files(
    stacks: Stacks, codepipeline: CodePipeline
) -> None:
    codepipeline.client("s3").put_object(
        Bucket="sources", Key="project.zip", Body=zipped(**{"src/train__py": "print(1)\n"})
    )
    repository = {
        "Type": "AWS::CodeCommit::Repository",
        "Properties": {
            "RepositoryName": "model",
            "Code": {"BranchName": "main", "S3": {"Bucket": "sources", "Key": "project.zip"}},
        },
    }

    made = stacks.create("s", {"R": repository})

    assert made["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    file = stacks.client("codecommit").get_file(repositoryName="model", filePath="src/train.py")
    assert file["fileContent"] == b"print(1)\n"
    branch = stacks.client("codecommit").get_branch(repositoryName="model", branchName="main")
    assert branch["branch"]["commitId"] == file["commitId"]


def test_a_repository_whose_files_are_missing_is_not_made(
    stacks: Stacks, codepipeline: CodePipeline
) -> None:
    del codepipeline
    code = {"S3": {"Bucket": "sources", "Key": "nothing.zip"}}
    repository = {
        "Type": "AWS::CodeCommit::Repository",
        "Properties": {"RepositoryName": "model", "Code": code},
    }

    made = stacks.create("s", {"R": repository})

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stacks.client("codecommit").list_repositories()["repositories"] == []


def test_a_repository_is_changed_in_place(stacks: Stacks) -> None:
    def repository(name: str, description: str, **tags: str) -> dict[str, Any]:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {
            "R": {
                "Type": "AWS::CodeCommit::Repository",
                "Properties": {
                    "RepositoryName": name,
                    "RepositoryDescription": description,
                    "Tags": listed,
                },
            }
        }

    stacks.create("s", repository("model", "old", team="a"))
    before = stacks.physical_id("s", "R")

    updated = stacks.update("s", repository("renamed", "new", team="b", tier="1"))

    assert updated["StackStatus"] == "UPDATE_COMPLETE", stacks.reasons("s")
    assert stacks.physical_id("s", "R") == before
    client = stacks.client("codecommit")
    metadata = client.get_repository(repositoryName="renamed")["repositoryMetadata"]
    assert metadata["repositoryDescription"] == "new"
    tags = client.list_tags_for_resource(resourceArn=metadata["Arn"])["tags"]
    assert (tags["team"], tags["tier"]) == ("b", "1")
    assert stacks.delete("s")["StackStatus"] == "DELETE_COMPLETE"
    assert client.list_repositories()["repositories"] == []


def test_a_project_is_made_described_changed_and_removed(stacks: Stacks, codebuild: Any) -> None:
    role = codebuild.role("builder")

    def project(**more: Any) -> dict[str, Any]:
        properties = {
            "Name": "p1",
            "ServiceRole": role,
            "Source": {"Type": "CODEPIPELINE", "BuildSpec": "buildspec-test.yml"},
            "Artifacts": {"Type": "CODEPIPELINE"},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "Image": IMAGE,
                "ComputeType": "BUILD_GENERAL1_SMALL",
                "EnvironmentVariables": [{"Name": "STAGE", "Value": "dev"}],
            },
            **more,
        }
        return {"P": {"Type": "AWS::CodeBuild::Project", "Properties": properties}}

    output = {"Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["P", "Arn"]}}}}
    created = stacks.create(
        "s",
        project(Description="tests", TimeoutInMinutes=5, Tags=[{"Key": "a", "Value": "1"}]),
        template=output,
    )
    client = stacks.client("codebuild")

    def described() -> dict[str, Any]:
        found: dict[str, Any] = client.batch_get_projects(names=["p1"])["projects"][0]
        return found

    before = described()
    updated = stacks.update("s", project(ConcurrentBuildLimit=2), template=output)

    assert created["Outputs"][0]["OutputValue"] == before["arn"], stacks.reasons("s")
    assert before["source"] == {"type": "CODEPIPELINE", "buildspec": "buildspec-test.yml"}
    assert before["environment"]["environmentVariables"] == [{"name": "STAGE", "value": "dev"}]
    assert (before["description"], before["timeoutInMinutes"]) == ("tests", 5)
    assert updated["StackStatus"] == "UPDATE_COMPLETE", stacks.reasons("s")
    after = described()
    assert after["timeoutInMinutes"] == 60
    assert after["concurrentBuildLimit"] == 2
    assert "description" not in after
    assert after["tags"] == []
    assert stacks.delete("s")["StackStatus"] == "DELETE_COMPLETE"
    assert client.list_projects()["projects"] == []


def test_a_pipeline_is_made_changed_and_removed(
    stacks: Stacks, codepipeline: CodePipeline, role: str
) -> None:
    closed = [{"StageName": "Approve", "Reason": "freeze"}]
    created = stacks.create(
        "s",
        {
            "P": pipeline(
                role,
                Variables=[{"Name": "author", "DefaultValue": "nobody"}],
                DisableInboundStageTransitions=closed,
                Tags=[{"Key": "team", "Value": "fraud"}],
            )
        },
    )
    assert created["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    client = codepipeline.client()
    declared = client.get_pipeline(name="pipe")["pipeline"]
    state = client.get_pipeline_state(name="pipe")["stageStates"][1]
    arn = f"arn:aws:codepipeline:{REGION}:{DEV}:pipe"
    assert declared["variables"] == [{"name": "author", "defaultValue": "nobody"}]
    assert declared["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] == "source.zip"
    assert state["inboundTransitionState"]["disabledReason"] == "freeze"
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"key": "team", "value": "fraud"}
    ]

    updated = stacks.update("s", {"P": pipeline(role, ExecutionMode="PARALLEL")})

    assert updated["StackStatus"] == "UPDATE_COMPLETE", stacks.reasons("s")
    pipe = client.get_pipeline(name="pipe")["pipeline"]
    state = client.get_pipeline_state(name="pipe")["stageStates"][1]
    assert (pipe["executionMode"], pipe["version"]) == ("PARALLEL", 2)
    assert state["inboundTransitionState"]["enabled"]
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == []
    assert stacks.delete("s")["StackStatus"] == "DELETE_COMPLETE"
    assert client.list_pipelines()["pipelines"] == []


def test_what_somebody_changed_by_hand_shows_as_drift(
    stacks: Stacks, codepipeline: CodePipeline, role: str
) -> None:
    stacks.create("s", {"P": pipeline(role)})
    client = stacks.client()

    def drift() -> str:
        detection = client.detect_stack_drift(StackName="s")["StackDriftDetectionId"]
        status = client.describe_stack_drift_detection_status
        codepipeline.until(
            lambda: (
                status(StackDriftDetectionId=detection)["DetectionStatus"] == "DETECTION_COMPLETE"
            )
        )
        found = client.describe_stack_resource_drifts(StackName="s")["StackResourceDrifts"]
        return str(found[0]["StackResourceDriftStatus"])

    before = drift()
    declared = codepipeline.client().get_pipeline(name="pipe")["pipeline"]
    codepipeline.client().update_pipeline(pipeline={**declared, "executionMode": "PARALLEL"})

    assert (before, drift()) == ("IN_SYNC", "MODIFIED")
