"""Rules with schedules and EventBridge Scheduler, on a clock that tests move."""

import json
from datetime import UTC, datetime, timedelta
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
    service_role,
)
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.operations import OPERATIONS, Call, Registered
from mlzone_cloud.state import Keeper


@pytest.fixture
def noon(cloud: Cloud) -> Cloud:
    """A cloud whose clock shows noon of some day to come."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    moment = datetime(tomorrow.year, tomorrow.month, tomorrow.day, 12, tzinfo=UTC)
    cloud.clock.advance(moment - cloud.clock.now())
    return cloud


def make_rule(cloud: Cloud, expression: str, queue: Queue) -> None:
    events = cloud.client("events", account=DEV)
    events.put_rule(Name="r", ScheduleExpression=expression)
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": queue.arn}])


def times(queue: Queue) -> list[str]:
    """Return when the events were due, once nothing is under way any more."""
    eventually(lambda: not queue.cloud.background, cloud=queue.cloud)
    return sorted(json.loads(body)["time"][11:16] for body in queue.bodies())


def test_a_rule_fires_at_every_due_moment_that_the_clock_passes(noon: Cloud) -> None:
    queue = make_queue(noon)
    make_rule(noon, "cron(0/20 * * * ? *)", queue)

    noon.advance(timedelta(minutes=65))

    assert times(queue) == ["12:20", "12:40", "13:00"]


def test_a_rate_counts_from_the_moment_the_rule_is_made(noon: Cloud) -> None:
    queue = make_queue(noon)
    make_rule(noon, "rate(1 hour)", queue)

    noon.advance(timedelta(minutes=59))
    before = times(queue)
    noon.advance(timedelta(minutes=62))

    assert before == []
    assert times(queue) == ["13:00", "14:00"]


def test_a_scheduled_event_names_its_rule(noon: Cloud) -> None:
    queue = make_queue(noon)
    make_rule(noon, "rate(1 minute)", queue)

    noon.advance(timedelta(seconds=61))

    (event,) = queue.wait()
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert event["resources"] == [f"arn:aws:events:{REGION}:{DEV}:rule/r"]


def test_a_rule_that_is_disabled_or_changed_forgets_its_old_schedule(noon: Cloud) -> None:
    queue = make_queue(noon)
    make_rule(noon, "rate(10 minutes)", queue)
    events = noon.client("events", account=DEV)
    events.put_rule(Name="r", ScheduleExpression="rate(1 hour)")
    noon.advance(timedelta(minutes=30))
    changed = times(queue)
    events.disable_rule(Name="r")
    noon.advance(timedelta(hours=2))

    assert changed == []
    assert times(queue) == []


def test_what_was_missed_while_the_cloud_did_not_run_is_made_up_for_once(noon: Cloud) -> None:
    Keeper(noon).start()
    queue = make_queue(noon)
    make_rule(noon, "rate(10 minutes)", queue)

    fresh = again(noon)
    fresh.clock.advance(timedelta(minutes=35))
    fresh.tick()
    fresh.tick()
    there = Queue(fresh, queue.url, queue.arn)
    made_up = times(there)
    fresh.advance(timedelta(minutes=6))

    assert made_up == ["12:10"]
    assert times(there) == ["12:40"]
    fresh.stop()


# --- EventBridge Scheduler ----------------------------------------------------------------------


def schedule(cloud: Cloud, expression: str, arn: str, *actions: str, **more: Any) -> None:
    statement = {"Effect": "Allow", "Action": list(actions) or ["s3:Get*"], "Resource": "*"}
    role = service_role(cloud, DEV, "schedule", "scheduler.amazonaws.com", statement)
    given = {"Arn": arn, "RoleArn": role, **more.pop("target", {})}
    cloud.client("scheduler", account=DEV).create_schedule(
        Name="s",
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=given,
        **more,
    )


def test_a_schedule_sends_with_the_rights_of_its_role(noon: Cloud) -> None:
    queue = make_queue(noon)
    attributes = '{"time": "<aws.scheduler.scheduled-time>", "of": "<aws.scheduler.schedule-arn>"}'
    schedule(
        noon,
        "cron(30 9 * * ? *)",
        queue.arn,
        "sqs:SendMessage",
        ScheduleExpressionTimezone="America/Sao_Paulo",
        target={"Input": attributes},
    )

    noon.advance(timedelta(hours=1))

    (message,) = queue.wait()
    assert message["time"].endswith("T12:30:00Z")
    assert message["of"] == f"arn:aws:scheduler:{REGION}:{DEV}:schedule/default/s"


def test_a_schedule_calls_any_operation(noon: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Call] = []

    def implementation(call: Call) -> dict[str, Any]:
        asked.append(call)
        return {"ProcessingJobArn": f"arn:aws:sagemaker:{REGION}:{DEV}:processing-job/j"}

    registered = Registered(implementation, exclusive=False)
    monkeypatch.setitem(OPERATIONS, ("sagemaker", "CreateProcessingJob"), registered)
    job = {
        "ProcessingJobName": "j-<aws.scheduler.execution-id>",
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 10,
            }
        },
        "AppSpecification": {"ImageUri": "analyzer"},
        "RoleArn": f"arn:aws:iam::{DEV}:role/schedule",
    }
    schedule(
        noon,
        "rate(1 hour)",
        "arn:aws:scheduler:::aws-sdk:sagemaker:createProcessingJob",
        "sagemaker:CreateProcessingJob",
        "iam:PassRole",
        target={"Input": json.dumps(job)},
    )

    noon.advance(timedelta(minutes=1))

    (call,) = eventually(lambda: asked, cloud=noon)
    assert len(call.params["ProcessingJobName"]) == len("j-") + 36
    assert call.caller_arn.startswith(f"arn:aws:sts::{DEV}:assumed-role/schedule/")


def test_a_schedule_without_the_right_goes_to_its_dead_letter_queue(noon: Cloud) -> None:
    queue, letters = make_queue(noon), make_queue(noon, "letters")
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": letters.arn}
    role = service_role(noon, DEV, "schedule", "scheduler.amazonaws.com", statement)
    noon.client("scheduler", account=DEV).create_schedule(
        Name="s",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:ssm:deleteParameter",
            "RoleArn": role,
            "Input": '{"Name": "/x"}',
            "DeadLetterConfig": {"Arn": letters.arn},
        },
    )

    noon.advance(timedelta(minutes=1))

    assert letters.wait() == [{"Name": "/x"}]
    assert queue.bodies() == []


def test_at_fires_once_and_the_schedule_goes_if_it_says_so(noon: Cloud) -> None:
    queue = make_queue(noon)
    moment = noon.clock.now() + timedelta(minutes=10)
    schedule(
        noon,
        f"at({moment:%Y-%m-%dT%H:%M:%S})",
        queue.arn,
        "sqs:SendMessage",
        ActionAfterCompletion="DELETE",
    )

    noon.advance(timedelta(hours=3))

    assert times(queue) == ["12:10"]
    assert noon.client("scheduler", account=DEV).list_schedules()["Schedules"] == []


def test_a_schedule_keeps_within_its_dates(noon: Cloud) -> None:
    queue = make_queue(noon)
    now = noon.clock.now()
    schedule(
        noon,
        "rate(1 hour)",
        queue.arn,
        "sqs:SendMessage",
        StartDate=now + timedelta(minutes=30),
        EndDate=now + timedelta(minutes=100),
    )

    noon.advance(timedelta(hours=5))

    assert times(queue) == ["12:30", "13:30"]


def test_a_schedule_whose_role_does_not_trust_the_scheduler_is_refused(noon: Cloud) -> None:
    role = service_role(noon, DEV, "other", "events.amazonaws.com")

    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler"):
        noon.client("scheduler", account=DEV).create_schedule(
            Name="s",
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": f"arn:aws:sqs:{REGION}:{DEV}:q", "RoleArn": role},
        )


def test_a_function_runs_on_schedule(functions: Functions) -> None:
    cloud = functions.cloud
    arn = functions.make("def handler(event, context): print('due', event['resources'][0])")
    events = cloud.client("events", account=DEV)
    rule = events.put_rule(Name="r", ScheduleExpression="rate(1 hour)")["RuleArn"]
    functions.client.add_permission(
        FunctionName="f",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn}])

    cloud.advance(timedelta(hours=1, seconds=1))

    assert f"due {rule}" in functions.heard(f"due {rule}")
