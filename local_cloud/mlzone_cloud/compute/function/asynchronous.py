"""Functions that are invoked as events: queued, tried again, their failures handed on."""

import json
import uuid
import weakref
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends

from mlzone_cloud.compute.function.pool import Invocation, pool_of
from mlzone_cloud.compute.function.specification import SETTINGS, Specification, find
from mlzone_cloud.compute.work_queue import Item, WorkQueue
from mlzone_cloud.errors import ApiError
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_MOST_RETRIES = 2
_WAITS = (timedelta(minutes=1), timedelta(minutes=2))
_THROTTLED = timedelta(seconds=1)


class EventQueue:
    """The queue of all functions of a cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._queue = WorkQueue(cloud, "lambda.events", self._handle)

    def put(self, function: Specification, event: Any) -> None:
        """Invoke a function soon."""
        self._queue.put(
            {
                "account": function.account,
                "region": function.region,
                "arn": function.arn,
                "event": event,
                "request_id": str(uuid.uuid4()),
                "attempts": 0,
            }
        )

    def _handle(self, item: Item) -> timedelta | None:
        """Make an attempt; returns how long to wait for the next."""
        try:
            function = find(self._cloud, item["account"], item["region"], item["arn"])
            invocation = pool_of(self._cloud).invoke(
                function, item["event"], request_id=item["request_id"]
            )
        except ApiError as error:
            if error.code == "TooManyRequestsException":
                return _THROTTLED
            self._cloud.record_error(f"{item['arn']} was not invoked: {error.message}")
            return None
        item["attempts"] += 1
        config = _event_config(function)
        if invocation.succeeded:
            self._tell(function, item, invocation, _destination(config, "OnSuccess"), "Success")
            return None
        if item["attempts"] <= config.get("MaximumRetryAttempts", _MOST_RETRIES):
            return _WAITS[item["attempts"] - 1]
        self._fail(function, item, invocation, config)
        return None

    def _fail(
        self, function: Specification, item: Item, invocation: Invocation, config: dict[str, Any]
    ) -> None:
        error = json.loads(invocation.payload)
        message = f"{error.get('errorType')}: {error.get('errorMessage')}"
        self._cloud.record_error(f"{function.arn} failed {item['attempts']} times: {message}")
        target = _destination(config, "OnFailure")
        self._tell(function, item, invocation, target, "RetriesExhausted")
        settings = self._cloud.store(SETTINGS, function.account, function.region)
        queue = (settings.get(function.name, {}).get("DeadLetterConfig") or {}).get("TargetArn")
        if queue:
            attributes = {
                "RequestID": item["request_id"],
                "ErrorCode": "200",
                "ErrorMessage": str(error.get("errorMessage", ""))[:1024],
            }
            self._send(function, queue, json.dumps(item["event"]), attributes)

    def _tell(
        self,
        function: Specification,
        item: Item,
        invocation: Invocation,
        target: str,
        condition: str,
    ) -> None:
        """Send the record of an invocation to the destination for it, if there is one."""
        if not target:
            return
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": function.version}
        if not invocation.succeeded:
            context["functionError"] = "Unhandled"
        record = {
            "version": "1.0",
            "timestamp": f"{self._cloud.clock.now():%Y-%m-%dT%H:%M:%S.000Z}",
            "requestContext": {
                "requestId": item["request_id"],
                "functionArn": f"{function.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": item["attempts"],
            },
            "requestPayload": item["event"],
            "responseContext": context,
            "responsePayload": json.loads(invocation.payload),
        }
        self._send(function, target, json.dumps(record), {}, record)

    def _send(
        self,
        function: Specification,
        target: str,
        body: str,
        attributes: dict[str, str],
        record: dict[str, Any] | None = None,
    ) -> None:
        """Send with the rights of the function's role, as Lambda does."""
        service, region, account = target.split(":")[2:5]
        given = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }
        try:
            client = self._cloud.client(
                service,
                account=account,
                region=region,
                role=function.role,
                session_name="awslambda",
            )
            match service:
                case "sqs":
                    url = f"{self._cloud.endpoint_url}/{account}/{target.rsplit(':', 1)[-1]}"
                    client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=given)
                case "sns":
                    client.publish(TopicArn=target, Message=body, MessageAttributes=given)
                case "lambda":
                    client.invoke(FunctionName=target, InvocationType="Event", Payload=body)
                case "events":
                    outcome = record["requestContext"]["condition"] if record else ""
                    kind = "Success" if outcome == "Success" else "Failure"
                    entry = {
                        "Source": "lambda",
                        "DetailType": f"Lambda Function Invocation Result - {kind}",
                        "Detail": body,
                        "EventBusName": target,
                        "Resources": [target, function.arn],
                    }
                    client.put_events(Entries=[entry])
                case _:
                    self._cloud.gap(f"Lambda destinations in {service}")
        except (ApiError, ClientError) as error:
            self._cloud.record_error(f"{function.arn} could not send to {target}: {error}")


def _event_config(function: Specification) -> dict[str, Any]:
    with tracking.reading():
        backend = lambda_backends[function.account][function.region]
        record = backend.get_function(function.name)
    for config in getattr(record, "event_invoke_config", ()):
        return dict(config.config)
    return {}


def _destination(config: dict[str, Any], kind: str) -> str:
    chosen = (config.get("DestinationConfig") or {}).get(kind) or {}
    return str(chosen.get("Destination") or "")


_queues: "weakref.WeakKeyDictionary[Cloud, EventQueue]" = weakref.WeakKeyDictionary()


def queue_of(cloud: "Cloud") -> EventQueue:
    """Return the queue of a cloud's functions."""
    return _queues[cloud]


def install(cloud: "Cloud") -> None:
    """Make ready to queue invocations."""
    _queues[cloud] = EventQueue(cloud)
