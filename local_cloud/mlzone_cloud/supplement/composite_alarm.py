"""CloudWatch's composite alarms: moto can hold them but has no operation that makes them."""

from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from mlzone_cloud.operations import Call
from mlzone_cloud.supplement.fallback import fallback


@fallback("cloudwatch", "PutCompositeAlarm")
def put_composite_alarm(call: Call) -> dict[str, Any]:
    """Make or change a composite alarm."""
    params = call.params
    backend = cloudwatch_backends[call.account][call.region]
    backend.put_metric_alarm(
        name=params["AlarmName"],
        rule=params["AlarmRule"],
        description=params.get("AlarmDescription"),
        actions_enabled=params.get("ActionsEnabled", True),
        alarm_actions=params.get("AlarmActions") or [],
        ok_actions=params.get("OKActions") or [],
        insufficient_data_actions=params.get("InsufficientDataActions") or [],
        tags=params.get("Tags") or [],
        namespace=None,
        metric_name=None,
        comparison_operator=None,
        evaluation_periods=None,
        period=None,
        threshold=None,
        statistic=None,
        dimensions=[],
    )
    return {}
