"""Topics and queues: who is told, and who may be."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.cloud.compute.conftest import (
    DEV,
    PROD,
    Functions,
    make_queue,
)
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.control import control

RECEIVE = {
    "Effect": "Allow",
    "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    "Resource": "*",
}


def make_topic(cloud: Cloud) -> str:
    arn: str = cloud.client("sns", account=DEV).create_topic(Name="t")["TopicArn"]
    return arn


def subscribe(cloud: Cloud, protocol: str, endpoint: str, **attributes: str) -> str:
    topic = make_topic(cloud)
    cloud.client("sns", account=DEV).subscribe(
        TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=attributes
    )
    return topic


def publish(cloud: Cloud, message: str, **more: Any) -> None:
    topic = make_topic(cloud)
    cloud.client("sns", account=DEV).publish(TopicArn=topic, Message=message, **more)


def errors(cloud: Cloud) -> str:
    return " ".join(cloud.statistics.errors)


def test_a_queue_is_sent_messages_in_an_envelope(cloud: Cloud) -> None:
    queue = make_queue(cloud)
    topic = subscribe(cloud, "sqs", queue.arn)

    publish(cloud, "hello", Subject="greeting")

    (envelope,) = queue.wait()
    assert (envelope["Type"], envelope["TopicArn"]) == ("Notification", topic)
    assert (envelope["Message"], envelope["Subject"]) == ("hello", "greeting")


def test_raw_messages_come_as_they_are(cloud: Cloud) -> None:
    queue = make_queue(cloud)
    subscribe(cloud, "sqs", queue.arn, RawMessageDelivery="true")

    publish(cloud, '"hello"')

    assert queue.wait() == ["hello"]


def test_a_queue_of_another_account_is_reached(cloud: Cloud) -> None:
    queue = make_queue(cloud, account=PROD)
    subscribe(cloud, "sqs", queue.arn)

    publish(cloud, "hello")

    assert queue.wait()[0]["Message"] == "hello"


def test_a_queue_whose_policy_does_not_let_topics_in_gets_nothing(cloud: Cloud) -> None:
    queue, letters = make_queue(cloud), make_queue(cloud, "letters")
    cloud.client("sqs", account=DEV).set_queue_attributes(
        QueueUrl=queue.url, Attributes={"Policy": ""}
    )
    redrive = json.dumps({"deadLetterTargetArn": letters.arn})
    subscribe(cloud, "sqs", queue.arn, RedrivePolicy=redrive)

    publish(cloud, "hello")

    assert letters.wait()[0]["Message"] == "hello"
    assert "not authorized to perform sqs:SendMessage" in errors(cloud)


@pytest.mark.parametrize(
    ("scope", "arguments"),
    [
        (
            "MessageAttributes",
            {"MessageAttributes": {"kind": {"DataType": "String", "StringValue": "drift"}}},
        ),
        ("MessageBody", {"Message": '{"kind": "drift"}'}),
    ],
)
def test_a_filter_lets_only_some_messages_through(
    cloud: Cloud, scope: str, arguments: dict[str, Any]
) -> None:
    queue = make_queue(cloud)
    subscribe(cloud, "sqs", queue.arn, FilterPolicy='{"kind": ["drift"]}', FilterPolicyScope=scope)

    publish(cloud, '{"kind": "other"}')
    publish(cloud, **{"message": "{}", **_lower(arguments)})

    eventually(lambda: not cloud.background)
    assert len(queue.bodies()) == 1


def _lower(arguments: dict[str, Any]) -> dict[str, Any]:
    return {("message" if key == "Message" else key): item for key, item in arguments.items()}


def test_mail_lands_in_the_outbox(served_outbox: Any, cloud: Cloud) -> None:
    subscribe(cloud, "email", "owner@example.com")

    publish(cloud, "the model drifts", Subject="drift")

    (mail,) = eventually(served_outbox)
    assert (mail["to"], mail["subject"]) == ("owner@example.com", "drift")
    assert mail["message"] == "the model drifts"


@pytest.fixture
def served_outbox(cloud: Cloud) -> Any:
    """Reads the outbox over the control interface."""
    handle = control(cloud)

    def read() -> list[dict[str, Any]]:
        _, _, body = handle({"REQUEST_METHOD": "GET", "PATH_INFO": "/_cloud/outbox"})
        messages: list[dict[str, Any]] = json.loads(body)["messages"]
        return messages

    return read


def test_a_function_is_told_if_its_policy_lets_the_topic(functions: Functions) -> None:
    cloud = functions.cloud
    arn = functions.make("def handler(e, c): print('got', e['Records'][0]['Sns']['Message'])")
    topic = subscribe(cloud, "lambda", arn)
    publish(cloud, "first")
    eventually(lambda: "not authorized to perform lambda:InvokeFunction" in errors(cloud))
    functions.client.add_permission(
        FunctionName="f",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )

    publish(cloud, "second")

    assert "got first" not in functions.heard("got second")


# --- queues to functions ------------------------------------------------------------------------

READER = """
    import json

    def handler(event, context):
        failed = []
        for record in event["Records"]:
            body = json.loads(record["body"])
            print("got", body["n"], record["eventSourceARN"])
            if body.get("bad"):
                failed.append({"itemIdentifier": record["messageId"]})
        if failed and event["Records"][0].get("raise"):
            raise RuntimeError("bad")
        return {"batchItemFailures": failed}
