"""Finding stacks, reading templates, starting operations."""

import json
import re
import uuid
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlzone_access import PrincipalKind
from mlzone_cloud.authorization.policies import role_of
from mlzone_cloud.authorization.resource_policies import owner_of
from mlzone_cloud.cfn import preparation, template
from mlzone_cloud.cfn.engine import Operation
from mlzone_cloud.cfn.errors import CapabilityError, ResourceError, TemplateError
from mlzone_cloud.cfn.provider import Context
from mlzone_cloud.cfn.records import set_status
from mlzone_cloud.cfn.state import GONE, REVIEW, Journal, Json, Settings, Stack
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_S3_URL = re.compile(
    r"https?://(?:s3[.-][^/]+/(?P<path_bucket>[^/]+)/|localhost:\d+/(?P<local_bucket>[^/]+)/"
    r"|(?P<host_bucket>[^./]+)\.s3[.-][^/]*/)(?P<key>[^?]+)"
)
_SERVICE = "cloudformation.amazonaws.com"
STORE = "cloudformation.stacks"
UPDATABLE = (
    "CREATE_COMPLETE",
    "IMPORT_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    # Only where rollback was switched off.
    "CREATE_FAILED",
    "UPDATE_FAILED",
)


def all_stacks(cloud: "Cloud", account: str, region: str) -> dict[str, Stack]:
    """Return all stacks of an account and Region by id, the deleted ones too."""
    return cloud.store(STORE, account, region)


def rest(known: dict[str, Stack]) -> bool:
    """Tell whether no operation on any of these stacks is under way."""
    return not any(stack.in_progress for stack in list(known.values()))


def stacks_of(call: Call) -> dict[str, Stack]:
    """Return all stacks of the call's account and Region by id."""
    return all_stacks(call.cloud, call.account, call.region)


def find(call: Call, name: str | None = None, *, deleted: bool = True) -> Stack:
    """Return a stack by name or id.

    Raises:
        ApiError: there is none.
    """
    wanted = name or call.params.get("StackName") or ""
    for stack in reversed(list(stacks_of(call).values())):
        if wanted == stack.id and (deleted or stack.status != GONE):
            return stack
        if wanted == stack.name and stack.status != GONE:
            return stack
    raise ApiError("ValidationError", f"Stack with id {wanted} does not exist")


def exists(call: Call, name: str) -> Stack | None:
    """Return a stack by name or id, or None."""
    try:
        return find(call, name, deleted=False)
    except ApiError:
        return None


def new_stack(cloud: "Cloud", account: str, region: str, name: str) -> Stack:
    """Return a new, empty stack."""
    partition = template.partition_of(region)
    stack_id = f"arn:{partition}:cloudformation:{region}:{account}:stack/{name}/{uuid.uuid4()}"
    stack = Stack(id=stack_id, name=name, account=account, region=region, created=cloud.clock.now())
    all_stacks(cloud, account, region)[stack_id] = stack
    return stack


# --- who acts -------------------------------------------------------------------------------


def take_role(call: Call, stack: Stack) -> None:
    """Remember as whom the operation acts: the service role, or else the caller.

    Raises:
        ApiError: CloudFormation may not assume the role.
    """
    given = service_role(call)
    if given:
        stack.role_arn = given
    stack.caller_role, stack.caller_identity = None, ""
    if call.caller and call.caller.principal.kind is PrincipalKind.ROLE:
        stack.caller_role = call.caller.principal.arn
        stack.caller_identity = call.caller.source_identity


def service_role(call: Call) -> str | None:
    """Return the service role that a request gives.

    Raises:
        ApiError: CloudFormation may not assume it.
    """
    given: str | None = call.params.get("RoleARN")
    if given and not _trusts_cloudformation(given, call.account):
        raise ApiError("ValidationError", f"Role {given} is invalid or cannot be assumed")
    return given


def _trusts_cloudformation(role_arn: str, account: str) -> bool:
    role = role_of(role_arn) if role_arn.split(":")[4:5] == [account] else None
    if role is None:
        return False
    policy = role.assume_role_policy_document
    statements = (json.loads(policy) if isinstance(policy, str) else policy)["Statement"]
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        services = [services] if isinstance(services, str) else services
        if statement.get("Effect") == "Allow" and _SERVICE in services:
            return True
    return False


def context_of(call: Call, stack: Stack, tags: dict[str, str]) -> Context:
    """Return on whose behalf a request's effects on a stack are worked out."""
    role = service_role(call) or stack.role_arn
    caller = call.caller
    if not role and caller and caller.principal.kind is PrincipalKind.ROLE:
        role = caller.principal.arn
    return Context(
        cloud=call.cloud,
        account=stack.account,
        region=stack.region,
        stack_name=stack.name,
        stack_id=stack.id,
        tags=tags,
        role_arn=role,
    )


# --- templates ------------------------------------------------------------------------------


