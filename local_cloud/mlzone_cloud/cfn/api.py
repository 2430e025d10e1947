"""The CloudFormation API."""

from typing import TYPE_CHECKING, Any

from mlzone_cloud.cfn import changes, custom_resource, preparation, registry, stacks
from mlzone_cloud.cfn.engine import STACK_TYPE, Operation, record
from mlzone_cloud.cfn.errors import TemplateError
from mlzone_cloud.cfn.state import ChangeSet, Json, Stack, StackResource
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, operation

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)
_PAGE = 100


def install(cloud: "Cloud") -> None:
    """Take answers of custom resources; finish what a stopped process left in the middle."""
    cloud.resumers.append(_resume)


def _resume(cloud: "Cloud") -> None:
    cloud.front_door.routes["/_cfn"] = custom_resource.receive
    for (name, _, _), store in list(cloud.stores.items()):
        if name == "cloudformation.stacks":
            for stack in store.values():
                if stack.in_progress:
                    cloud.submit(Operation(cloud, stack).abandon)


# --- stacks ---------------------------------------------------------------------------------


@operation("cloudformation", "CreateStack")
def create_stack(call: Call) -> Json:
    """Create a stack."""
    name = call.params["StackName"]
    if stacks.exists(call, name):
        raise ApiError("AlreadyExistsException", f"Stack [{name}] already exists")
    body = stacks.body_of(call, None)
    document = stacks.check(call, body)
    stack = stacks.new_stack(call, name)
    stacks.apply_request(call, stack, body, document)
    stack.protected = bool(call.params.get("EnableTerminationProtection"))
    stacks.begin(call, stack, creating=True)
    return {"StackId": stack.id}


@operation("cloudformation", "UpdateStack")
def update_stack(call: Call) -> Json:
    """Update a stack."""
    stack = stacks.find(call, deleted=False)
    body = stacks.body_of(call, stack)
    call.params.setdefault("Capabilities", stack.capabilities)
    document = stacks.check(call, body)
    given = stacks.parameters_of(call, stack, body)
    context = stacks.context_of(
        call, stack, stacks.tags_of(call, stack), stacks.service_role(call, stack)
    )
    same_outputs = document.get("Outputs") == _document(stack).get("Outputs")
    if not _planned(call, stack, body, context, given) and same_outputs:
        raise ApiError("ValidationError", "No updates are to be performed.")
    stacks.apply_request(call, stack, body, document)
    stacks.begin(call, stack, creating=False)
    return {"StackId": stack.id}


@operation("cloudformation", "DeleteStack")
def delete_stack(call: Call) -> Json:
    """Delete a stack; one that does not exist is fine."""
    stack = stacks.exists(call, call.params["StackName"])
    if stack is None:
        return {}
    if stack.protected:
        raise ApiError(
            "ValidationError",
            f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled",
        )
    if stack.in_progress:
        raise ApiError("ValidationError", f"Stack [{stack.name}] is in {stack.status} state")
    stack.role_arn = stacks.service_role(call, stack)
    stack.token = call.params.get("ClientRequestToken") or ""
    stack.status = "DELETE_IN_PROGRESS"
    record(call.cloud, stack, stack.name, STACK_TYPE, stack.status, "", "User Initiated")
    retain = call.params.get("RetainResources") or []
    call.cloud.submit(Operation(call.cloud, stack).delete, retain)
    return {}


@operation("cloudformation", "DescribeStacks")
def describe_stacks(call: Call) -> Json:
    """Describe one stack or all that exist."""
    if call.params.get("StackName"):
        return {"Stacks": [_described(stacks.find(call))]}
    alive = [item for item in stacks.stacks_of(call).values() if item.status != "DELETE_COMPLETE"]
    return {"Stacks": [_described(stack) for stack in reversed(alive)]}


