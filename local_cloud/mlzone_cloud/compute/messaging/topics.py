"""From topics to subscribers: queues, functions, and people's mail, which lands in an outbox."""

import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.sns.models import Subscription

from mlzone_cloud.compute.service_access import admit
from mlzone_cloud.compute.work_queue import Item, WorkQueue
from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_SNS = "sns.amazonaws.com"
_MAIL = ("email", "email-json")
_OURS = (*_MAIL, "lambda", "sqs")
_LONGEST_OUTBOX = 500


class Topics:
    """Delivers what topics are told."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._queue = WorkQueue(cloud, "sns.deliveries", self._deliver)

    def put(self, subscription: Any, content: dict[str, Any]) -> None:
        """Deliver soon."""
        self._queue.put(
            {
                "protocol": subscription.protocol,
                "endpoint": subscription.endpoint,
                "topic": subscription.topic.arn,
                "subscription": subscription.arn,
                "raw": str(subscription.attributes.get("RawMessageDelivery", "")).lower() == "true",
                "redrive": _dead_letters(subscription),
                **content,
            }
        )

    def _deliver(self, item: Item) -> None:
        try:
            if item["protocol"] in _MAIL:
                self._mail(item)
            elif item["protocol"] == "lambda":
                self._invoke(item)
            else:
                self._send(item, item["endpoint"])
        except (ApiError, ClientError) as error:
            self._cloud.record_error(
                f"{item['topic']} could not deliver to {item['endpoint']}: {error}"
            )
            if item["redrive"]:
                self._bury(item)

    def _mail(self, item: Item) -> None:
        outbox = self._cloud.store("outbox")
        messages = outbox.setdefault("messages", [])
        messages.append(
            {
                "to": item["endpoint"],
                "subject": item["subject"] or "AWS Notification Message",
                "message": item["message"],
                "topic": item["topic"],
                "time": item["time"].isoformat(),
            }
        )
        del messages[:-_LONGEST_OUTBOX]

    def _invoke(self, item: Item) -> None:
        function = item["endpoint"]
        admit(self._cloud, _SNS, "lambda:InvokeFunction", function, source=item["topic"])
        about = {key: value for key, value in _envelope(item).items() if key != "SigningCertURL"}
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": item["subscription"],
            "Sns": {"Subject": None, "MessageAttributes": {}, **about, "SigningCertUrl": ""},
        }
        region, account = function.split(":")[3:5]
        self._cloud.client("lambda", account=account, region=region).invoke(
            FunctionName=function,
            InvocationType="Event",
            Payload=json.dumps({"Records": [record]}),
        )

    def _send(self, item: Item, queue: str) -> None:
        admit(self._cloud, _SNS, "sqs:SendMessage", queue, source=item["topic"])
        more: dict[str, Any] = {}
        if item["raw"]:
            body = item["message"]
            more["MessageAttributes"] = {
                name: {
                    "DataType": value["Type"],
                    "BinaryValue" if value["Type"].startswith("Binary") else "StringValue": value[
                        "Value"
                    ],
                }
                for name, value in item["attributes"].items()
            }
        else:
            body = json.dumps(_envelope(item))
        if item["group"]:
            more["MessageGroupId"] = item["group"]
            more["MessageDeduplicationId"] = item["deduplication"] or item["id"]
        region, account, name = queue.split(":")[3:6]
        self._cloud.client("sqs", account=account, region=region).send_message(
            QueueUrl=f"{self._cloud.endpoint_url}/{account}/{name}", MessageBody=body, **more
        )

    def _bury(self, item: Item) -> None:
        try:
            self._send(item, item["redrive"])
        except (ApiError, ClientError) as error:
            self._cloud.record_error(f"{item['redrive']} took nothing: {error}")


def _dead_letters(subscription: Any) -> str:
    policy = subscription.attributes.get("RedrivePolicy")
    found = json.loads(policy) if isinstance(policy, str) and policy else policy or {}
    return str(found.get("deadLetterTargetArn", ""))


def _envelope(item: Item) -> dict[str, Any]:
    """Return a message as SNS wraps it; nothing here is signed."""
    moment: datetime = item["time"]
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": item["id"],
        "TopicArn": item["topic"],
        "Message": item["message"],
        "Timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
        "SignatureVersion": "1",
        "Signature": "unsigned",
        "SigningCertURL": "",
        "UnsubscribeURL": "",
    }
    if item["subject"]:
        envelope["Subject"] = item["subject"]
    if item["attributes"]:
        envelope["MessageAttributes"] = item["attributes"]
    return envelope


def install(cloud: "Cloud") -> None:
    """Deliver through the cloud from now on."""
    topics = Topics(cloud)

    def publish(
        self: Any, message: str, message_id: str, subject: str | None = None, **more: Any
    ) -> None:
        attributes = more.get("message_attributes") or {}
        if self.protocol not in _OURS:
            cloud.record_error(f"{self.topic.arn} does not deliver by {self.protocol}")
            return
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(attributes, message):
            return
        if more.get("message_structure") == "json":
            message = self._parse_message_structure(message, self.protocol)
        topics.put(
            self,
            {
                "id": message_id or str(uuid.uuid4()),
                "message": message,
                "subject": subject or "",
                "attributes": attributes,
                "group": more.get("group_id") or "",
                "deduplication": more.get("deduplication_id") or "",
                "time": cloud.clock.now(),
            },
        )

    Subscription.publish = publish