def body_of(call: Call, stack: Stack | None) -> str:
    """Return the template of a request.

    Raises:
        ApiError: none is given, or the object behind its URL cannot be read.
    """
    params = call.params
    if params.get("TemplateBody"):
        return str(params["TemplateBody"])
    if params.get("TemplateURL"):
        try:
            return read_url(call.cloud, call.account, call.region, params["TemplateURL"])
        except ResourceError as error:
            raise ApiError("ValidationError", str(error)) from error
    if params.get("UsePreviousTemplate") and stack:
        return stack.template_body
    raise ApiError("ValidationError", "Either Template URL or Template Body must be specified.")


def read_url(cloud: "Cloud", account: str, region: str, url: str) -> str:
    """Return the template behind an S3 URL.

    Raises:
        ResourceError: it is not an S3 URL, or there is no such object.
    """
    match = _S3_URL.match(url)
    if not match:
        raise ResourceError(f"S3 error: {url} is not the URL of an object in Amazon S3")
    bucket = match["path_bucket"] or match["local_bucket"] or match["host_bucket"]
    owner = owner_of(f"arn:aws:s3:::{bucket}", account)
    client = cloud.client("s3", account=owner, region=region)
    try:
        content: bytes = client.get_object(Bucket=bucket, Key=match["key"])["Body"].read()
    except ClientError as error:
        detail = error.response["Error"]
        raise ResourceError(f"S3 error: {detail['Code']}: {detail['Message']}") from error
    return content.decode()


def parameters_of(call: Call, stack: Stack | None) -> dict[str, str]:
    """Return the given parameter values; `UsePreviousValue` takes the stack's."""
    values: dict[str, str] = {}
    for item in call.params.get("Parameters") or ():
        key = item["ParameterKey"]
        if not item.get("UsePreviousValue"):
            values[key] = item.get("ParameterValue", "")
        elif stack and key in stack.parameters:
            values[key] = stack.parameters[key]
        elif stack is None or stack.status == REVIEW:
            raise ApiError(
                "ValidationError",
                f"Invalid input for parameter key {key}. Cannot specify "
                "usePreviousValue as true for a parameter key not in the previous template",
            )
    return values


def tags_of(call: Call, stack: Stack | None) -> dict[str, str]:
    """Return the stack tags of a request; the stack's own where none are given."""
    given = call.params.get("Tags")
    if given is None and stack:
        return stack.tags
    return {tag["Key"]: tag["Value"] for tag in given or ()}


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
    except CapabilityError as error:
        raise ApiError("InsufficientCapabilitiesException", str(error)) from error
    except TemplateError as error:
        raise ApiError("ValidationError", str(error)) from error
    return document


# --- operations -----------------------------------------------------------------------------


def apply_request(call: Call, stack: Stack, body: str, document: Json) -> Settings:
    """Take over template, parameters and settings of a request; return what was before."""
    before = stack.settings()
    params: dict[str, Any] = call.params
    take_role(call, stack)
    stack.parameters = parameters_of(call, stack)
    stack.template_body = body
    stack.description = document.get("Description", "")
    stack.tags = tags_of(call, stack)
    stack.capabilities = params.get("Capabilities") or []
    stack.notification_arns = params.get("NotificationARNs") or stack.notification_arns
    stack.on_failure = params.get("OnFailure") or "ROLLBACK"
    stack.disable_rollback = bool(
        params.get("DisableRollback") or params.get("OnFailure") == "DO_NOTHING"
    )
    stack.token = params.get("ClientRequestToken") or ""
    return before


def check_updatable(stack: Stack) -> None:
    """Refuse an update of a stack that another operation holds or has left unusable.

    Raises:
        ApiError: the stack's state does not allow it.
    """
    if stack.status not in UPDATABLE:
        raise ApiError(
            "ValidationError",
            f"Stack:{stack.id} is in {stack.status} state and can not be updated.",
        )


def begin(cloud: "Cloud", stack: Stack, *, creating: bool, before: Settings) -> None:
    """Write down that a stack is to be created or updated."""
    failed = stack.journal
    journal = Journal(kind="CREATE" if creating else "UPDATE", phase="forward", before=before)
    if failed and not creating:
        # An update over a failed one, whose rollback was switched off, can return to before both.
        journal.before = failed.before
        journal.steps = [step for step in failed.steps if not step.failure]
    stack.journal = journal
    stack.operation_id = str(uuid.uuid4())
    stack.updated = None if creating else cloud.clock.now()
    set_status(cloud, stack, f"{journal.kind}_IN_PROGRESS", "User Initiated")


def begin_deletion(cloud: "Cloud", stack: Stack, retain: list[str]) -> None:
    """Write down that a stack is to be deleted."""
    stack.journal = Journal(kind="DELETE", phase="delete", before=stack.settings(), retain=retain)
    stack.operation_id = str(uuid.uuid4())
    set_status(cloud, stack, "DELETE_IN_PROGRESS", "User Initiated")


def run(cloud: "Cloud", stack: Stack) -> "Future[Any]":
    """Carry out the operation that was begun, in the background."""
    return cloud.submit(Operation(cloud, stack).run)
