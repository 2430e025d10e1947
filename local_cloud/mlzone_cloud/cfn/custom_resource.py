"""Custom resources: a Lambda function of the stack's own makes them."""

import json
import threading
import uuid
from typing import Any

from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.provider import Context, Made
from mlzone_cloud.cfn.state import Json, StackResource

_DEFAULT_TIMEOUT_SECONDS = 300
_waiting: dict[str, tuple[threading.Event, Json]] = {}


class CustomResourceProvider:
    """Invokes the function behind `ServiceToken` and waits for its answer."""

    via = "explicit"

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Ask the function to create."""
        answer = self._ask(context, "Create", logical_id, properties)
        physical_id = answer.get("PhysicalResourceId") or context.name(logical_id, 128)
        return Made(physical_id, answer.get("Data") or {})

    def update(self, context: Context, resource: StackResource, properties: Json) -> Json:
        """Ask the function to update."""
        answer = self._ask(
            context,
            "Update",
            resource.logical_id,
            properties,
            PhysicalResourceId=resource.physical_id,
            OldResourceProperties=resource.properties,
        )
        data: Json = answer.get("Data") or {}
        return data

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
        self, context: Context, request_type: str, logical_id: str, properties: Json, **more: Any
    ) -> Json:
        token = str(uuid.uuid4())
        answered = threading.Event()
        answer: Json = {}
        _waiting[token] = (answered, answer)
        event = {
            "RequestType": request_type,
            "ResponseURL": f"{context.cloud.endpoint_url}/_cfn/{token}",
            "StackId": context.stack_id,
            "RequestId": token,
            "ResourceType": "AWS::CloudFormation::CustomResource",
            "LogicalResourceId": logical_id,
            "ResourceProperties": {
                key: value for key, value in properties.items() if key != "ServiceTimeout"
            },
            **more,
        }
        function = properties["ServiceToken"]
        try:
            context.client("lambda").invoke(
                FunctionName=function, InvocationType="Event", Payload=json.dumps(event)
            )
            seconds = int(properties.get("ServiceTimeout", _DEFAULT_TIMEOUT_SECONDS))
            if not answered.wait(seconds):
                raise ResourceError(
                    f"CloudFormation did not receive a response from {function} within "
                    f"{seconds} seconds"
                )
        finally:
            _waiting.pop(token, None)
        if answer.get("Status") != "SUCCESS":
            raise ResourceError(
                f"Received response status [FAILED] from custom resource. Message returned: "
                f"{answer.get('Reason', 'none')}"
            )
        return answer


def receive(environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Take a function's answer at its ResponseURL."""
    token = environ["PATH_INFO"].rsplit("/", 1)[-1]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    waiting = _waiting.get(token)
    if waiting is None:
        return 404, {}, b"nobody waits for this answer"
    try:
        waiting[1].update(json.loads(body))
    except ValueError:
        return 400, {}, b"not JSON"
    waiting[0].set()
    return 200, {}, b""
