"""Actions beside builds: functions, notifications, deployments; and what EventBridge hears."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.cloud.code.conftest import (
    DEV,
    REGION,
    CodePipeline,
    action,
    approval,
    make_role,
    s3_source,
    service_trust,
    stage,
    statement,
    unzipped,
    zipped,
)
from tests.cloud.core.acting import policy
from tests.cloud.waiting import eventually

FUNCTION = """
def handler(event, context):
    job = event["CodePipeline.job"]
    given = job["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    print("job", job["id"], given)
"""


@pytest.fixture
def role(codepipeline: CodePipeline) -> str:
    allowed = ["s3:*", "lambda:InvokeFunction", "sns:Publish"]
    return codepipeline.role("pipe-role", statement("Allow", allowed))


def invoke(**more: Any) -> dict[str, Any]:
    given = {"FunctionName": "checker", "UserParameters": "#{Source.ObjectKey}"}
    return stage("Check", action("Check", "Invoke", "Lambda", given, inputs=["src"], **more))


def make_function(codepipeline: CodePipeline) -> None:
    logging = statement(
        "Allow", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    )
    trusts = service_trust("lambda.amazonaws.com")
    role = make_role(codepipeline.cloud, DEV, "function", logging, trusts=trusts)
    codepipeline.client("lambda").create_function(
        FunctionName="checker",
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": zipped(index__py=FUNCTION)},
    )


def job_of(codepipeline: CodePipeline) -> str:
    """Return the id of the job that the function was given, from its log."""
    logs = codepipeline.client("logs")

    def printed() -> list[str]:
        if not logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/checker")["logGroups"]:
            return []
        events = logs.filter_log_events(logGroupName="/aws/lambda/checker")["events"]
        return [line["message"] for line in events if line["message"].startswith("job ")]

    codepipeline.until(printed)
    return printed()[0].split()[1]


def test_a_function_reports_how_its_job_went(codepipeline: CodePipeline, role: str) -> None:
    make_function(codepipeline)
    stages = [s3_source(namespace="Source"), invoke(namespace="Checked")]
    execution = codepipeline.create(*stages, role=role)

    codepipeline.client().put_job_success_result(
        jobId=job_of(codepipeline), outputVariables={"verdict": "good"}
    )

    assert codepipeline.wait(execution) == "Succeeded"
    checked = codepipeline.actions(execution)["Check"]
    assert checked["output"]["outputVariables"] == {"verdict": "good"}
    assert checked["input"]["resolvedConfiguration"]["UserParameters"] == "source.zip"


def test_a_function_that_reports_a_failure_fails_the_action(
    codepipeline: CodePipeline, role: str
) -> None:
    make_function(codepipeline)
    execution = codepipeline.create(s3_source(namespace="Source"), invoke(), role=role)

    codepipeline.client().put_job_failure_result(
        jobId=job_of(codepipeline), failureDetails={"type": "JobFailed", "message": "not good"}
    )

    assert codepipeline.wait(execution) == "Failed"
    assert codepipeline.error(execution, "Check") == {"code": "JobFailed", "message": "not good"}


def test_a_function_that_never_reports_fails_the_action_after_an_hour(
    codepipeline: CodePipeline, role: str
) -> None:
    make_function(codepipeline)
    execution = codepipeline.create(s3_source(namespace="Source"), invoke(), role=role)
    job_of(codepipeline)

    codepipeline.cloud.advance(timedelta(minutes=61))

    assert codepipeline.wait(execution) == "Failed"


def test_approvers_are_told_through_the_topic(codepipeline: CodePipeline, role: str) -> None:
    topic = codepipeline.client("sns").create_topic(Name="approvals")["TopicArn"]
    queue = subscribed_queue(codepipeline, topic)

    codepipeline.create(
        s3_source(namespace="Source"),
        approval(
            NotificationArn=topic,
            CustomData="release #{Source.VersionId}",
            ExternalEntityLink="https://example.com/card",
        ),
        role=role,
    )

    message = json.loads(receive(codepipeline, queue)["Message"])["approval"]
    revision = codepipeline.executions()[0]["sourceRevisions"][0]["revisionId"]
    assert message["token"] == codepipeline.state("Approve")["token"]
    assert message["customData"] == f"release {revision}"
    assert message["externalEntityLink"] == "https://example.com/card"


def subscribed_queue(codepipeline: CodePipeline, topic: str) -> str:
    sqs = codepipeline.client("sqs")
    arn = f"arn:aws:sqs:{REGION}:{DEV}:seen"
    sender = {"Service": "sns.amazonaws.com"}
    allowed = statement("Allow", "sqs:SendMessage", arn, Principal=sender)
    attributes = {"Policy": policy(allowed)}
    queue: str = sqs.create_queue(QueueName="seen", Attributes=attributes)["QueueUrl"]
    codepipeline.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queue


def receive(codepipeline: CodePipeline, queue: str) -> dict[str, Any]:
    sqs = codepipeline.client("sqs")
    (message,) = eventually(
        lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), cloud=codepipeline.cloud
    )
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    body: dict[str, Any] = json.loads(message["Body"])
    return body


def test_files_are_deployed_into_a_bucket(codepipeline: CodePipeline, role: str) -> None:
    codepipeline.bucket("site")
    whole = {"BucketName": "site", "ObjectKey": "all.zip", "Extract": "false"}
    files = {"BucketName": "site", "ObjectKey": "v1", "Extract": "true"}
    execution = codepipeline.create(
        s3_source(),
        stage(
            "Deploy",
            action("Whole", "Deploy", "S3", whole, inputs=["src"]),
            action("Files", "Deploy", "S3", files, inputs=["src"]),
        ),
        role=role,
    )

    assert codepipeline.wait(execution) == "Succeeded"
    s3 = codepipeline.client("s3")
    body = s3.get_object(Bucket="site", Key="all.zip")["Body"].read()
    assert unzipped(body) == {"in.txt": "abc"}
    assert s3.get_object(Bucket="site", Key="v1/in.txt")["Body"].read() == b"abc"


def test_every_change_of_state_is_announced(codepipeline: CodePipeline, role: str) -> None:
    heard: list[tuple[str, str]] = []
    for kind in ("Pipeline", "Stage", "Action"):
        codepipeline.cloud.listen(
            f"CodePipeline {kind} Execution State Change",
            lambda *about, kind=kind: heard.append((kind, about[2]["state"])),
        )

    execution = codepipeline.create(s3_source(), approval(), role=role)
    codepipeline.decide("Rejected")
    codepipeline.wait(execution)

    assert heard == [
        ("Pipeline", "STARTED"),
        ("Stage", "STARTED"),
        ("Action", "STARTED"),
        ("Action", "SUCCEEDED"),
        ("Stage", "SUCCEEDED"),
        ("Stage", "STARTED"),
        ("Action", "STARTED"),
        ("Action", "FAILED"),
        ("Stage", "FAILED"),
        ("Pipeline", "FAILED"),
    ]


def test_a_source_revision_can_be_chosen(codepipeline: CodePipeline, role: str) -> None:
    s3 = codepipeline.client("s3")
    old = s3.head_object(Bucket="sources", Key="source.zip")["VersionId"]
    s3.put_object(Bucket="sources", Key="source.zip", Body=zipped(in__txt="newer"))
    codepipeline.create(s3_source(), approval(), role=role)

    codepipeline.client().start_pipeline_execution(
        name="pipe",
        sourceRevisions=[
            {
                "actionName": "Source",
                "revisionType": "S3_OBJECT_VERSION_ID",
                "revisionValue": old,
            }
        ],
    )

    codepipeline.until(lambda: codepipeline.executions()[0]["sourceRevisions"])
    assert codepipeline.executions()[0]["sourceRevisions"][0]["revisionId"] == old


def test_a_bucket_without_versions_is_no_source(codepipeline: CodePipeline, role: str) -> None:
    codepipeline.client("s3").put_bucket_versioning(
        Bucket="sources", VersioningConfiguration={"Status": "Suspended"}
    )

    execution = codepipeline.create(s3_source(), approval(), role=role)

    assert codepipeline.wait(execution) == "Failed"
    assert "Versioning is not enabled" in codepipeline.error(execution, "Source")["message"]


def test_an_object_that_is_not_there_yet_fails_the_source(
    codepipeline: CodePipeline, role: str
) -> None:
    codepipeline.client("s3").delete_object(Bucket="sources", Key="source.zip")

    execution = codepipeline.create(s3_source(), approval(), role=role)

    assert codepipeline.wait(execution) == "Failed"
    assert codepipeline.error(execution, "Source")["message"] == (
        "The object source.zip does not exist in the S3 bucket sources"
    )


def test_an_action_that_is_not_emulated_is_counted_and_fails_when_it_is_reached(
    codepipeline: CodePipeline, role: str
) -> None:
    stacks = action("Stacks", "Deploy", "CloudFormation", {}, inputs=["src"])

    execution = codepipeline.create(s3_source(), stage("Deploy", stacks), role=role)

    assert codepipeline.wait(execution) == "Failed"
    assert codepipeline.error(execution, "Stacks")["code"] == "NotImplemented"
    assert "Deploy actions of CloudFormation in pipelines" in codepipeline.cloud.statistics.gaps


def test_a_variable_that_nobody_sets_fails_its_action(
    codepipeline: CodePipeline, role: str
) -> None:
    execution = codepipeline.create(s3_source(), approval(CustomData="#{Nobody.said}"), role=role)

    assert codepipeline.wait(execution) == "Failed"
    assert (
        "#{Nobody.said} could not be resolved"
        in codepipeline.error(execution, "Approve")["message"]
    )
