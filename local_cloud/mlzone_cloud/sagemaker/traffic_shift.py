"""Moves an endpoint's traffic to new servers, and back if an alarm rises.

Source: Amazon SageMaker AI Developer Guide, "Blue/green deployments". Waits take their time on the
cloud's clock, but never longer than `LONGEST_WAIT` of real time.
"""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlzone_cloud.sagemaker.deployment import Deployment, Place, Plan, router_of

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

LONGEST_WAIT = "MLZONE_CLOUD_LONGEST_BAKE"
"""The variable that says how many real seconds a wait takes at most; 3 unless it is set."""

_LOOK_SECONDS = 0.2
_DEFAULT_WAIT = 3.0
_DEFAULT_LIMIT = 28_800
_ALL = 100


class RolledBackError(Exception):
    """An update goes back to what served before; the message says why."""


def shift(
    cloud: "Cloud",
    place: Place,
    incoming: Deployment,
    settings: dict[str, Any],
    look: Callable[[], None],
) -> Deployment | None:
    """Move an endpoint's traffic as the settings of its deployment say.

    Args:
        cloud: the cloud.
        place: the endpoint.
        incoming: the new servers, which run.
        settings: a `DeploymentConfig`.
        look: raises what ends the deployment for another reason.

    Returns:
        What served before; None if nothing ran.

    Raises:
        RolledBackError: an alarm has risen; the traffic is back where it was.
    """
    router = router_of(cloud, place)
    before = router.active
    alarms = [
        item["AlarmName"]
        for item in (settings.get("AutoRollbackConfiguration") or {}).get("Alarms") or ()
    ]
    steps, wait, last_wait, longest = _schedule(settings, incoming.plan)
    end = cloud.clock.now() + timedelta(seconds=longest)

    def watch(seconds: float) -> None:
        until = cloud.clock.now() + timedelta(seconds=seconds)
        most = time.monotonic() + float(os.environ.get(LONGEST_WAIT, _DEFAULT_WAIT))
        while True:
            look()
            _raise_if_alarmed(cloud, place, alarms)
            now = cloud.clock.now()
            if now >= until or time.monotonic() >= most:
                return
            if now > end:
                raise RolledBackError("The deployment exceeded MaximumExecutionTimeoutInSeconds.")
            time.sleep(_LOOK_SECONDS)

    try:
        watch(0)
        if before:
            for step in steps:
                router.shift(incoming, step)
                watch(wait)
        # Servers of before may have started for a request since the cloud's last start.
        before = router.switch(incoming) or before
        watch(last_wait)
    except BaseException:
        router.switch(before)
        raise
    return before


def _raise_if_alarmed(cloud: "Cloud", place: Place, alarms: list[str]) -> None:
    if not alarms:
        return
    account, region, _ = place
    client = cloud.client("cloudwatch", account=account, region=region)
    answer = client.describe_alarms(AlarmNames=alarms, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    watched = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    found = [item for item in watched if item["StateValue"] == "ALARM"]
    if found:
        names = ", ".join(sorted(item["AlarmName"] for item in found))
        raise RolledBackError(
            f"One or more configured alarm(s) monitored during the deployment are in ALARM state: "
            f"{names}"
        )


def _schedule(settings: dict[str, Any], plan: Plan) -> tuple[list[int], float, float, float]:
    """Return the steps before the last, the waits after each and after all, and the limit.

    Steps are percentages of the traffic, waits and the limit seconds.
    """
    rolling = settings.get("RollingUpdatePolicy")
    if rolling:
        step = _percent(rolling["MaximumBatchSize"], plan)
        limit = rolling.get("MaximumExecutionTimeoutInSeconds", _DEFAULT_LIMIT)
        return list(range(step, _ALL, step)), rolling["WaitIntervalInSeconds"], 0, limit
    policy = settings.get("BlueGreenUpdatePolicy") or {}
    routing = policy.get("TrafficRoutingConfiguration") or {}
    wait = routing.get("WaitIntervalInSeconds", 0)
    last = policy.get("TerminationWaitInSeconds", 0)
    limit = policy.get("MaximumExecutionTimeoutInSeconds", _DEFAULT_LIMIT)
    if routing.get("Type") == "CANARY":
        return [_percent(routing["CanarySize"], plan)], wait, last, limit
    if routing.get("Type") == "LINEAR":
        step = _percent(routing["LinearStepSize"], plan)
        return list(range(step, _ALL, step)), wait, last, limit
    return [], 0, max(wait, last), limit


def _percent(size: dict[str, Any], plan: Plan) -> int:
    value = int(size["Value"])
    if size["Type"] == "INSTANCE_COUNT":
        instances = sum(told["instances"] for told in plan["variants"]) or 1
        value = value * _ALL // instances
    return min(max(value, 1), _ALL)
