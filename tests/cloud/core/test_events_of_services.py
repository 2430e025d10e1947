"""Events that AWS services put on the default bus."""

import json
from typing import Any

from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud

DEV, REGION = "111111111111", "sa-east-1"


def received(cloud: Cloud, queue: str) -> dict[str, Any]:
    """Wait for a message."""
    sqs = cloud.client("sqs", account=DEV)
    messages = eventually(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), cloud=cloud)
    body: dict[str, Any] = json.loads(messages[0]["Body"])
    return body


def test_a_commit_is_announced_with_who_made_it(cloud: Cloud) -> None:
    sqs = cloud.client("sqs", account=DEV)
    queue = sqs.create_queue(QueueName="seen")["QueueUrl"]
    events = cloud.client("events", account=DEV)
    pattern = {"source": ["aws.codecommit"], "detail": {"referenceName": ["main"]}}
    events.put_rule(Name="commits", EventPattern=json.dumps(pattern))
    arn = f"arn:aws:sqs:{REGION}:{DEV}:seen"
    sqs.set_queue_attributes(
        QueueUrl=queue,
        Attributes={
            "Policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": arn,
                        }
                    ],
                }
            )
        },
    )
    events.put_targets(Rule="commits", Targets=[{"Id": "1", "Arn": arn}])
    codecommit = cloud.client("codecommit", account=DEV)
    codecommit.create_repository(repositoryName="project")

    commit = codecommit.create_commit(
        repositoryName="project",
        branchName="main",
        putFiles=[{"filePath": "a.txt", "fileContent": b"a"}],
    )["commitId"]

    event = received(cloud, queue)
    assert event["detail-type"] == "CodeCommit Repository State Change"
    assert event["detail"]["event"] == "referenceCreated"
    assert event["detail"]["commitId"] == commit
    assert event["detail"]["callerUserArn"].endswith(":root")
