"""Alarms on a running cloud: data comes, time passes, others are told."""

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
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.compute.alarms import evaluation, watch
from mlzone_cloud.state import Keeper

DIMENSIONS = [{"Name": "Model", "Value": "credit"}, {"Name": "Environment", "Value": "prod"}]


def make_alarm(cloud: Cloud, name: str = "drift", **more: Any) -> None:
    cloud.client("cloudwatch", account=DEV).put_metric_alarm(
        **{
            "AlarmName": name,
            "Namespace": "MLZone/Monitoring",
            "MetricName": "DriftViolations",
            "Dimensions": DIMENSIONS,
            "Statistic": "Maximum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            **more,
        }
    )


def measure(cloud: Cloud, value: float, **more: Any) -> None:
    datum = {"MetricName": "DriftViolations", "Dimensions": DIMENSIONS, "Value": value, **more}
    cloud.client("cloudwatch", account=DEV).put_metric_data(
        Namespace="MLZone/Monitoring", MetricData=[datum]
    )


def state(cloud: Cloud, name: str = "drift") -> str:
    found = cloud.client("cloudwatch", account=DEV).describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    (alarm,) = found["MetricAlarms"] + found["CompositeAlarms"]
    value: str = alarm["StateValue"]
    return value


def listen(cloud: Cloud) -> Queue:
    queue = make_queue(cloud)
    events = cloud.client("events", account=DEV)
    events.put_rule(Name="alarms", EventPattern='{"source": ["aws.cloudwatch"]}')
    events.put_targets(Rule="alarms", Targets=[{"Id": "1", "Arn": queue.arn}])
    return queue