def _described(stack: Stack) -> Json:
    described: Json = {
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": stack.description,
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "DisableRollback": stack.disable_rollback,
        "NotificationARNs": stack.notification_arns,
        "Capabilities": stack.capabilities,
        "Outputs": stack.outputs,
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "EnableTerminationProtection": stack.protected,
        "DriftInformation": {
            "StackDriftStatus": stack.drift.get("StackDriftStatus", "NOT_CHECKED")
        },
        "Parameters": _parameters(stack),
    }
    if stack.reason:
        described["StackStatusReason"] = stack.reason
    if stack.role_arn:
        described["RoleARN"] = stack.role_arn
    for key, moment in (("LastUpdatedTime", stack.updated), ("DeletionTime", stack.deleted)):
        if moment:
            described[key] = moment
    return described


def _document(stack: Stack) -> Json:
    from mlzone_cloud.cfn.template import parse  # noqa: PLC0415

    return parse(stack.template_body) if stack.template_body else {}


def _parameters(stack: Stack) -> list[Json]:
    listed = []
    for name, item in (_document(stack).get("Parameters") or {}).items():
        value = stack.parameters.get(name, str(item.get("Default", "")))
        entry: Json = {
            "ParameterKey": name,
            "ParameterValue": "****" if item.get("NoEcho") else value,
        }
        resolved = stack.resolved_parameters.get(name)
        if str(item.get("Type", "")).startswith("AWS::SSM::") and resolved is not None:
            entry["ResolvedValue"] = (
                ",".join(resolved) if isinstance(resolved, list) else str(resolved)
            )
        listed.append(entry)
    return listed


@operation("cloudformation", "ListStacks")
def list_stacks(call: Call) -> Json:
    """List stacks, deleted ones too."""
    wanted = call.params.get("StackStatusFilter")
    return {
        "StackSummaries": [
            {key: value for key, value in _described(stack).items() if key in _SUMMARY}
            for stack in reversed(stacks.stacks_of(call).values())
            if not wanted or stack.status in wanted
        ]
    }


_SUMMARY = frozenset(
    {
        "StackId",
        "StackName",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatus",
        "StackStatusReason",
        "DriftInformation",
    }
)


@operation("cloudformation", "DescribeStackEvents")
def describe_stack_events(call: Call) -> Json:
    """Show a stack's history, newest first."""
    stack = stacks.find(call)
    newest_first = list(reversed(stack.events))
    start = int(call.params.get("NextToken") or 0)
    answer: Json = {
        "StackEvents": [
            {
                "StackId": stack.id,
                "EventId": event.id,
                "StackName": stack.name,
                "LogicalResourceId": event.logical_id,
                "PhysicalResourceId": event.physical_id,
                "ResourceType": event.type,
                "Timestamp": event.time,
                "ResourceStatus": event.status,
                "ResourceStatusReason": event.reason or None,
                "ClientRequestToken": event.token or None,
            }
            for event in newest_first[start : start + _PAGE]
        ]
    }
    if len(newest_first) > start + _PAGE:
        answer["NextToken"] = str(start + _PAGE)
    return answer


@operation("cloudformation", "UpdateTerminationProtection")
def update_termination_protection(call: Call) -> Json:
    """Protect a stack from deletion, or no longer."""
    stack = stacks.find(call, deleted=False)
    stack.protected = bool(call.params["EnableTerminationProtection"])
    return {"StackId": stack.id}


@operation("cloudformation", "SetStackPolicy")
def set_stack_policy(call: Call) -> Json:
    """Keep a stack's policy."""
    stacks.find(call, deleted=False).policy = call.params.get("StackPolicyBody") or ""
    return {}


@operation("cloudformation", "GetStackPolicy")
def get_stack_policy(call: Call) -> Json:
    """Return a stack's policy."""
    policy = stacks.find(call, deleted=False).policy
    return {"StackPolicyBody": policy} if policy else {}


# --- resources ------------------------------------------------------------------------------


def _resource(stack: Stack, resource: StackResource) -> Json:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "ResourceStatus": resource.status,
        "LastUpdatedTimestamp": resource.updated,
        "Timestamp": resource.updated,
        "DriftInformation": {
            "StackResourceDriftStatus": "NOT_CHECKED",
        },
    }


@operation("cloudformation", "ListStackResources")
def list_stack_resources(call: Call) -> Json:
    """List a stack's resources."""
    stack = stacks.find(call)
    return {"StackResourceSummaries": [_resource(stack, item) for item in stack.resources.values()]}


