"""Routes events: from a bus through its rules to their targets, until they have arrived."""

import weakref
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends

from mlzone_access import Principal, PrincipalKind
from mlzone_cloud.authorization import authorize
from mlzone_cloud.compute.events import pattern, targets
from mlzone_cloud.compute.events.delivery import Deliveries
from mlzone_cloud.compute.events.target_input import payload
from mlzone_cloud.compute.service_access import decide
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Json = dict[str, Any]

_MOST_HOPS = 4


class EventBridge:
    """The event buses of a cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self.deliveries = Deliveries(cloud, self._forward)

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
        ingestion_time = f"{self._cloud.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        for target in list(rule.targets):
            if target["Arn"].endswith(":::"):
                continue  # an archive's
            order = targets.Order(
                principal=targets.EVENTS,
                source=rule.arn,
                target=dict(target),
                payload=payload(target, event, rule_arn=rule.arn, ingestion_time=ingestion_time),
                id=event["id"],
            )
            self.deliveries.put(order, event, hops=hops)

    # --- other buses --------------------------------------------------------------------

    def _forward(self, order: targets.Order, event: Json, hops: int) -> None:
        """Pass an event on to another bus, as it is.

        Raises:
            ApiError: the role or the other bus's policy does not let it, or it came from another
                account and would go to a third one, which EventBridge does not do.
        """
        if hops >= _MOST_HOPS:
            raise ApiError("InvalidParameter", f"the event went through {hops} buses: a loop")
        _, _, _, region, account, rest = order.arn.split(":", 5)
        bus = rest.removeprefix("event-bus/")
        own = order.source.split(":")[4]
        if event["account"] != own and account not in (own, event["account"]):
            raise ApiError(
                "InvalidParameter",
                f"events that account {own} received from account {event['account']} are not sent "
                "on to a third account",
            )
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
