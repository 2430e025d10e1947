"""Cost Explorer's anomaly monitors and subscriptions; nothing costs anything here."""

import uuid
from collections.abc import Iterable
from typing import Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_cloud.supplement.fallback import fallback

Json = dict[str, Any]


def _store(call: Call, kind: str) -> dict[str, Json]:
    return call.cloud.store(f"ce.{kind}", call.account)


def _found(call: Call, kind: str) -> Json:
    arn = call.params[f"{kind}Arn"]
    found = _store(call, kind).get(arn)
    if found is None:
        code = "UnknownMonitorException" if kind == "Monitor" else "UnknownSubscriptionException"
        raise ApiError(code, f"Unable to find {kind.lower()} {arn}: it does not exist")
    return found


def _create(call: Call, kind: str) -> Json:
    given: Json = dict(call.params[f"Anomaly{kind}"])
    name = given[f"{kind}Name"]
    if any(item[f"{kind}Name"] == name for item in _store(call, kind).values()):
        raise ApiError("ValidationException", f"The {kind.lower()} {name} already exists")
    arn = f"arn:aws:ce::{call.account}:anomaly{kind.lower()}/{uuid.uuid4()}"
    _store(call, kind)[arn] = {**given, f"{kind}Arn": arn}
    return {f"{kind}Arn": arn}


def _update(call: Call, kind: str) -> Json:
    found = _found(call, kind)
    found |= {key: value for key, value in call.params.items() if value is not None}
    return {f"{kind}Arn": found[f"{kind}Arn"]}


def _delete(call: Call, kind: str) -> Json:
    found = _found(call, kind)
    del _store(call, kind)[found[f"{kind}Arn"]]
    return {}


def _listed(call: Call, kind: str) -> Iterable[Json]:
    wanted = call.params.get(f"{kind}ArnList")
    return [item for arn, item in _store(call, kind).items() if not wanted or arn in wanted]


@fallback("ce", "CreateAnomalyMonitor")
def create_anomaly_monitor(call: Call) -> Json:
    """Make a monitor."""
    now = call.cloud.clock.now().isoformat()
    answer = _create(call, "Monitor")
    _store(call, "Monitor")[answer["MonitorArn"]] |= {"CreationDate": now, "LastUpdatedDate": now}
    return answer


@fallback("ce", "UpdateAnomalyMonitor")
def update_anomaly_monitor(call: Call) -> Json:
    """Rename a monitor."""
    return _update(call, "Monitor")


@fallback("ce", "DeleteAnomalyMonitor")
def delete_anomaly_monitor(call: Call) -> Json:
    """Remove a monitor."""
    return _delete(call, "Monitor")


@fallback("ce", "GetAnomalyMonitors")
def get_anomaly_monitors(call: Call) -> Json:
    """List monitors."""
    return {"AnomalyMonitors": _listed(call, "Monitor")}


@fallback("ce", "CreateAnomalySubscription")
def create_anomaly_subscription(call: Call) -> Json:
    """Make a subscription to existing monitors."""
    monitors = _store(call, "Monitor")
    for arn in call.params["AnomalySubscription"].get("MonitorArnList") or ():
        if arn not in monitors:
            raise ApiError("UnknownMonitorException", f"Unable to find monitor {arn}")
    return _create(call, "Subscription")


@fallback("ce", "UpdateAnomalySubscription")
def update_anomaly_subscription(call: Call) -> Json:
    """Change a subscription."""
    return _update(call, "Subscription")


@fallback("ce", "DeleteAnomalySubscription")
def delete_anomaly_subscription(call: Call) -> Json:
    """Remove a subscription."""
    return _delete(call, "Subscription")


@fallback("ce", "GetAnomalySubscriptions")
def get_anomaly_subscriptions(call: Call) -> Json:
    """List subscriptions."""
    return {"AnomalySubscriptions": _listed(call, "Subscription")}


@fallback("ce", "GetAnomalies")
def get_anomalies(call: Call) -> Json:
    """List what is out of the ordinary: nothing."""
    del call
    return {"Anomalies": []}