"""


def send(cloud: Cloud, url: str, **body: Any) -> None:
    cloud.client("sqs", account=DEV).send_message(QueueUrl=url, MessageBody=json.dumps(body))


def left(cloud: Cloud, url: str) -> int:
    found = cloud.client("sqs", account=DEV).get_queue_attributes(
        QueueUrl=url, AttributeNames=["All"]
    )["Attributes"]
    return int(found["ApproximateNumberOfMessages"]) + int(
        found["ApproximateNumberOfMessagesNotVisible"]
    )


def test_a_function_reads_a_queue(functions: Functions) -> None:
    cloud = functions.cloud
    queue = make_queue(cloud)
    functions.make(READER, RECEIVE)
    functions.client.create_event_source_mapping(EventSourceArn=queue.arn, FunctionName="f")

    for number in range(3):
        send(cloud, queue.url, n=number)

    eventually(lambda: left(cloud, queue.url) == 0, cloud=cloud)
    assert {line for line in functions.log() if line.startswith("got")} == {
        f"got {number} {queue.arn}" for number in range(3)
    }


def test_what_fails_comes_again_when_it_is_visible(functions: Functions) -> None:
    cloud = functions.cloud
    letters = make_queue(cloud, "letters")
    redrive = json.dumps({"deadLetterTargetArn": letters.arn, "maxReceiveCount": 1})
    queue = make_queue(cloud, VisibilityTimeout="60", RedrivePolicy=redrive)
    functions.make(READER, RECEIVE)
    functions.client.create_event_source_mapping(
        EventSourceArn=queue.arn,
        FunctionName="f",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )

    send(cloud, queue.url, n=1, bad=True)
    send(cloud, queue.url, n=2)
    eventually(lambda: left(cloud, queue.url) == 1, cloud=cloud)
    cloud.advance(timedelta(seconds=61))

    assert letters.wait() == [{"n": 1, "bad": True}]


def test_a_filter_drops_what_the_function_does_not_want(functions: Functions) -> None:
    cloud = functions.cloud
    queue = make_queue(cloud)
    functions.make(READER, RECEIVE)
    wanted = json.dumps({"body": {"n": [{"numeric": [">", 5]}]}})
    functions.client.create_event_source_mapping(
        EventSourceArn=queue.arn,
        FunctionName="f",
        FilterCriteria={"Filters": [{"Pattern": wanted}]},
    )

    send(cloud, queue.url, n=1)
    send(cloud, queue.url, n=9)

    eventually(lambda: left(cloud, queue.url) == 0, cloud=cloud)
    assert [line for line in functions.log() if line.startswith("got")] == [f"got 9 {queue.arn}"]


def test_a_role_that_may_not_read_the_queue_reads_nothing(functions: Functions) -> None:
    cloud = functions.cloud
    queue = make_queue(cloud)
    functions.make(READER)
    functions.client.create_event_source_mapping(EventSourceArn=queue.arn, FunctionName="f")

    send(cloud, queue.url, n=1)

    eventually(lambda: "sqs:ReceiveMessage" in errors(cloud))
    assert left(cloud, queue.url) == 1


def test_a_function_reads_the_log_of_others(functions: Functions) -> None:
    cloud = functions.cloud
    code = """
        import base64, gzip, json

        def handler(event, context):
            data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
            print("read", data["logEvents"][0]["message"])
    """
    arn = functions.make(code)
    logs = cloud.client("logs", account=DEV)
    logs.create_log_group(logGroupName="/other")
    logs.create_log_stream(logGroupName="/other", logStreamName="s")
    logs.put_subscription_filter(
        logGroupName="/other", filterName="all", filterPattern="", destinationArn=arn
    )

    stamp = int(cloud.clock.now().timestamp() * 1000)
    logs.put_log_events(
        logGroupName="/other",
        logStreamName="s",
        logEvents=[{"timestamp": stamp, "message": "a line"}],
    )

    assert "read a line" in functions.heard("read a line")
