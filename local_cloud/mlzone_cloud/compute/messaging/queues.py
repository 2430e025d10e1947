"""From queues to functions: event source mappings, which poll with the function's rights."""

import json
import threading
import weakref
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.sqs.models import Queue, sqs_backends

from mlzone_cloud.compute.events import pattern
from mlzone_cloud.compute.function.asynchronous import queue_of
from mlzone_cloud.compute.function.pool import Invocation, pool_of
from mlzone_cloud.compute.function.specification import Specification, find
from mlzone_cloud.errors import ApiError
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_MOST_AT_ONCE = 10
_add_message = Queue.add_message


class Pollers:
    """Everything that reads queues for functions."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._running: set[str] = set()
        self._lock = threading.Lock()
        cloud.add_ticker(self._tick)
        cloud.settling.append(lambda: bool(self._running))

    def look(self) -> None:
        """Start to poll where messages wait."""
        with tracking.reading(), self._cloud.lock:
            waiting = [
                mapping
                for regions in list(dict.values(lambda_backends))
                for backend in list(dict.values(regions))
                for mapping in list(backend._event_source_mappings.values())  # noqa: SLF001
                if mapping.enabled and _has_messages(mapping.event_source_arn)
            ]
        for mapping in waiting:
            with self._lock:
                if mapping.uuid in self._running:
                    continue
                self._running.add(mapping.uuid)
            self._cloud.submit(self._poll, mapping)

    def _tick(self, _: "Cloud", __: datetime) -> None:
        self.look()

    def _poll(self, mapping: Any) -> None:
        """Hand batches to the function until the queue has no more, or the function fails."""
        try:
            while mapping.enabled and not self._cloud.stopping and self._batch(mapping):
                pass
        except (ApiError, ClientError) as error:
            self._cloud.record_error(
                f"{mapping.event_source_arn} could not be read for {mapping.function_arn}: {error}"
            )
        finally:
            with self._lock:
                self._running.discard(mapping.uuid)

    def _batch(self, mapping: Any) -> bool:
        """Handle one batch; tells whether to go on."""
        arn = mapping.event_source_arn
        function = find(self._cloud, mapping.account_id, mapping.region, mapping.function_arn)
        region, account, name = arn.split(":")[3:6]
        sqs = self._cloud.client(
            "sqs", account=account, region=region, role=function.role, session_name="awslambda"
        )
        url = f"{self._cloud.endpoint_url}/{account}/{name}"
        messages = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(mapping.batch_size, _MOST_AT_ONCE),
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return False
        records = [_record(message, arn) for message in messages]
        wanted = [record for record in records if _passes(mapping, record)]
        failed: set[str] = set()
        if wanted:
            failed = self._invoke(function, mapping, wanted)
        done = [
            {"Id": str(place), "ReceiptHandle": record["receiptHandle"]}
            for place, record in enumerate(records)
            if record["messageId"] not in failed
        ]
        if done:
            sqs.delete_message_batch(QueueUrl=url, Entries=done)
        return not failed

    def _invoke(
        self, function: Specification, mapping: Any, records: list[dict[str, Any]]
    ) -> set[str]:
        """Invoke the function; returns the messages that are not handled."""
        everything = {record["messageId"] for record in records}
        try:
            invocation = pool_of(self._cloud).invoke(function, {"Records": records})
        except ApiError as error:
            self._cloud.record_error(f"{function.arn} was not invoked: {error.message}")
            return everything
        if not invocation.succeeded:
            self._cloud.record_error(f"{function.arn} failed: {invocation.payload[:300]}")
            return everything
        if "ReportBatchItemFailures" in (mapping.function_response_types or ()):
            return _reported(invocation, everything)
        return set()


def _reported(invocation: Invocation, everything: set[str]) -> set[str]:
    """Return what the function says it could not handle; nonsense means all."""
    answer = json.loads(invocation.payload)
    if not answer:
        return set()
    try:
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"] or ()}
    except (KeyError, TypeError):
        return everything
    return min(failed, everything)


def _has_messages(arn: str) -> bool:
    service, region, account, name = arn.split(":")[2:6]
    if service != "sqs":
        return False
    queue = sqs_backends[account][region].queues.get(name)
    return queue is not None and bool(queue.messages)


def _record(message: dict[str, Any], arn: str) -> dict[str, Any]:
    attributes = {
        name: {
            key[:1].lower() + key[1:]: value
            for key, value in about.items()
            if key in ("DataType", "StringValue")
        }
        for name, about in (message.get("MessageAttributes") or {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }


def _passes(mapping: Any, record: dict[str, Any]) -> bool:
    """Tell whether a message passes the mapping's filters; what does not is dropped."""
    filters = (mapping.filter_criteria or {}).get("Filters") or ()
    if not filters:
        return True
    try:
        body = json.loads(record["body"])
    except ValueError:
        body = record["body"]
    return any(
        pattern.matches(pattern.parse(item["Pattern"]), {**record, "body": body})
        for item in filters
    )


_pollers: "weakref.WeakKeyDictionary[Cloud, Pollers]" = weakref.WeakKeyDictionary()


def install(cloud: "Cloud") -> None:
    """Poll through the cloud from now on; moto's own functions run here as well."""
    pollers = _pollers[cloud] = Pollers(cloud)

    def add_message(self: Any, message: Any) -> None:
        mappings, self.lambda_event_source_mappings = self.lambda_event_source_mappings, {}
        try:
            _add_message(self, message)
        finally:
            self.lambda_event_source_mappings = mappings
        if mappings:
            cloud.submit(pollers.look)

    def invoke(self: Any, body: str, request_headers: Any, response_headers: Any) -> str:
        """Other services of moto's invoke functions by this: logs, streams."""
        del request_headers, response_headers
        function = find(cloud, self.account_id, self.region, self.function_arn)
        queue_of(cloud).put(function, json.loads(body or "{}"))
        return ""

    Queue.add_message = add_message
    LambdaFunction.invoke = invoke
