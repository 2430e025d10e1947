"""Delivers to targets: tries again while trouble may pass, buries what cannot be delivered."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from mlzone_cloud.compute.events import targets
from mlzone_cloud.compute.work_queue import Item, WorkQueue
from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Forward = Callable[[targets.Order, dict[str, Any], int], None]
"""Passes an event on to another bus; told how many buses it has been through."""

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


class Deliveries:
    """What is on its way to the targets of rules and schedules."""

    def __init__(self, cloud: "Cloud", forward: Forward) -> None:
        self._cloud = cloud
        self._forward = forward
        self._queue = WorkQueue(cloud, "events.deliveries", self._deliver)

    def put(self, order: targets.Order, event: dict[str, Any], *, hops: int = 0) -> None:
        """Deliver soon.

        Args:
            order: what to whom.
            event: the event as it came; what a dead-letter queue gets, and other buses.
            hops: how many buses the event has been through.
        """
        self._queue.put(
            {
                "principal": order.principal,
                "source": order.source,
                "target": order.target,
                "payload": order.payload,
                "id": order.id,
                "event": event,
                "since": self._cloud.clock.now(),
                "attempts": 0,
                "hops": hops,
            }
        )

    def _deliver(self, item: Item) -> timedelta | None:
        order = _order(item)
        item["attempts"] += 1
        try:
            if ":event-bus/" in order.arn and order.principal == targets.EVENTS:
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
            f"{item['source']} could not deliver to {item['target']['Arn']}: {code}: {message}"
        )
        queue = (item["target"].get("DeadLetterConfig") or {}).get("Arn")
        if queue:
            self._bury(queue, item, code, message)
        return None

    def _bury(self, queue: str, item: Item, code: str, message: str) -> None:
        of_rule = item["principal"] == targets.EVENTS
        attributes = {
            "RULE_ARN" if of_rule else "SCHEDULE_ARN": item["source"],
            "TARGET_ARN": item["target"]["Arn"],
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message[:1024] or code,
            "RETRY_ATTEMPTS": str(item["attempts"] - 1),
        }
        role = {} if of_rule else {"RoleArn": item["target"].get("RoleArn")}
        order = _order({**item, "target": {"Arn": queue, **role}})
        account, name = queue.split(":")[4:6]
        try:
            targets.client(self._cloud, order, "sqs", "sqs:SendMessage").send_message(
                QueueUrl=f"{self._cloud.endpoint_url}/{account}/{name}",
                MessageBody=json.dumps(item["event"]) if of_rule else item["payload"] or "{}",
                MessageAttributes={
                    key: {"DataType": "String", "StringValue": value}
                    for key, value in attributes.items()
                },
            )
        except (ApiError, ClientError) as error:
            self._cloud.record_error(f"the dead-letter queue {queue} took nothing: {error}")


def _order(item: Item) -> targets.Order:
    return targets.Order(
        principal=item["principal"],
        source=item["source"],
        target=item["target"],
        payload=item["payload"],
        id=item["id"],
    )
