"""Events cross accounts and Regions if both sides agree."""

import json

import pytest
from botocore.exceptions import ClientError
from tests.cloud.compute.conftest import (
    DEV,
    PROD,
    SHARED,
    make_queue,
    service_role,
)
from tests.cloud.compute.rules import EVENTS, bus, errors, make_rule, put
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud


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
