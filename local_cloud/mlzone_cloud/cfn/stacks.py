"""Finding stacks, reading templates, starting operations."""

import re
import uuid
from typing import Any

from mlzone_cloud.authorization.policies import resource_policy
from mlzone_cloud.cfn import preparation, template
from mlzone_cloud.cfn.engine import STACK_TYPE, Operation, record
from mlzone_cloud.cfn.errors import TemplateError
from mlzone_cloud.cfn.provider import Context
from mlzone_cloud.cfn.state import Json, Stack
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_access import PrincipalKind

_S3_URL = re.compile(
    r"https?://(?:s3[.-][^/]+/(?P<path_bucket>[^/]+)/|localhost:\d+/(?P<local_bucket>[^/]+)/"
    r"|(?P<host_bucket>[^./]+)\.s3[.-][^/]*/)(?P<key>.+)"
)
_GONE = "DELETE_COMPLETE"


def stacks_of(call: Call) -> dict[str, Stack]:
    """Return all stacks of the call's account and Region by id."""
    return call.cloud.store("cloudformation.stacks", call.account, call.region)


def find(call: Call, name: str | None = None, *, deleted: bool = True) -> Stack:
    """Return a stack by name or id.

    Raises:
        ApiError: there is none.
    """
    wanted = name or call.params.get("StackName") or ""
    for stack in reversed(list(stacks_of(call).values())):
        if wanted == stack.id and (deleted or stack.status != _GONE):
            return stack
        if wanted == stack.name and stack.status != _GONE:
            return stack
    raise ApiError("ValidationError", f"Stack with id {wanted} does not exist")


def exists(call: Call, name: str) -> Stack | None:
    """Return a stack by name or id, or None."""
    try:
        return find(call, name, deleted=False)
    except ApiError:
        return None


def new_stack(call: Call, name: str) -> Stack:
    """Return a new, empty stack."""
    stack_id = f"arn:aws:cloudformation:{call.region}:{call.account}:stack/{name}/{uuid.uuid4()}"
    stack = Stack(
        id=stack_id,
        name=name,
        account=call.account,
        region=call.region,
        created=call.cloud.clock.now(),
    )
    stacks_of(call)[stack_id] = stack
    return stack


def service_role(call: Call, stack: Stack | None = None) -> str | None:
    """Return the role whose permissions the operation has: the given one, else the caller's."""
    given: str | None = call.params.get("RoleARN")
    if given:
        return given
    if stack and stack.role_arn:
        return stack.role_arn
    if call.caller and call.caller.principal.kind is PrincipalKind.ROLE:
        return call.caller.principal.arn
    return None


def body_of(call: Call, stack: Stack | None) -> str:
    """Return the template of a request.

    Raises:
        ApiError: none is given, or the object behind its URL cannot be read.
    """
    params = call.params
    if params.get("TemplateBody"):
        return str(params["TemplateBody"])
    if params.get("TemplateURL"):
        return _from_url(call, params["TemplateURL"])
    if params.get("UsePreviousTemplate") and stack:
        return stack.template_body
    raise ApiError("ValidationError", "Either Template URL or Template Body must be specified.")


def _from_url(call: Call, url: str) -> str:
    match = _S3_URL.match(url)
    if not match:
        raise ApiError("ValidationError", f"S3 error: {url} is not the URL of an object")
    bucket = match["path_bucket"] or match["local_bucket"] or match["host_bucket"]
    owner, _ = resource_policy(call.cloud, f"arn:aws:s3:::{bucket}", call.account)
    client = call.cloud.client("s3", account=owner, region=call.region)
    try:
        content: bytes = client.get_object(Bucket=bucket, Key=match["key"])["Body"].read()
    except client.exceptions.ClientError as error:
        raise ApiError("ValidationError", f"S3 error: {error}") from error
    return content.decode()


def parameters_of(call: Call, stack: Stack | None, body: str) -> dict[str, str]:
    """Return the given parameter values; `UsePreviousValue` takes the stack's."""
    declared = template.parse(body).get("Parameters") or {}
    values: dict[str, str] = {}
    for item in call.params.get("Parameters") or ():
        key = item["ParameterKey"]
        if item.get("UsePreviousValue"):
            if stack and key in stack.parameters:
                values[key] = stack.parameters[key]
        else:
            values[key] = item.get("ParameterValue", "")
    return {key: value for key, value in values.items() if key in declared or not stack}


def tags_of(call: Call, stack: Stack | None) -> dict[str, str]:
    """Return the stack tags of a request; the stack's own where none are given."""
    given = call.params.get("Tags")
    if given is None and stack:
        return stack.tags
    return {tag["Key"]: tag["Value"] for tag in given or ()}


def context_of(call: Call, stack: Stack, tags: dict[str, str], role: str | None) -> Context:
    """Return on whose behalf a stack's resources are made."""
    return Context(
        cloud=call.cloud,
        account=stack.account,
        region=stack.region,
        stack_name=stack.name,
        stack_id=stack.id,
        tags=tags,
        role_arn=role,
    )


def check(call: Call, body: str) -> Json:
    """Parse and check a template; return it.

    Raises:
        ApiError: it is wrong.
    """
    try:
        document = template.parse(body)
        preparation.check(
            document, region=call.region, capabilities=call.params.get("Capabilities") or []
        )
    except TemplateError as error:
        code = "InsufficientCapabilities" if "capabilities" in str(error) else "ValidationError"
        raise ApiError(code + ("Exception" if "capab" in str(error) else ""), str(error)) from error
    return document


def begin(call: Call, stack: Stack, *, creating: bool) -> None:
    """Start to create or update a stack in the background."""
    if stack.in_progress:
        raise ApiError(
            "ValidationError",
            f"Stack:{stack.id} is in {stack.status} state and can not be updated.",
        )
    stack.token = call.params.get("ClientRequestToken") or ""
    stack.status = "CREATE_IN_PROGRESS" if creating else "UPDATE_IN_PROGRESS"
    stack.updated = None if creating else call.cloud.clock.now()
    record(call.cloud, stack, stack.name, STACK_TYPE, stack.status, "", "User Initiated")
    call.cloud.submit(Operation(call.cloud, stack).deploy, creating)


def apply_request(call: Call, stack: Stack, body: str, document: Json) -> None:
    """Take over template, parameters and settings of a request."""
    params: dict[str, Any] = call.params
    stack.parameters = parameters_of(call, stack, body)
    stack.template_body = body
    stack.description = document.get("Description", "")
    stack.role_arn = service_role(call, stack)
    stack.tags = tags_of(call, stack)
    stack.capabilities = params.get("Capabilities") or []
    stack.notification_arns = params.get("NotificationARNs") or stack.notification_arns
    stack.disable_rollback = bool(
        params.get("DisableRollback") or params.get("OnFailure") == "DO_NOTHING"
    )