def test_each_alarm_is_looked_at_once_a_minute(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for threshold in range(5):
        make_alarm(cloud, f"drift-{threshold}", Threshold=threshold)
    looks: list[float] = []

    def judge(settings: Any, *given: Any) -> Any:
        looks.append(settings.threshold)
        return evaluation.judge(settings, *given)

    monkeypatch.setattr(watch, "judge", judge)
    cloud.clock.advance(timedelta(minutes=1))
    cloud.tick()
    cloud.tick()

    assert sorted(looks) == list(range(5))


def test_an_alarm_knows_nothing_until_there_is_data(cloud: Cloud) -> None:
    make_alarm(cloud, TreatMissingData="missing")

    assert state(cloud) == "INSUFFICIENT_DATA"


def test_data_raises_an_alarm_at_once_and_time_ends_it(cloud: Cloud) -> None:
    make_alarm(cloud)
    before = state(cloud)
    measure(cloud, 3)
    raised = state(cloud)
    cloud.advance(timedelta(minutes=4))
    still = state(cloud)
    cloud.advance(timedelta(minutes=3))

    assert (before, raised, still, state(cloud)) == ("OK", "ALARM", "ALARM", "OK")


def test_data_of_other_dimensions_is_not_its_own(cloud: Cloud) -> None:
    make_alarm(cloud)

    measure(cloud, 3, Dimensions=DIMENSIONS[:1])

    assert state(cloud) == "OK"


def test_a_change_is_announced_with_what_was_before(cloud: Cloud) -> None:
    make_alarm(cloud)
    queue = listen(cloud)

    measure(cloud, 3)
    measure(cloud, 4)

    (event,) = queue.wait()
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [f"arn:aws:cloudwatch:{REGION}:{DEV}:alarm:drift"]
    detail = event["detail"]
    assert detail["alarmName"] == "drift"
    assert (detail["state"]["value"], detail["previousState"]["value"]) == ("ALARM", "OK")
    assert "3.0" in detail["state"]["reason"]
    assert json.loads(detail["state"]["reasonData"])["threshold"] == 0
    metric = detail["configuration"]["metrics"][0]["metricStat"]
    assert metric["metric"] == {
        "namespace": "MLZone/Monitoring",
        "name": "DriftViolations",
        "dimensions": {"Model": "credit", "Environment": "prod"},
    }
    assert (metric["period"], metric["stat"]) == (300, "Maximum")


def test_a_changed_alarm_keeps_its_state(cloud: Cloud) -> None:
    make_alarm(cloud)
    measure(cloud, 3)
    queue = listen(cloud)

    make_alarm(cloud, AlarmDescription="other words")

    eventually(lambda: not cloud.background)
    assert state(cloud) == "ALARM"
    assert queue.bodies() == []


def test_a_state_set_by_hand_is_announced_too(cloud: Cloud) -> None:
    make_alarm(cloud)
    queue = listen(cloud)

    cloud.client("cloudwatch", account=DEV).set_alarm_state(
        AlarmName="drift", StateValue="ALARM", StateReason="a test"
    )

    assert queue.wait()[0]["detail"]["state"]["reason"] == "a test"


def test_a_topic_is_told(cloud: Cloud) -> None:
    sns = cloud.client("sns", account=DEV)
    topic = sns.create_topic(Name="t")["TopicArn"]
    queue = make_queue(cloud)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    make_alarm(cloud, AlarmActions=[topic])

    measure(cloud, 3)

    (envelope,) = queue.wait()
    assert envelope["Subject"].startswith('ALARM: "drift"')
    message = json.loads(envelope["Message"])
    assert (message["NewStateValue"], message["OldStateValue"]) == ("ALARM", "OK")
    assert message["Trigger"]["MetricName"] == "DriftViolations"


def test_a_topic_that_does_not_let_cloudwatch_is_not_told(cloud: Cloud) -> None:
    sns = cloud.client("sns", account=DEV)
    topic = sns.create_topic(Name="t")["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    make_alarm(cloud, AlarmActions=[topic])

    measure(cloud, 3)

    eventually(lambda: "could not tell" in " ".join(cloud.statistics.errors))


def test_a_function_is_told_if_its_policy_lets_the_alarm(functions: Functions) -> None:
    cloud = functions.cloud
    arn = functions.make("def handler(e, c): print(e['alarmData']['state']['value'])")
    functions.client.add_permission(
        FunctionName="f",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
    )
    make_alarm(cloud, AlarmActions=[arn])

    measure(cloud, 3)

    assert "ALARM" in functions.heard("ALARM")


def test_actions_that_are_switched_off_are_not_taken(cloud: Cloud) -> None:
    sns = cloud.client("sns", account=DEV)
    topic = sns.create_topic(Name="t")["TopicArn"]
    queue = make_queue(cloud)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    make_alarm(cloud, AlarmActions=[topic], ActionsEnabled=False)

    measure(cloud, 3)

    eventually(lambda: not cloud.background)
    assert queue.bodies() == []


def test_a_composite_alarm_follows_its_parts(cloud: Cloud) -> None:
    make_alarm(cloud)
    make_alarm(cloud, "other", MetricName="Other")
    cloudwatch = cloud.client("cloudwatch", account=DEV)
    cloudwatch.put_composite_alarm(
        AlarmName="both", AlarmRule='ALARM("drift") AND NOT ALARM("other")'
    )
    before = state(cloud, "both")
    queue = listen(cloud)

    measure(cloud, 3)

    assert (before, state(cloud, "both")) == ("OK", "ALARM")
    eventually(lambda: not cloud.background)
    names = {json.loads(body)["detail"]["alarmName"] for body in queue.bodies()}
    assert names == {"drift", "both"}


def test_a_composite_rule_that_cannot_be_read_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="AlarmRule"):
        cloud.client("cloudwatch", account=DEV).put_composite_alarm(
            AlarmName="bad", AlarmRule="ALARM(drift"
        )


def test_an_alarm_with_one_metric_query_is_evaluated(cloud: Cloud) -> None:
    metric = {
        "Namespace": "MLZone/Monitoring",
        "MetricName": "DriftViolations",
        "Dimensions": DIMENSIONS,
    }
    cloud.client("cloudwatch", account=DEV).put_metric_alarm(
        AlarmName="drift",
        Metrics=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "p90"}}],
        EvaluationPeriods=1,
        Threshold=2,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )

    measure(cloud, 2)

    assert state(cloud) == "ALARM"


def test_values_with_counts_and_sets_count(cloud: Cloud) -> None:
    make_alarm(cloud, Statistic="SampleCount", Threshold=6)

    cloud.client("cloudwatch", account=DEV).put_metric_data(
        Namespace="MLZone/Monitoring",
        MetricData=[
            {
                "MetricName": "DriftViolations",
                "Dimensions": DIMENSIONS,
                "Values": [1, 2],
                "Counts": [3, 1],
            },
            {
                "MetricName": "DriftViolations",
                "Dimensions": DIMENSIONS,
                "StatisticValues": {"SampleCount": 3, "Sum": 6, "Minimum": 1, "Maximum": 3},
            },
        ],
    )

    assert state(cloud) == "ALARM"


def test_an_alarm_ends_after_a_restart_as_it_would_have(cloud: Cloud) -> None:
    Keeper(cloud).start()
    make_alarm(cloud)
    measure(cloud, 3)

    fresh = again(cloud)
    before = state(fresh)
    fresh.advance(timedelta(minutes=7))

    assert (before, state(fresh)) == ("ALARM", "OK")
    fresh.stop()
