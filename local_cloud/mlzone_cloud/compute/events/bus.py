"""Routes events: from a bus through its rules to their targets, until they have arrived."""

import json
import weakref
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.events.models import events_backends

from mlzone_access import Principal, PrincipalKind
from mlzone_cloud.authorization import authorize
from mlzone_cloud.compute.events import pattern, targets
from mlzone_cloud.compute.events.target_input import payload
from mlzone_cloud.compute.service_access import decide
from mlzone_cloud.compute.work_queue import Item, WorkQueue
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Json = dict[str, Any]

_MOST_HOPS = 4
_DEFAULT_ATTEMPTS = 185
_DEFAULT_AGE = 86400
_LONGEST_WAIT = timedelta(minutes=5)
_PASSING_TROUBLE = frozenset(
    {
        "ConcurrentModificationException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ServiceUnavailable",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class EventBridge:
    """The event buses of a cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._queue = WorkQueue(cloud, "events.deliveries", self._deliver)

    def bus_exists(self, account: str, region: str, bus: str) -> bool:
        """Tell whether there is such a bus."""
        with tracking.reading():
            return bus in events_backends[account][region].event_buses

    def route(self, account: str, region: str, bus: str, event: Json, *, hops: int = 0) -> None:
        """Hand an event to the targets of the rules of a bus that want it."""
        with tracking.reading(), self._cloud.lock:
            found = events_backends[account][region].event_buses.get(bus)
            rules = list(found.rules.values()) if found else []
            wanting = [rule for rule in rules if rule.state != "DISABLED" and _wants(rule, event)]
        for rule in wanting:
            self.send(rule, event, hops=hops)

    def send(self, rule: Any, event: Json, *, hops: int = 0) -> None:
        """Hand an event to all targets of a rule."""
        now = self._cloud.clock.now()
        for target in list(rule.targets):
            self._queue.put(
                {
                    "rule": rule.arn,
                    "target": dict(target),
                    "event": event,
                    "payload": payload(
                        target,
                        event,
                        rule_arn=rule.arn,
                        ingestion_time=f"{now:%Y-%m-%dT%H:%M:%SZ}",
                    ),
                    "since": now,
                    "attempts": 0,
                    "hops": hops,
                }
            )

    # --- delivery ---------------------------------------------------------------------------

    def _deliver(self, item: Item) -> timedelta | None:
        order = targets.Order(
            principal=targets.EVENTS,
            source=item["rule"],
            target=item["target"],
            payload=item["payload"],
            id=item["event"]["id"],
        )
        item["attempts"] += 1
        try:
            if ":event-bus/" in order.arn:
                self._forward(order, item["event"], item["hops"])
            else:
                targets.send(self._cloud, order)
        except ApiError as error:
            return self._failed(item, error.code, error.message)
        except ClientError as error:
            about = error.response["Error"]
            return self._failed(item, about["Code"], about["Message"])
        except BotoCoreError as error:
            return self._failed(item, "InvalidParameter", str(error))
        return None

    def _forward(self, order: targets.Order, event: Json, hops: int) -> None:
        """Pass an event on to another bus, as it is.

        Raises:
            ApiError: the role or the other bus's policy does not let it.
        """
        if hops >= _MOST_HOPS:
            raise ApiError("InvalidParameter", f"the event went through {hops} buses: a loop")
        _, _, _, region, account, rest = order.arn.split(":", 5)
        bus = rest.removeprefix("event-bus/")
        if order.role:
            self._ask_role(order, event)
        else:
            self._ask_bus(order, account)
        if not self.bus_exists(account, region, bus):
            raise ApiError("ResourceNotFoundException", f"Event bus {bus} does not exist.")
        self.route(account, region, bus, event, hops=hops + 1)

    def _ask_role(self, order: targets.Order, event: Json) -> None:
        caller = self._cloud.assume(order.role, "events", service=targets.EVENTS)
        entry = {
            "EventBusName": order.arn,
            "Source": event["source"],
            "DetailType": event["detail-type"],
        }
        call = Call(
            cloud=self._cloud,
            service="events",
            operation="PutEvents",
            params={"Entries": [entry]},
            account=caller.account,
            region=order.arn.split(":")[3],
            caller=caller,
            environ={},
        )
        with tracking.reading(), self._cloud.lock:
            authorize(call)

    def _ask_bus(self, order: targets.Order, account: str) -> None:
        """Without a role, the other bus's policy must let the rule's account."""
        own = order.source.split(":")[4]
        if own == account:
            return
        principal = Principal(kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{own}:root", account=own)
        decision = decide(self._cloud, principal, "events:PutEvents", order.arn, order.source, own)
        if not decision.allowed:
            self._cloud.record_denial(order.source, "events:PutEvents", order.arn, decision)
            raise ApiError("AccessDeniedException", decision.reason, status=403)

    def _failed(self, item: Item, code: str, message: str) -> timedelta | None:
        """Try again later, or give up: what cannot be delivered goes to the dead-letter queue."""
        policy = item["target"].get("RetryPolicy") or {}
        wait = min(timedelta(seconds=2 ** min(item["attempts"], 10)), _LONGEST_WAIT)
        age = timedelta(seconds=policy.get("MaximumEventAgeInSeconds", _DEFAULT_AGE))
        attempts = policy.get("MaximumRetryAttempts", _DEFAULT_ATTEMPTS)
        in_time = self._cloud.clock.now() + wait - item["since"] <= age
        if code in _PASSING_TROUBLE and item["attempts"] <= attempts and in_time:
            return wait
        self._cloud.record_error(
            f"{item['rule']} could not deliver to {item['target']['Arn']}: {code}: {message}"
        )
        queue = (item["target"].get("DeadLetterConfig") or {}).get("Arn")
        if queue:
            self._bury(queue, item, code, message)
        return None

    def _bury(self, queue: str, item: Item, code: str, message: str) -> None:
        attributes = {
            "RULE_ARN": item["rule"],
            "TARGET_ARN": item["target"]["Arn"],
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message[:1024] or code,
            "RETRY_ATTEMPTS": str(item["attempts"] - 1),
        }
        order = targets.Order(
            principal=targets.EVENTS,
            source=item["rule"],
            target={"Arn": queue},
            payload="",
            id=item["event"]["id"],
        )
        account, name = queue.split(":")[4:6]
        try:
            targets.client(self._cloud, order, "sqs", "sqs:SendMessage").send_message(
                QueueUrl=f"{self._cloud.endpoint_url}/{account}/{name}",
                MessageBody=json.dumps(item["event"]),
                MessageAttributes={
                    key: {"DataType": "String", "StringValue": value}
                    for key, value in attributes.items()
                },
            )
        except (ApiError, ClientError) as error:
            self._cloud.record_error(f"the dead-letter queue {queue} took nothing: {error}")


def _wants(rule: Any, event: Json) -> bool:
    text = rule.event_pattern.dump()
    return bool(text) and pattern.matches(pattern.parse(text), event)


def made(
    *,
    event_id: str,
    source: str,
    detail_type: str,
    detail: Json,
    account: str,
    region: str,
    time: datetime,
    resources: list[str],
) -> Json:
    """Return an event in EventBridge's form."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": resources,
        "detail": detail,
    }


_buses: "weakref.WeakKeyDictionary[Cloud, EventBridge]" = weakref.WeakKeyDictionary()


def event_bridge(cloud: "Cloud") -> EventBridge:
    """Return the event buses of a cloud."""
    return _buses[cloud]


def install(cloud: "Cloud") -> None:
    """Make ready to route events."""
    _buses[cloud] = EventBridge(cloud)
