"""Sends to the targets of rules and schedules, with the rights of a role or of the service."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore import xform_name

from mlzone_cloud import wire
from mlzone_cloud.authorization.service_trust import trusted_role
from mlzone_cloud.compute.process import LogTarget
from mlzone_cloud.compute.service_access import admit
from mlzone_cloud.errors import ApiError
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_WITH_ROLE = frozenset({"codebuild", "codepipeline", "ecs", "kinesis", "sagemaker", "states"})
EVENTS, SCHEDULER = "events.amazonaws.com", "scheduler.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One thing to be sent."""

    principal: str
    """Which service sends: `EVENTS` or `SCHEDULER`."""
    source: str
    """The ARN of the rule or schedule."""
    target: dict[str, Any]
    """As PutTargets and CreateSchedule have it."""
    payload: str
    id: str
    """The event's or the execution's."""

    @property
    def arn(self) -> str:
        """The target's ARN."""
        return str(self.target["Arn"])

    @property
    def role(self) -> str:
        """The role with whose rights it is sent, if any."""
        return str(self.target.get("RoleArn") or "")

    def body(self) -> dict[str, Any]:
        """Return the payload as parameters; anything but an object gives none."""
        try:
            body = json.loads(self.payload or "{}")
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


Sender = Callable[["Cloud", Order], None]


def send(cloud: "Cloud", order: Order) -> None:
    """Send to a target.

    Raises:
        ApiError: the sender may not, or the embedded cloud knows no such target.
        ClientError: the target's service refuses.
    """
    service = order.arn.split(":")[2]
    kind = _kind(order.arn)
    sender = _SENDERS.get((service, kind)) or _SENDERS.get((service, ""))
    if sender is None:
        cloud.gap(f"{service} as a target of {order.principal}")
        raise ApiError("NotImplemented", f"the embedded cloud does not send to {order.arn}")
    sender(cloud, order)


def needs_role(arn: str) -> bool:
    """Tell whether a target can only be reached with a role."""
    return arn.split(":")[2] in (
        "codebuild",
        "codepipeline",
        "ecs",
        "kinesis",
        "sagemaker",
        "states",
    )


def _kind(arn: str) -> str:
    return arn.split(":", 5)[5].split("/", maxsplit=1)[0].split(":", maxsplit=1)[0]


def client(cloud: "Cloud", order: Order, service: str, action: str) -> Any:
    """Return a client that may send to the target's account and Region.

    Raises:
        ApiError: neither the role nor the target's policy lets the sender.
    """
    _, _, _, region, account, _ = order.arn.split(":", 5)
    source_region, source_account = order.source.split(":")[3:5]
    account, region = account or source_account, region or source_region
    if not order.role:
        admit(cloud, order.principal, action, order.arn, source=order.source)
        return cloud.client(service, account=account, region=region)
    with tracking.reading():
        trusted_role(cloud, order.role, order.principal)
    return cloud.client(
        service, account=account, region=region, role=order.role, session_name="events"
    )


def _lambda(cloud: "Cloud", order: Order) -> None:
    client(cloud, order, "lambda", "lambda:InvokeFunction").invoke(
        FunctionName=order.arn, InvocationType="Event", Payload=order.payload or "{}"
    )


def _sqs(cloud: "Cloud", order: Order) -> None:
    account, name = order.arn.split(":")[4:6]
    more = {}
    if group := (order.target.get("SqsParameters") or {}).get("MessageGroupId"):
        more = {"MessageGroupId": group, "MessageDeduplicationId": order.id}
    client(cloud, order, "sqs", "sqs:SendMessage").send_message(
        QueueUrl=f"{cloud.endpoint_url}/{account}/{name}", MessageBody=order.payload, **more
    )


def _sns(cloud: "Cloud", order: Order) -> None:
    client(cloud, order, "sns", "sns:Publish").publish(TopicArn=order.arn, Message=order.payload)


def _logs(cloud: "Cloud", order: Order) -> None:
    _, _, _, region, account, rest = order.arn.split(":", 5)
    group = rest.removeprefix("log-group:").removesuffix(":*")
    stream = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{order.id}"
    admit(cloud, order.principal, "logs:PutLogEvents", stream, source=order.source)
    LogTarget(account, region, group, order.id).write(cloud, [order.payload])


def _codepipeline(cloud: "Cloud", order: Order) -> None:
    given = order.body()
    more = {key: given[key] for key in ("variables", "sourceRevisions") if given.get(key)}
    client(
        cloud, order, "codepipeline", "codepipeline:StartPipelineExecution"
    ).start_pipeline_execution(name=order.arn.rsplit(":", 1)[-1], **more)


def _codebuild(cloud: "Cloud", order: Order) -> None:
    shape = wire.model("codebuild").operation_model("StartBuild").input_shape
    given = {key: value for key, value in order.body().items() if key in shape.members}
    given["projectName"] = order.arn.rsplit("/", 1)[-1]
    client(cloud, order, "codebuild", "codebuild:StartBuild").start_build(**given)


def _sagemaker(cloud: "Cloud", order: Order) -> None:
    given = (order.target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList")
    more = {"PipelineParameters": given} if given else {}
    client(cloud, order, "sagemaker", "sagemaker:StartPipelineExecution").start_pipeline_execution(
        PipelineName=order.arn.rsplit("/", 1)[-1], ClientRequestToken=order.id, **more
    )


def _put_events(cloud: "Cloud", order: Order) -> None:
    """The scheduler's events; those of rules are forwarded by their bus."""
    given = order.target.get("EventBridgeParameters") or {}
    entry = {
        "Source": given.get("Source"),
        "DetailType": given.get("DetailType"),
        "Detail": order.payload or "{}",
        "EventBusName": order.arn,
    }
    answer = client(cloud, order, "events", "events:PutEvents").put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        failure = answer["Entries"][0]
        raise ApiError(failure["ErrorCode"], failure.get("ErrorMessage", ""))


def _universal(cloud: "Cloud", order: Order) -> None:
    """Call any operation: `arn:aws:scheduler:::aws-sdk:sagemaker:createProcessingJob`."""
    *_, name, action = order.arn.split(":")
    service = next(
        (
            known
            for known in botocore.session.get_session().get_available_services()
            if known.replace("-", "") == name.replace("-", "")
        ),
        "",
    )
    caller = client(cloud, order, service, "") if service else None
    method = getattr(caller, xform_name(action[:1].upper() + action[1:]), None)
    if method is None:
        raise ApiError("ValidationException", f"{order.arn} is not a supported target")
    method(**order.body())


_SENDERS: dict[tuple[str, str], Sender] = {
    ("codebuild", "project"): _codebuild,
    ("codepipeline", ""): _codepipeline,
    ("events", "event-bus"): _put_events,
    ("lambda", "function"): _lambda,
    ("logs", "log-group"): _logs,
    ("sagemaker", "pipeline"): _sagemaker,
    ("scheduler", "aws-sdk"): _universal,
    ("sns", ""): _sns,
    ("sqs", ""): _sqs,
}
