"""Events on their way: from a bus through rules to targets, if the policies let them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.compute.conftest import (
    DEV,
    REGION,
    Functions,
    Queue,
    again,
    make_queue,
)
from tests.cloud.compute.rules import EVENTS, errors, make_rule, put
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.operations import OPERATIONS, Call, Registered
from mlzone_cloud.state import Keeper


def test_an_event_arrives_whole(cloud: Cloud) -> None:
    queue = make_queue(cloud)
    make_rule(cloud, {"Arn": queue.arn})

    answer = put(cloud, Resources=["x"])

    (event,) = queue.wait()
    assert list(event) == [
        *("version", "id", "detail-type", "source", "account"),
        *("time", "region", "resources", "detail"),
    ]
    assert event["id"] == answer["EventId"]
    assert (event["account"], event["region"], event["resources"]) == (DEV, REGION, ["x"])
    assert event["time"] == cloud.clock.now().strftime("%Y-%m-%dT%H:%M:") + event["time"][-3:]
    assert event["detail"] == {"a": 1}


def test_an_event_arrives_once_and_only_where_it_is_wanted(cloud: Cloud) -> None:
    queue = make_queue(cloud)
    make_rule(cloud, {"Arn": queue.arn})

    put(cloud, Source="theirs")
    put(cloud)

    assert [event["source"] for event in queue.wait()] == ["ours"]
    eventually(lambda: not cloud.background)
    assert queue.bodies() == []


def test_a_disabled_rule_sends_nothing(cloud: Cloud) -> None:
    queue = make_queue(cloud)
    make_rule(cloud, {"Arn": queue.arn})
    cloud.client("events", account=DEV).disable_rule(Name="r")

    put(cloud)

    eventually(lambda: not cloud.background)
    assert queue.bodies() == []


def test_the_events_of_services_are_theirs_alone(cloud: Cloud) -> None:
    from tests.cloud.core.acting import root  # noqa: PLC0415

    entry = {"Source": "aws.sagemaker", "DetailType": "x", "Detail": "{}"}

    answer = root(cloud, DEV, "events").put_events(Entries=[entry])

    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSource"


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Source": ""}, "InvalidArgument"),
        ({"Detail": "{"}, "MalformedDetail"),
        ({"Detail": "[]"}, "MalformedDetail"),
    ],
)
def test_an_entry_that_is_no_event_fails_alone(cloud: Cloud, entry: Any, code: str) -> None:
    assert put(cloud, **entry)["ErrorCode"] == code


@pytest.mark.parametrize(
    "arguments",
    [
        {"EventPattern": '{"source": "ours"}'},
        {"ScheduleExpression": "rate(1 minutes)"},
        {"ScheduleExpression": "at(2030-01-01T00:00:00)"},
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(cloud: Cloud, arguments: Any) -> None:
    with pytest.raises(ClientError, match="not valid"):
        cloud.client("events", account=DEV).put_rule(Name="r", **arguments)


def test_a_pattern_can_be_tried_out(cloud: Cloud) -> None:
    event = {"source": "ours", "detail": {}}

    answer = cloud.client("events", account=DEV).test_event_pattern(
        EventPattern='{"source": [{"prefix": "our"}]}', Event=json.dumps(event)
    )

    assert answer["Result"] is True


def test_a_queue_whose_policy_does_not_let_events_in_gets_none(cloud: Cloud) -> None:
    queue = make_queue(cloud)
    cloud.client("sqs", account=DEV).set_queue_attributes(
        QueueUrl=queue.url, Attributes={"Policy": ""}
    )
    make_rule(cloud, {"Arn": queue.arn})

    put(cloud)

    eventually(lambda: "not authorized to perform sqs:SendMessage" in errors(cloud))
    assert queue.bodies() == []
    assert cloud.denials[-1]["action"] == "sqs:SendMessage"


def test_a_function_is_invoked_if_its_policy_lets_the_rule(functions: Functions) -> None:
    cloud = functions.cloud
    arn = functions.make("def handler(event, context): print('got', event['detail'])")
    rule = make_rule(cloud, {"Arn": arn})
    put(cloud)
    eventually(lambda: "not authorized to perform lambda:InvokeFunction" in errors(cloud))

    functions.client.add_permission(
        FunctionName="f",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal=EVENTS,
        SourceArn=rule,
    )
    put(cloud)

    assert "got {'a': 1}" in functions.heard("got {'a': 1}")


def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue(cloud: Cloud) -> None:
    letters = make_queue(cloud, "letters")
    nobody = f"arn:aws:sqs:{REGION}:{DEV}:nobody"
    rule = make_rule(cloud, {"Arn": nobody, "DeadLetterConfig": {"Arn": letters.arn}})

    put(cloud)

    (event,) = letters.wait()
    assert event["detail"] == {"a": 1}
    del rule


def test_delivery_is_tried_again_also_after_a_restart(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlzone_cloud.errors import ApiError  # noqa: PLC0415

    Keeper(cloud).start()
    queue = make_queue(cloud)
    make_rule(cloud, {"Arn": queue.arn})

    def busy(_: Call) -> dict[str, Any]:
        raise ApiError("RequestThrottled", "Rate exceeded")

    with monkeypatch.context() as patch:
        patch.setitem(OPERATIONS, ("sqs", "SendMessage"), Registered(busy, exclusive=False))
        put(cloud)
        eventually(
            lambda: [item for item in cloud.store("events.deliveries").values() if item["attempts"]]
        )
        eventually(lambda: not cloud.background)

    fresh = again(cloud)
    fresh.advance(timedelta(seconds=5))

    assert Queue(fresh, queue.url, queue.arn).wait()[0]["detail"] == {"a": 1}
    fresh.stop()
