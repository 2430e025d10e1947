"""Watches alarms: evaluates them when data comes and when time passes, and tells of changes."""

import json
import weakref
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.cloudwatch.models import cloudwatch_backends

from mlzone_access import Principal, PrincipalKind
from mlzone_cloud.compute.alarms import composite_rule, description
from mlzone_cloud.compute.alarms.evaluation import (
    INSUFFICIENT,
    Verdict,
    judge,
    next_change,
)
from mlzone_cloud.compute.alarms.record import Measurements, metric_of, settings_of
from mlzone_cloud.compute.service_access import admit, decide
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, after, operation
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_ACTIONS = {
    "ALARM": "alarm_actions",
    "OK": "ok_actions",
    "INSUFFICIENT_DATA": "insufficient_data_actions",
}
_LONGEST_CHAIN = 10
"""How deep composite alarms may watch each other."""


class Watch:
    """All alarms of a cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._minute = -1
        cloud.add_ticker(self._tick, self._next_due)

    # --- when -------------------------------------------------------------------------------

    def _tick(self, _: "Cloud", now: datetime) -> None:
        """Look at all alarms once a minute, and whenever one of them is due."""
        minute = int(now.timestamp()) // 60
        if minute == self._minute:
            return
        self._minute = minute
        with self._cloud.lock:
            for account, region, _alarms in list(self._all()):
                self.look(account, region)

    def _next_due(self, _: "Cloud", now: datetime) -> datetime | None:
        with tracking.reading(), self._cloud.lock:
            moments = [
                moment
                for account, region, alarms in self._all()
                for measurements in [Measurements(account, region)]
                for alarm in alarms
                if (settings := settings_of(alarm))
                and (moment := next_change(settings, measurements.of_alarm(alarm), now))
            ]
        self._minute = -1
        return min(moments, default=None)

    def _all(self) -> Iterator[tuple[str, str, list[Any]]]:
        """Yield the alarms of each account and Region that has some."""
        for account, regions in list(dict.items(cloudwatch_backends)):
            for region, backend in list(dict.items(regions)):
                if alarms := list(backend.alarms.values()):
                    yield account, region, alarms

    # --- what -------------------------------------------------------------------------------

    def look(self, account: str, region: str, names: frozenset[str] | None = None) -> None:
        """Evaluate an account's alarms in a Region, and tell what has changed.

        Args:
            account: the account.
            region: the Region.
            names: only metric alarms of these metrics; all unless given.
        """
        now = self._cloud.clock.now()
        with tracking.reading():
            alarms = list(cloudwatch_backends[account][region].alarms.values())
        measurements = Measurements(account, region, names)
        for alarm in alarms:
            settings = settings_of(alarm)
            metric = metric_of(alarm)
            if settings and metric and (names is None or metric.metric_name in names):
                verdict = judge(settings, measurements.of_alarm(alarm), now, alarm.state_value)
                data = description.reason_data(settings, verdict, now)
                self._set(account, alarm, verdict, data)
        self._composites(account, region, alarms)

    def _composites(self, account: str, region: str, alarms: list[Any]) -> None:
        """Evaluate what depends on other alarms, until nothing changes any more."""
        del region
        composites = [alarm for alarm in alarms if alarm.rule is not None]
        states = {key: alarm for alarm in alarms for key in (alarm.name, alarm.alarm_arn)}
        for _ in range(_LONGEST_CHAIN):
            changed = False
            for alarm in composites:
                try:
                    holds = composite_rule.parse(alarm.rule)(
                        lambda name: states[name].state_value if name in states else ""
                    )
                except composite_rule.RuleError as error:
                    self._cloud.record_error(f"{alarm.name}: {error}")
                    continue
                state = "ALARM" if holds else "OK"
                reason = f"{alarm.alarm_arn} transitioned to {state} by its rule {alarm.rule}"
                changed |= self._set(account, alarm, Verdict(state, reason, ()), "{}")
            if not changed:
                return

    def _set(self, account: str, alarm: Any, verdict: Verdict, data: str) -> bool:
        if verdict.state == alarm.state_value:
            return False
        previous = description.state(alarm)
        with tracking.changing():
            _ = cloudwatch_backends[account][alarm.region_name]  # it is about to change
            alarm.update_state(verdict.reason, data, verdict.state)
        self.tell(account, alarm, previous)
        return True

    # --- telling ----------------------------------------------------------------------------

    def tell(self, account: str, alarm: Any, previous: dict[str, Any]) -> None:
        """Announce a change of state, and do what the alarm says for it."""
        region = alarm.region_name
        self._cloud.emit(
            account=account,
            region=region,
            source="aws.cloudwatch",
            detail_type="CloudWatch Alarm State Change",
            detail={
                "alarmName": alarm.name,
                "state": description.state(alarm),
                "previousState": previous,
                "configuration": description.configuration(alarm),
            },
            resources=(alarm.alarm_arn,),
        )
        if not alarm.actions_enabled:
            return
        text = json.dumps(description.message(alarm, account, previous["value"]))
        call = json.dumps(
            {
                "source": "aws.cloudwatch",
                "alarmArn": alarm.alarm_arn,
                "accountId": account,
                "time": description.stamp(alarm.state_updated_timestamp),
                "region": region,
                "alarmData": {
                    "alarmName": alarm.name,
                    "state": description.state(alarm),
                    "previousState": previous,
                    "configuration": description.configuration(alarm),
                },
            }
        )
        subject = f'{alarm.state_value}: "{alarm.name}" in {region}'[:100]
        for action in getattr(alarm, _ACTIONS[alarm.state_value]) or ():
            self._cloud.submit(self._act, alarm.alarm_arn, action, subject, text, call)

    def _act(self, alarm: str, action: str, subject: str, text: str, call: str) -> None:
        service, region, account = action.split(":")[2:5]
        try:
            if service == "sns":
                self._may_publish(alarm, action)
                self._cloud.client("sns", account=account, region=region).publish(
                    TopicArn=action, Subject=subject, Message=text
                )
            elif service == "lambda":
                principal = "lambda.alarms.cloudwatch.amazonaws.com"
                admit(self._cloud, principal, "lambda:InvokeFunction", action, source=alarm)
                self._cloud.client("lambda", account=account, region=region).invoke(
                    FunctionName=action, InvocationType="Event", Payload=call
                )
            else:
                self._cloud.gap(f"alarm actions in {service}")
        except (ApiError, ClientError) as error:
            self._cloud.record_error(f"{alarm} could not tell {action}: {error}")

    def _may_publish(self, alarm: str, topic: str) -> None:
        """A topic's own account may always publish by the policy that topics begin with.

        Raises:
            ApiError: the topic's policy lets neither CloudWatch nor the alarm's account.
        """
        account = alarm.split(":")[4]
        root = Principal(
            kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{account}:root", account=account
        )
        if not decide(self._cloud, root, "sns:Publish", topic, alarm, account).allowed:
            admit(self._cloud, "cloudwatch.amazonaws.com", "sns:Publish", topic, source=alarm)


# --- operations ---------------------------------------------------------------------------------

_watches: "weakref.WeakKeyDictionary[Cloud, Watch]" = weakref.WeakKeyDictionary()


@after("cloudwatch", "PutMetricData")
def look_at_data(call: Call, result: dict[str, Any]) -> None:
    """Evaluate the alarms of the metrics that have come."""
    del result
    names = frozenset(item["MetricName"] for item in call.params.get("MetricData") or ())
    _watches[call.cloud].look(call.account, call.region, names)


@operation("cloudwatch", "PutMetricAlarm")
def put_metric_alarm(call: Call) -> dict[str, Any]:
    """Make or change an alarm: a new one knows nothing yet, a changed one keeps its state."""
    for query in call.params.get("Metrics") or ():
        if query.get("Expression"):
            call.cloud.gap("metric math in alarms")
    name = call.params["AlarmName"]
    before = cloudwatch_backends[call.account][call.region].alarms.get(name)
    result = call.forward()
    _begin(call, name, before)
    return result


@after("cloudwatch", "PutCompositeAlarm")
def begin_composite(call: Call, result: dict[str, Any]) -> None:
    """Let a composite alarm know nothing at first."""
    del result
    try:
        composite_rule.parse(call.params["AlarmRule"])
    except composite_rule.RuleError as error:
        backend = cloudwatch_backends[call.account][call.region]
        backend.alarms.pop(call.params["AlarmName"], None)
        raise ApiError("ValidationError", f"AlarmRule must not be invalid: {error}") from error
    _begin(call, call.params["AlarmName"], None)


def _begin(call: Call, name: str, before: Any) -> None:
    alarm = cloudwatch_backends[call.account][call.region].alarms[name]
    if before is None:
        alarm.state_value = INSUFFICIENT
    else:
        alarm.state_value, alarm.state_reason = before.state_value, before.state_reason
        alarm.state_reason_data = before.state_reason_data
        alarm.state_updated_timestamp = before.state_updated_timestamp
    metric = metric_of(alarm)
    names = frozenset({metric.metric_name} if metric else ())
    _watches[call.cloud].look(call.account, call.region, names)


@operation("cloudwatch", "SetAlarmState")
def set_alarm_state(call: Call) -> dict[str, Any]:
    """Set a state by hand; it lasts until the alarm is evaluated again."""
    alarm = cloudwatch_backends[call.account][call.region].alarms.get(call.params["AlarmName"])
    previous = description.state(alarm) if alarm else {}
    result = call.forward()
    if alarm and alarm.state_value != previous["value"]:
        _watches[call.cloud].tell(call.account, alarm, previous)
    return result


def install(cloud: "Cloud") -> None:
    """Make ready to watch."""
    _watches[cloud] = Watch(cloud)
