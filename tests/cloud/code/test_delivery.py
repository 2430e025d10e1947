"""From `git push` to a released artefact, with roles that may do no more than they must."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.code.conftest import action, service_trust, stage, unzipped
from tests.cloud.conftest import Server
from tests.cloud.core.test_codecommit import allow, git, role_keys
from tests.cloud.waiting import eventually

pytestmark = pytest.mark.cloud

DEV, REGION = "111111111111", "sa-east-1"
ARN = f"arn:aws:{{}}:{REGION}:{DEV}:{{}}"
TEST_SPEC = """
version: 0.2
env: {exported-variables: [ROWS]}
phases:
  build:
    commands:
      - python -c "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
      - ROWS=$(wc -l < data.csv | tr -d ' ')
      - mkdir tested && cp data.csv tested/
artifacts: {base-directory: tested, files: ["**/*"]}
"""
TRAIN_SPEC = """
version: 0.2
phases:
  build:
    commands:
      - echo "{\\"rows\\":\\"$ROWS\\",\\"author\\":\\"${AUTHOR##*/}\\"}" > model.json
      - test "$(cat data.csv)" = "$(cat $CODEBUILD_SRC_DIR_source/data.csv)"
artifacts: {files: [model.json]}
"""


def statement(actions: list[str], *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def role(server: Server, name: str, service: str, *statements: Any) -> str:
    iam = server.client("iam", account=DEV)
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=service_trust(service))
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    return str(arn["Role"]["Arn"])


def bucket(server: Server, name: str) -> None:
    where = {"LocationConstraint": REGION}
    server.client("s3", account=DEV).create_bucket(Bucket=name, CreateBucketConfiguration=where)


def project(server: Server, name: str, spec: str, key: str) -> None:
    group = ARN.format("logs", f"log-group:/aws/codebuild/{name}")
    service_role = role(
        server,
        f"{name}-role",
        "codebuild.amazonaws.com",
        statement(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            group,
            f"{group}:*",
        ),
        statement(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::delivery-artefacts/*"),
        statement(["kms:Decrypt", "kms:GenerateDataKey"], key),
    )
    server.client("codebuild", account=DEV).create_project(
        name=name,
        source={"type": "CODEPIPELINE", "buildspec": spec},
        artifacts={"type": "CODEPIPELINE"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=service_role,
    )


@pytest.fixture(scope="module")
def delivery(cloud_server: Server) -> Server:
    """A repository, a rule on its branch, and the pipeline that the rule starts."""
    server = cloud_server
    codecommit = server.client("codecommit", account=DEV)
    codecommit.create_repository(repositoryName="delivery")
    bucket(server, "delivery-artefacts")
    bucket(server, "delivery-releases")
    key = server.client("kms", account=DEV).create_key()["KeyMetadata"]["Arn"]
    project(server, "delivery-test", TEST_SPEC, key)
    project(server, "delivery-train", TRAIN_SPEC, key)
    acting = role(
        server,
        "delivery-pipeline",
        "codepipeline.amazonaws.com",
        statement(
            ["codecommit:GetBranch", "codecommit:GetCommit", "codecommit:UploadArchive"],
            ARN.format("codecommit", "delivery"),
        ),
        statement(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::delivery-artefacts/*"),
        statement(["s3:PutObject"], "arn:aws:s3:::delivery-releases/*"),
        statement(["kms:Decrypt", "kms:GenerateDataKey"], key),
        statement(
            ["codebuild:StartBuild", "codebuild:BatchGetBuilds"],
            ARN.format("codebuild", "project/delivery-*"),
        ),
    )
    where = {
        "RepositoryName": "delivery",
        "BranchName": "main",
        "PollForSourceChanges": "false",
    }
    variables = [
        {"name": "ROWS", "value": "#{Tested.ROWS}"},
        {"name": "AUTHOR", "value": "#{variables.author}"},
    ]
    training = {
        "ProjectName": "delivery-train",
        "PrimarySource": "tested",
        "EnvironmentVariables": json.dumps(variables),
    }
    releasing = {
        "BucketName": "delivery-releases",
        "ObjectKey": "#{Source.CommitId}.zip",
        "Extract": "false",
    }
    server.client("codepipeline", account=DEV).create_pipeline(
        pipeline={
            "name": "delivery",
            "roleArn": acting,
            "pipelineType": "V2",
            "executionMode": "QUEUED",
            "artifactStore": {
                "type": "S3",
                "location": "delivery-artefacts",
                "encryptionKey": {"id": key, "type": "KMS"},
            },
            "variables": [{"name": "author"}],
            "stages": [
                stage(
                    "Source",
                    action(
                        "Source",
                        "Source",
                        "CodeCommit",
                        where,
                        outputs=["source"],
                        namespace="Source",
                    ),
                ),
                stage(
                    "Build",
                    action(
                        "Test",
                        "Test",
                        "CodeBuild",
                        {"ProjectName": "delivery-test"},
                        inputs=["source"],
                        outputs=["tested"],
                        namespace="Tested",
                        runOrder=1,
                    ),
                    action(
                        "Train",
                        "Build",
                        "CodeBuild",
                        training,
                        inputs=["tested", "source"],
                        outputs=["model"],
                        runOrder=2,
                    ),
                ),
                stage("Approve", action("Approve", "Approval", "Manual", {})),
                stage("Release", action("Release", "Deploy", "S3", releasing, inputs=["model"])),
            ],
        }
    )
    events = server.client("events", account=DEV)
    pattern = {
        "source": ["aws.codecommit"],
        "resources": [ARN.format("codecommit", "delivery")],
        "detail": {"referenceType": ["branch"], "referenceName": ["main"]},
    }
    events.put_rule(Name="delivery", EventPattern=json.dumps(pattern))
    pipeline_arn = ARN.format("codepipeline", "delivery")
    starting = statement(["codepipeline:StartPipelineExecution"], pipeline_arn)
    revision = {"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": "<commit>"}
    started = {
        "sourceRevisions": [revision],
        "variables": [{"name": "author", "value": "<who>"}],
    }
    events.put_targets(
        Rule="delivery",
        Targets=[
            {
                "Id": "pipeline",
                "Arn": pipeline_arn,
                "RoleArn": role(server, "delivery-rule", "events.amazonaws.com", starting),
                "InputTransformer": {
                    "InputPathsMap": {
                        "who": "$.detail.callerUserArn",
                        "commit": "$.detail.commitId",
                    },
                    "InputTemplate": json.dumps(started),
                },
            }
        ],
    )
    return server


def test_a_push_is_tested_trained_approved_and_released(delivery: Server, tmp_path: Path) -> None:
    keys = role_keys(delivery, "delivery-author", allow("codecommit:GitPush", "codecommit:GitPull"))
    (tmp_path / "data.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    git(tmp_path, "init", "--initial-branch=main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "--message", "first")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    url = delivery.client("codecommit", account=DEV).get_repository(repositoryName="delivery")
    client = delivery.client("codepipeline", account=DEV)

    git(tmp_path, "push", url["repositoryMetadata"]["cloneUrlHttp"], "main", **keys)

    def actions() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.list_action_executions(pipelineName="delivery")[
            "actionExecutionDetails"
        ]
        return found

    def said() -> Any:
        return [(item["actionName"], item["output"]["executionResult"]) for item in actions()]

    def state() -> dict[str, Any]:
        stages = client.get_pipeline_state(name="delivery")["stageStates"]
        found: dict[str, Any] = stages[2]["actionStates"][0].get("latestExecution", {})
        return found

    eventually(state, lambda latest: "token" in latest)
    client.put_approval_result(
        pipelineName="delivery",
        stageName="Approve",
        actionName="Approve",
        result={"summary": "good", "status": "Approved"},
        token=state()["token"],
    )

    def summary() -> dict[str, Any]:
        found: dict[str, Any] = client.list_pipeline_executions(pipelineName="delivery")[
            "pipelineExecutionSummaries"
        ][0]
        return found

    eventually(summary, lambda latest: latest["status"] != "InProgress")
    assert summary()["status"] == "Succeeded", said()
    assert summary()["sourceRevisions"][0]["revisionId"] == commit
    released = delivery.client("s3", account=DEV).get_object(
        Bucket="delivery-releases", Key=f"{commit}.zip"
    )
    model = json.loads(unzipped(released["Body"].read())["model.json"])
    assert model == {"rows": "2", "author": "ana"}
    test = next(item for item in actions() if item["actionName"] == "Test")
    build_id = test["output"]["executionResult"]["externalExecutionId"]
    log = delivery.client("logs", account=DEV).get_log_events(
        logGroupName="/aws/codebuild/delivery-test", logStreamName=build_id.split(":")[1]
    )["events"]
    acted_as = f"assumed-role/delivery-test-role/AWSCodeBuild-{build_id.split(':')[1]}"
    assert any(acted_as in event["message"] for event in log)


def test_a_commit_that_is_pushed_away_stays_what_its_execution_works_on(
    delivery: Server, tmp_path: Path
) -> None:
    keys = role_keys(delivery, "rewriting-author", allow("codecommit:GitPush"))
    url = delivery.client("codecommit", account=DEV).get_repository(repositoryName="delivery")
    client = delivery.client("codepipeline", account=DEV)
    commits = []
    git(tmp_path, "init", "--initial-branch=main")
    for rows in ("1,2", "3,4"):
        (tmp_path / "data.csv").write_text(f"a,b\n{rows}\n", encoding="utf-8")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "--message", rows, *(["--amend"] if commits else []))
        commits.append(git(tmp_path, "rev-parse", "HEAD").strip())
        git(tmp_path, "push", "--force", url["repositoryMetadata"]["cloneUrlHttp"], "main", **keys)

    def tested() -> dict[str, str]:
        """Return how the tests of each commit went."""
        found = client.list_pipeline_executions(pipelineName="delivery")
        return {
            item["sourceRevisions"][0]["revisionId"]: action_of(item)["status"]
            for item in found["pipelineExecutionSummaries"]
            if item.get("sourceRevisions")
        }

    def action_of(item: dict[str, Any]) -> dict[str, Any]:
        details = client.list_action_executions(
            pipelineName="delivery",
            filter={"pipelineExecutionId": item["pipelineExecutionId"]},
        )["actionExecutionDetails"]
        return next((it for it in details if it["actionName"] == "Test"), {"status": ""})

    found = eventually(
        tested, lambda found: all(found.get(it) not in (None, "", "InProgress") for it in commits)
    )
    assert [found[commit] for commit in commits] == ["Succeeded", "Succeeded"]


def test_a_commit_that_is_gone_ends_its_execution_with_a_reason(delivery: Server) -> None:
    client = delivery.client("codepipeline", account=DEV)
    gone = {
        "actionName": "Source",
        "revisionType": "COMMIT_ID",
        "revisionValue": "0" * 39 + "1",
    }

    started = client.start_pipeline_execution(
        name="delivery",
        sourceRevisions=[gone],
        variables=[{"name": "author", "value": "ana"}],
    )["pipelineExecutionId"]

    def execution() -> dict[str, Any]:
        found: dict[str, Any] = client.get_pipeline_execution(
            pipelineName="delivery", pipelineExecutionId=started
        )["pipelineExecution"]
        return found

    eventually(execution, lambda found: found["status"] != "InProgress")
    assert execution()["status"] == "Failed"
    (source,) = client.list_action_executions(
        pipelineName="delivery", filter={"pipelineExecutionId": started}
    )["actionExecutionDetails"]
    message = source["output"]["executionResult"]["errorDetails"]["message"]
    assert "0" * 39 + "1" in message
