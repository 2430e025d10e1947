"""Events on their way: from a bus through rules to targets, if the policies let them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.compute.conftest import (
    DEV,
    PROD,
    REGION,
    SHARED,
    Functions,
    Queue,
    again,
    make_queue,
    service_role,
)
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.operations import OPERATIONS, Call, Registered
from mlzone_cloud.state import Keeper

EVENTS = "events.amazonaws.com"


def bus(account: str, name: str = "default", region: str = REGION) -> str:
    return f"arn:aws:events:{region}:{account}:event-bus/{name}"


def make_rule(
    cloud: Cloud,
    target: dict[str, Any],
    pattern: Any = None,
    account: str = DEV,
    bus_name: str = "default",
    region: str = REGION,
) -> str:
    events = cloud.client("events", account=account, region=region)
    arn: str = events.put_rule(
        Name="r",
        EventPattern=json.dumps(pattern or {"source": ["ours"]}),
        EventBusName=bus_name,
    )["RuleArn"]
    events.put_targets(Rule="r", EventBusName=bus_name, Targets=[{"Id": "1", **target}])
    return arn


def put(cloud: Cloud, account: str = DEV, region: str = REGION, **more: Any) -> Any:
    entry = {"Source": "ours", "DetailType": "Test", "Detail": '{"a": 1}', **more}
    events = cloud.client("events", account=account, region=region)
    return events.put_events(Entries=[entry])["Entries"][0]


def errors(cloud: Cloud) -> str:
    return " ".join(cloud.statistics.errors)


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


# --- permission ---------------------------------------------------------------------------------


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


# --- other buses --------------------------------------------------------------------------------


def allow(cloud: Cloud, account: str, principal: str, name: str = "default") -> None:
    cloud.client("events", account=account).put_permission(
        EventBusName=name,
        StatementId=f"from-{principal}",
        Principal=principal,
        Action="events:PutEvents",
    )


def bus_role(cloud: Cloud, account: str, target: str) -> str:
    statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": target}
    return service_role(cloud, account, "to-bus", EVENTS, statement)


def test_an_event_crosses_accounts_and_keeps_its_own(cloud: Cloud) -> None:
    queue = make_queue(cloud, account=PROD)
    role = bus_role(cloud, SHARED, bus(PROD))
    allow(cloud, PROD, SHARED)
    make_rule(cloud, {"Arn": bus(PROD), "RoleArn": role}, account=SHARED)
    make_rule(cloud, {"Arn": queue.arn}, account=PROD)

    put(cloud, account=SHARED)

    (event,) = queue.wait()
    assert event["account"] == SHARED
    assert not errors(cloud)


def test_an_event_crosses_regions(cloud: Cloud) -> None:
    queue = make_queue(cloud)
    role = bus_role(cloud, DEV, bus(DEV))
    make_rule(cloud, {"Arn": bus(DEV), "RoleArn": role}, region="us-east-1")
    make_rule(cloud, {"Arn": queue.arn})

    put(cloud, region="us-east-1")

    assert queue.wait()[0]["region"] == "us-east-1"


@pytest.mark.parametrize("missing", ["the role's right", "the bus's policy"])
def test_an_event_crosses_accounts_only_if_both_sides_agree(cloud: Cloud, missing: str) -> None:
    role = bus_role(cloud, SHARED, bus(PROD) if missing == "the bus's policy" else bus(DEV))
    if missing == "the role's right":
        allow(cloud, PROD, SHARED)
    make_rule(cloud, {"Arn": bus(PROD), "RoleArn": role}, account=SHARED)

    put(cloud, account=SHARED)

    eventually(lambda: "is not authorized to perform: events:PutEvents" in errors(cloud))


def test_an_event_of_another_account_is_not_sent_on_to_a_third_one(cloud: Cloud) -> None:
    queue = make_queue(cloud, account=PROD)
    role = bus_role(cloud, DEV, bus(SHARED))
    allow(cloud, SHARED, DEV)
    make_rule(cloud, {"Arn": bus(SHARED), "RoleArn": role}, account=DEV)
    onward = bus_role(cloud, SHARED, bus(PROD))
    allow(cloud, PROD, SHARED)
    make_rule(cloud, {"Arn": bus(PROD), "RoleArn": onward}, account=SHARED)
    make_rule(cloud, {"Arn": queue.arn}, account=PROD)

    put(cloud, account=DEV)

    eventually(lambda: f"received from account {DEV} are not sent on to a third" in errors(cloud))
    put(cloud, account=SHARED)
    assert [event["account"] for event in queue.wait()] == [SHARED]


def test_events_are_put_onto_the_bus_of_another_account(cloud: Cloud) -> None:
    from tests.cloud.core.acting import assume, client_with, make_role, statement  # noqa: PLC0415

    cloud.client("events", account=SHARED).create_event_bus(Name="platform")
    queue = make_queue(cloud, account=SHARED)
    make_rule(cloud, {"Arn": queue.arn}, account=SHARED, bus_name="platform")
    role = make_role(
        cloud, DEV, "emitter", statement("Allow", "events:PutEvents", bus(SHARED, "platform"))
    )
    client = client_with(cloud, "events", assume(cloud, role))
    entry = {
        "Source": "ours",
        "DetailType": "Test",
        "Detail": "{}",
        "EventBusName": bus(SHARED, "platform"),
    }
    with pytest.raises(ClientError, match="not authorized"):
        client.put_events(Entries=[entry])

    allow(cloud, SHARED, DEV, "platform")
    client.put_events(Entries=[entry])

    assert queue.wait()[0]["account"] == DEV


def test_statements_for_the_same_principal_stand_beside_each_other(cloud: Cloud) -> None:
    events = cloud.client("events", account=DEV)
    for kind in ("A", "B"):
        statement = {
            "Sid": kind,
            "Effect": "Allow",
            "Principal": "*",
            "Action": "events:PutEvents",
            "Resource": bus(DEV),
            "Condition": {"StringEquals": {"events:detail-type": kind}},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        events.put_permission(Policy=json.dumps(policy))

    policy = json.loads(events.describe_event_bus()["Policy"])

    assert [statement["Sid"] for statement in policy["Statement"]] == ["A", "B"]


def test_events_that_go_round_in_circles_end(cloud: Cloud) -> None:
    role = bus_role(cloud, DEV, bus(DEV))
    make_rule(cloud, {"Arn": bus(DEV), "RoleArn": role})

    put(cloud)

    eventually(lambda: "a loop" in errors(cloud))


# --- further targets ----------------------------------------------------------------------------


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], list[dict[str, Any]]]:
    """Stands in for operations that other parts of the cloud own; returns what they were asked."""

    def record(service: str, name: str) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        def implementation(call: Call) -> dict[str, Any]:
            asked.append({**call.params, "caller": call.caller_arn})
            return {}

        registered = Registered(implementation, exclusive=False)
        monkeypatch.setitem(OPERATIONS, (service, name), registered)
        return asked

    return record


def role_for(cloud: Cloud, *actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return service_role(cloud, DEV, "target", EVENTS, statement)


def test_a_pipeline_starts_with_variables_from_the_event(
    cloud: Cloud, recorded: Callable[[str, str], list[dict[str, Any]]]
) -> None:
    started = recorded("codepipeline", "StartPipelineExecution")
    role = role_for(cloud, "codepipeline:StartPipelineExecution")
    transformer = {
        "InputPathsMap": {"a": "$.detail.a"},
        "InputTemplate": '{"variables": [{"name": "A", "value": "<a>"}]}',
    }
    target = {
        "Arn": f"arn:aws:codepipeline:{REGION}:{DEV}:build",
        "RoleArn": role,
        "InputTransformer": transformer,
    }
    make_rule(cloud, target)

    put(cloud)

    (asked,) = eventually(lambda: started, cloud=cloud)
    assert asked["name"] == "build"
    assert asked["variables"] == [{"name": "A", "value": "1"}]
    assert asked["caller"].startswith(f"arn:aws:sts::{DEV}:assumed-role/target/")


def test_a_role_without_the_right_starts_nothing(
    cloud: Cloud, recorded: Callable[[str, str], list[dict[str, Any]]]
) -> None:
    started = recorded("codepipeline", "StartPipelineExecution")
    target = {
        "Arn": f"arn:aws:codepipeline:{REGION}:{DEV}:build",
        "RoleArn": role_for(cloud, "s3:*"),
    }
    make_rule(cloud, target)

    put(cloud)

    eventually(lambda: "codepipeline:StartPipelineExecution" in errors(cloud))
    assert not started


def test_a_build_and_a_model_pipeline_start(
    cloud: Cloud, recorded: Callable[[str, str], list[dict[str, Any]]]
) -> None:
    built = recorded("codebuild", "StartBuild")
    started = recorded("sagemaker", "StartPipelineExecution")
    role = role_for(cloud, "codebuild:StartBuild", "sagemaker:StartPipelineExecution")
    make_rule(cloud, {"Arn": f"arn:aws:codebuild:{REGION}:{DEV}:project/p", "RoleArn": role})
    parameters = [{"Name": "Trigger", "Value": "drift"}]
    cloud.client("events", account=DEV).put_targets(
        Rule="r",
        Targets=[
            {
                "Id": "2",
                "Arn": f"arn:aws:sagemaker:{REGION}:{DEV}:pipeline/train",
                "RoleArn": role,
                "SageMakerPipelineParameters": {"PipelineParameterList": parameters},
            }
        ],
    )

    put(cloud)

    (build,) = eventually(lambda: built, cloud=cloud)
    (pipeline,) = eventually(lambda: started, cloud=cloud)
    assert build["projectName"] == "p"
    assert pipeline["PipelineName"] == "train"
    assert pipeline["PipelineParameters"] == parameters


def test_a_target_that_needs_a_role_is_refused_without(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="RoleArn is required"):
        make_rule(cloud, {"Arn": f"arn:aws:codepipeline:{REGION}:{DEV}:build"})


def test_a_log_group_takes_events_if_the_accounts_policy_lets_them(cloud: Cloud) -> None:
    logs = cloud.client("logs", account=DEV)
    logs.create_log_group(logGroupName="/aws/events/all")
    group = f"arn:aws:logs:{REGION}:{DEV}:log-group:/aws/events/all"
    make_rule(cloud, {"Arn": group})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": EVENTS},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{group}:*",
    }
    put(cloud)
    eventually(lambda: "logs:PutLogEvents" in errors(cloud))
    logs.put_resource_policy(
        policyName="events",
        policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )

    put(cloud)

    (event,) = eventually(
        lambda: logs.filter_log_events(logGroupName="/aws/events/all")["events"], cloud=cloud
    )
    assert json.loads(event["message"])["detail"] == {"a": 1}


def test_a_topic_passes_events_on(cloud: Cloud) -> None:
    sns = cloud.client("sns", account=DEV)
    topic = sns.create_topic(Name="t")["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": EVENTS},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    sns.set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    queue = make_queue(cloud)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    make_rule(cloud, {"Arn": topic, "InputPath": "$.detail"})

    put(cloud)

    assert json.loads(queue.wait()[0]["Message"]) == {"a": 1}


# --- trouble that passes ------------------------------------------------------------------------


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
