"""Custom resources: a Lambda function of the stack's own makes them."""

import json
import threading
import time
import uuid
from typing import Any

from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.provider import Context, Made, Provider
from mlzone_cloud.cfn.state import Json, StackResource

PATH = "/_cfn"
_DEFAULT_TIMEOUT_SECONDS = 3600
_LOOK_SECONDS = 0.2
_waiting: dict[str, tuple[threading.Event, Json]] = {}


class CustomResourceProvider(Provider):
    """Invokes the function behind `ServiceToken` and waits for its answer."""

    exclusive = False

    def __init__(self, type_name: str) -> None:
        self._type_name = type_name

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Ask the function to create."""
        default_id = context.name(logical_id, 128)
        answer = self._ask(context, "Create", logical_id, properties, default_id)
        return Made(answer.get("PhysicalResourceId") or default_id, answer.get("Data") or {})

    def update(self, context: Context, resource: StackResource, properties: Json) -> Made:
        """Ask the function to update; another physical id means that it has replaced."""
        answer = self._ask(
            context,
            "Update",
            resource.logical_id,
            properties,
            PhysicalResourceId=resource.physical_id,
            OldResourceProperties=_texts(resource.properties),
        )
        return Made(
            answer.get("PhysicalResourceId") or resource.physical_id, answer.get("Data") or {}
        )

    def delete(self, context: Context, resource: StackResource) -> None:
        """Ask the function to delete."""
        self._ask(
            context,
            "Delete",
            resource.logical_id,
            resource.properties,
            PhysicalResourceId=resource.physical_id,
        )

    def _ask(
        self,
        context: Context,
        request_type: str,
        logical_id: str,
        properties: Json,
        created_id: str = "",
        **more: Any,
    ) -> Json:
        token = str(uuid.uuid4())
        answered = threading.Event()
        answer: Json = {}
        _waiting[token] = (answered, answer)
        event = {
            "RequestType": request_type,
            "ServiceToken": properties["ServiceToken"],
            "ResponseURL": f"{context.cloud.endpoint_url}{PATH}/{token}",
            "StackId": context.stack_id,
            "RequestId": token,
            "ResourceType": self._type_name,
            "LogicalResourceId": logical_id,
            "ResourceProperties": _texts(properties),
            **more,
        }
        try:
            self._invoke(context, properties["ServiceToken"], event)
            self._wait(context, answered, properties)
        finally:
            _waiting.pop(token, None)
        if answer.get("Status") != "SUCCESS":
            raise ResourceError(
                f"Received response status [FAILED] from custom resource. Message returned: "
                f"{answer.get('Reason', 'none')} (RequestId: {token})",
                physical_id=(answer.get("PhysicalResourceId") or created_id) if created_id else "",
            )
        return answer

    def _invoke(self, context: Context, target: str, event: Json) -> None:
        if ":sns:" in target:
            context.client("sns").publish(
                TopicArn=target,
                Subject="AWS CloudFormation custom resource request",
                Message=json.dumps(event),
            )
            return
        if ":function:" not in target:
            raise ResourceError(f"Invalid service token: {target}", code="InvalidRequest")
        context.client("lambda", region=target.split(":")[3]).invoke(
            FunctionName=target, InvocationType="Event", Payload=json.dumps(event)
        )

    def _wait(self, context: Context, answered: threading.Event, properties: Json) -> None:
        seconds = float(properties.get("ServiceTimeout") or _DEFAULT_TIMEOUT_SECONDS)
        deadline = time.monotonic() + seconds
        while not answered.wait(_LOOK_SECONDS):
            context.go_on()
            if time.monotonic() > deadline:
                raise ResourceError(
                    "CloudFormation did not receive a response from your Custom Resource within "
                    f"{seconds:.0f} seconds. Please check your logs for the requestId. If you are "
                    "using the Python cfn-response module, you may need to update your Lambda "
                    "function code so that CloudFormation can attach the updated version.",
                    code="NotStabilized",
                )


def _texts(value: Any) -> Any:
    """Return properties as functions receive them: every scalar is text."""
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items() if key != "ServiceTimeout"}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value)


def receive(environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Take a function's answer at its ResponseURL."""
    token = environ["PATH_INFO"].rsplit("/", 1)[-1]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    waiting = _waiting.get(token)
    if waiting is None:
        return 404, {}, b"nobody waits for this answer"
    try:
        answer = json.loads(body)
    except ValueError:
        return 400, {}, b"the answer is not JSON"
    if not isinstance(answer, dict):
        return 400, {}, b"the answer is not a JSON object"
    waiting[1].update(answer)
    waiting[0].set()
    return 200, {}, b""
