"""Lets all filters of DescribeAlarms narrow the answer; moto applies only the first of them."""

from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

_original = CloudWatchResponse.describe_alarms


def apply() -> None:
    """Replace the operation."""
    CloudWatchResponse.describe_alarms = _describe_alarms


def _describe_alarms(self: CloudWatchResponse) -> ActionResult:
    state, prefix = self._get_param("StateValue"), self._get_param("AlarmNamePrefix")
    result = _original(self).result
    return ActionResult({kind: _kept(alarms, state, prefix) for kind, alarms in result.items()})


def _kept(alarms: list[Any], state: str | None, prefix: str | None) -> list[Any]:
    return [
        alarm
        for alarm in alarms
        if state in (None, alarm.state_value) and alarm.name.startswith(prefix or "")
    ]