@operation("cloudformation", "DescribeStackResources")
def describe_stack_resources(call: Call) -> Json:
    """Describe a stack's resources, or one of them."""
    stack = stacks.find(call)
    wanted = call.params.get("LogicalResourceId")
    return {
        "StackResources": [
            _resource(stack, item)
            for item in stack.resources.values()
            if not wanted or item.logical_id == wanted
        ]
    }


@operation("cloudformation", "DescribeStackResource")
def describe_stack_resource(call: Call) -> Json:
    """Describe one resource of a stack."""
    stack = stacks.find(call)
    name = call.params["LogicalResourceId"]
    if name not in stack.resources:
        raise ApiError("ValidationError", f"Resource {name} does not exist for stack {stack.name}")
    return {"StackResourceDetail": _resource(stack, stack.resources[name])}


@operation("cloudformation", "ListExports")
def list_exports(call: Call) -> Json:
    """List the exports of an account and Region."""
    return {"Exports": preparation.exports(call.cloud, call.account, call.region)}


# --- templates ------------------------------------------------------------------------------


@operation("cloudformation", "GetTemplate")
def get_template(call: Call) -> Json:
    """Return a stack's template as it was given."""
    stack = stacks.find(call)
    name = call.params.get("ChangeSetName")
    if name:
        return {"TemplateBody": _change_set(call, stack, name).template_body}
    return {"TemplateBody": stack.template_body, "StagesAvailable": ["Original", "Processed"]}


@operation("cloudformation", "GetTemplateSummary", "ValidateTemplate")
def get_template_summary(call: Call) -> Json:
    """Describe a template."""
    stack = stacks.find(call) if call.params.get("StackName") else None
    body = stack.template_body if stack else stacks.body_of(call, None)
    call.params["Capabilities"] = ["CAPABILITY_NAMED_IAM"]
    document = stacks.check(call, body)
    types = sorted({item["Type"] for item in document["Resources"].values()})
    needs_iam = any(name.startswith("AWS::IAM::") for name in types)
    return {
        "Description": document.get("Description", ""),
        "ResourceTypes": types,
        "Capabilities": ["CAPABILITY_NAMED_IAM"] if needs_iam else [],
        "Parameters": [
            {
                "ParameterKey": name,
                "ParameterType": item.get("Type", "String"),
                "Description": item.get("Description", ""),
                "NoEcho": bool(item.get("NoEcho")),
                **({"DefaultValue": str(item["Default"])} if "Default" in item else {}),
            }
            for name, item in (document.get("Parameters") or {}).items()
        ],
        "Metadata": None,
    }


# --- change sets ----------------------------------------------------------------------------


@operation("cloudformation", "CreateChangeSet")
def create_change_set(call: Call) -> Json:
    """Work out what a template would change."""
    kind = call.params.get("ChangeSetType") or "UPDATE"
    name = call.params["StackName"]
    stack = stacks.exists(call, name)
    if kind == "IMPORT":
        raise ApiError("ValidationError", "change sets of type IMPORT are not emulated here")
    if kind == "CREATE":
        if stack and stack.status != "REVIEW_IN_PROGRESS":
            raise ApiError("AlreadyExistsException", f"Stack [{name}] already exists")
        stack = stack or stacks.new_stack(call, name)
    elif stack is None:
        raise ApiError("ValidationError", f"Stack [{name}] does not exist")
    body = stacks.body_of(call, stack)
    document = stacks.check(call, body)
    change_set = ChangeSet(
        id=stack.id.replace(":stack/", ":changeSet/").rsplit("/", 2)[0]
        + f"/{call.params['ChangeSetName']}/{stack.id.rsplit('/', 1)[1]}",
        name=call.params["ChangeSetName"],
        kind=kind,
        created=call.cloud.clock.now(),
        template_body=body,
        parameters=stacks.parameters_of(call, stack, body),
        tags=stacks.tags_of(call, stack),
        role_arn=stacks.service_role(call, stack),
        capabilities=call.params.get("Capabilities") or [],
        notification_arns=call.params.get("NotificationARNs") or [],
        description=call.params.get("Description") or "",
        on_failure=call.params.get("OnStackFailure"),
    )
    context = stacks.context_of(call, stack, change_set.tags, change_set.role_arn)
    try:
        change_set.changes = _planned(call, stack, body, context, change_set.parameters)
    except ApiError as error:
        change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        change_set.reason = error.message
    else:
        same_outputs = document.get("Outputs") == _document(stack).get("Outputs")
        if not change_set.changes and kind == "UPDATE" and same_outputs:
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
            change_set.reason = _NO_CHANGES
    stack.change_sets[change_set.name] = change_set
    return {"Id": change_set.id, "StackId": stack.id}


