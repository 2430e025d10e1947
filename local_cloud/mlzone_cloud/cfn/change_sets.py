"""The CloudFormation API: change sets."""

import uuid

from mlzone_cloud.cfn import planning, stacks
from mlzone_cloud.cfn.state import GONE, REVIEW, ChangeSet, Json, Stack
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, operation

_NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


@operation("cloudformation", "CreateChangeSet")
def create_change_set(call: Call) -> Json:
    """Work out what a template would change."""
    kind = call.params.get("ChangeSetType") or "UPDATE"
    if kind == "IMPORT" or call.params.get("ResourcesToImport"):
        raise ApiError("ValidationError", "the embedded cloud does not import existing resources")
    name = call.params["ChangeSetName"]
    stack = stacks.exists(call, call.params["StackName"])
    if stack and any(item.name == name for item in stack.change_sets.values()):
        raise ApiError("AlreadyExistsException", f"ChangeSet {name} already exists")
    if kind == "UPDATE":
        if stack is None:
            wanted = call.params["StackName"]
            raise ApiError("ValidationError", f"Stack [{wanted}] does not exist")
        stacks.check_updatable(stack)
    elif stack and stack.status != REVIEW:
        raise ApiError(
            "ValidationError",
            f"Stack [{stack.name}] already exists and cannot be created again with the changeSet "
            f"[{name}].",
        )
    body = stacks.body_of(call, stack)
    document = stacks.check(call, body)
    if call.params.get("IncludeNestedStacks") and _has_nested(document):
        call.cloud.gap("change sets of nested stacks")
    parameters = stacks.parameters_of(call, stack)
    role = stacks.service_role(call)
    if stack is None:
        stack = stacks.new_stack(call.cloud, call.account, call.region, call.params["StackName"])
    partition = stack.id.split(":")[1]
    change_set = ChangeSet(
        id=f"arn:{partition}:cloudformation:{call.region}:{call.account}:changeSet/{name}/"
        f"{uuid.uuid4()}",
        name=name,
        kind=kind,
        created=call.cloud.clock.now(),
        template_body=body,
        parameters=parameters,
        tags=stacks.tags_of(call, stack),
        role_arn=role,
        capabilities=call.params.get("Capabilities") or [],
        notification_arns=call.params.get("NotificationARNs") or [],
        description=call.params.get("Description") or "",
        on_failure=call.params.get("OnStackFailure"),
    )
    _fill(call, stack, change_set, document)
    stack.change_sets[change_set.id] = change_set
    return {"Id": change_set.id, "StackId": stack.id}


def _has_nested(document: Json) -> bool:
    resources = document.get("Resources", {}).values()
    return any(resource.get("Type") == "AWS::CloudFormation::Stack" for resource in resources)


def _fill(call: Call, stack: Stack, change_set: ChangeSet, document: Json) -> None:
    context = stacks.context_of(call, stack, change_set.tags)
    try:
        change_set.changes = planning.planned(
            stack, change_set.template_body, context, change_set.parameters
        )
    except ApiError as error:
        change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        change_set.reason = error.message
        return
    unchanged = not change_set.changes and planning.same_outputs(
        stack, document, change_set.parameters
    )
    if unchanged and change_set.kind == "UPDATE":
        change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        change_set.reason = _NO_CHANGES


def find_change_set(call: Call) -> tuple[Stack, ChangeSet]:
    """Return the change set of a request, with its stack.

    Raises:
        ApiError: there is none.
    """
    name = call.params["ChangeSetName"]
    if call.params.get("StackName"):
        candidates = [stacks.find(call)]
    else:
        candidates = list(stacks.stacks_of(call).values())
    for stack in candidates:
        for change_set in stack.change_sets.values():
            if name in (change_set.name, change_set.id):
                return stack, change_set
    raise ApiError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)


@operation("cloudformation", "DescribeChangeSet")
def describe_change_set(call: Call) -> Json:
    """Show what a change set would change."""
    stack, change_set = find_change_set(call)
    return {
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": change_set.created,
        "Status": change_set.status,
        "StatusReason": change_set.reason or None,
        "ExecutionStatus": change_set.execution_status,
        "Changes": change_set.changes,
        "Capabilities": change_set.capabilities,
        "NotificationARNs": change_set.notification_arns,
        "Description": change_set.description or None,
        "OnStackFailure": change_set.on_failure,
        "IncludeNestedStacks": False,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in change_set.parameters.items()
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in change_set.tags.items()],
    }


@operation("cloudformation", "ListChangeSets")
def list_change_sets(call: Call) -> Json:
    """List a stack's change sets."""
    stack = stacks.find(call)
    return {
        "Summaries": [
            {
                "StackId": stack.id,
                "StackName": stack.name,
                "ChangeSetId": item.id,
                "ChangeSetName": item.name,
                "Status": item.status,
                "StatusReason": item.reason or None,
                "ExecutionStatus": item.execution_status,
                "CreationTime": item.created,
            }
            for item in stack.change_sets.values()
        ]
    }


@operation("cloudformation", "ExecuteChangeSet")
def execute_change_set(call: Call) -> Json:
    """Carry out a change set."""
    stack, change_set = find_change_set(call)
    if change_set.execution_status != "AVAILABLE":
        raise ApiError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{change_set.id}] cannot be executed in its current status of "
            f"[{change_set.status}]",
        )
    creating = stack.status == REVIEW
    if not creating:
        stacks.check_updatable(stack)
    before = stack.settings()
    if change_set.role_arn:
        stack.role_arn = change_set.role_arn
    stacks.take_role(call, stack)
    stack.template_body = change_set.template_body
    stack.parameters = change_set.parameters
    stack.tags = change_set.tags
    stack.capabilities = change_set.capabilities
    stack.description = planning.document_of(stack).get("Description", "")
    stack.disable_rollback = bool(
        call.params.get("DisableRollback") or change_set.on_failure == "DO_NOTHING"
    )
    stack.on_failure = change_set.on_failure or "ROLLBACK"
    stack.token = call.params.get("ClientRequestToken") or ""
    stack.change_sets.clear()
    stacks.begin(call.cloud, stack, creating=creating, before=before)
    call.begun = stacks.run(call.cloud, stack)
    return {}


@operation("cloudformation", "DeleteChangeSet")
def delete_change_set(call: Call) -> Json:
    """Forget a change set."""
    try:
        stack, change_set = find_change_set(call)
    except ApiError:
        return {}
    del stack.change_sets[change_set.id]
    if call.params.get("DeleteStack") and stack.status == REVIEW and not stack.change_sets:
        stack.status = GONE
    return {}