def _planned(call: Call, stack: Stack, body: str, context: Any, given: dict[str, str]) -> Any:
    try:
        return changes.plan(call.cloud, stack, body, context, given)
    except TemplateError as error:
        raise ApiError("ValidationError", str(error)) from error


def _change_set(call: Call, stack: Stack | None, name: str) -> ChangeSet:
    candidates = [stack] if stack else list(stacks.stacks_of(call).values())
    for candidate in candidates:
        for change_set in candidate.change_sets.values():
            if name in (change_set.name, change_set.id):
                return change_set
    raise ApiError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")


def _stack_of(call: Call) -> Stack:
    if call.params.get("StackName"):
        return stacks.find(call)
    for stack in stacks.stacks_of(call).values():
        if any(item.id == call.params["ChangeSetName"] for item in stack.change_sets.values()):
            return stack
    raise ApiError(
        "ChangeSetNotFound", f"ChangeSet [{call.params['ChangeSetName']}] does not exist"
    )


@operation("cloudformation", "DescribeChangeSet")
def describe_change_set(call: Call) -> Json:
    """Show what a change set would change."""
    stack = _stack_of(call)
    change_set = _change_set(call, stack, call.params["ChangeSetName"])
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
        "Description": change_set.description,
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
                "ExecutionStatus": item.execution_status,
                "CreationTime": item.created,
            }
            for item in stack.change_sets.values()
        ]
    }


@operation("cloudformation", "ExecuteChangeSet")
def execute_change_set(call: Call) -> Json:
    """Carry out a change set."""
    stack = _stack_of(call)
    change_set = _change_set(call, stack, call.params["ChangeSetName"])
    if change_set.execution_status != "AVAILABLE":
        raise ApiError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{change_set.id}] cannot be executed in its current status of "
            f"[{change_set.status}]",
        )
    creating = stack.status == "REVIEW_IN_PROGRESS"
    stack.template_body = change_set.template_body
    stack.parameters = change_set.parameters
    stack.tags = change_set.tags
    stack.role_arn = change_set.role_arn
    stack.capabilities = change_set.capabilities
    stack.description = _document(stack).get("Description", "")
    stack.disable_rollback = bool(call.params.get("DisableRollback"))
    stack.change_sets.clear()
    stacks.begin(call, stack, creating=creating)
    return {}


@operation("cloudformation", "DeleteChangeSet")
def delete_change_set(call: Call) -> Json:
    """Forget a change set; a stack that only ever was under review goes with its last one."""
    try:
        stack = _stack_of(call)
        change_set = _change_set(call, stack, call.params["ChangeSetName"])
    except ApiError:
        return {}
    del stack.change_sets[change_set.name]
    return {}


@operation("cloudformation", "ContinueUpdateRollback", "RollbackStack")
def continue_update_rollback(call: Call) -> Json:
    """End a failed update: the stack is left as it is recorded."""
    stack = stacks.find(call, deleted=False)
    if stack.status not in ("UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED", "CREATE_FAILED"):
        raise ApiError("ValidationError", f"Stack {stack.id} is in {stack.status} state")
    stack.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    call.cloud.submit(Operation(call.cloud, stack).abandon)
    return {"StackId": stack.id}


@operation("cloudformation", "DescribeType")
def describe_type(call: Call) -> Json:
    """Tell whether a resource type exists."""
    name = call.params.get("TypeName") or ""
    if not registry.is_known(name, call.region):
        raise ApiError("TypeNotFoundException", f"The type '{name}' cannot be found.")
    return {"TypeName": name, "Type": "RESOURCE", "Visibility": "PUBLIC"}
