"""The CloudFormation API: what there is to see of stacks and templates."""

import json

from mlzone_cloud.cfn import planning, preparation, registry, stacks, template
from mlzone_cloud.cfn.change_sets import find_change_set
from mlzone_cloud.cfn.state import GONE, Event, Json, Stack, StackResource
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, operation

_PAGE = 100


@operation("cloudformation", "DescribeStacks")
def describe_stacks(call: Call) -> Json:
    """Describe one stack or all that exist."""
    if call.params.get("StackName"):
        return {"Stacks": [_described(stacks.find(call))]}
    alive = [item for item in stacks.stacks_of(call).values() if item.status != GONE]
    return paged(call, "Stacks", [_described(stack) for stack in reversed(alive)])


def paged(call: Call, key: str, items: list[Json]) -> Json:
    """Return one page of a listing.

    Raises:
        ApiError: the token is none of this listing.
    """
    given = call.params.get("NextToken") or "0"
    if not given.isdigit():
        raise ApiError("ValidationError", f"invalid NextToken {given}")
    start = int(given)
    answer: Json = {key: items[start : start + _PAGE]}
    if len(items) > start + _PAGE:
        answer["NextToken"] = str(start + _PAGE)
    return answer


def _described(stack: Stack) -> Json:
    described: Json = {
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": stack.description or None,
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "DisableRollback": stack.disable_rollback,
        "NotificationARNs": stack.notification_arns,
        "Capabilities": stack.capabilities,
        "Outputs": stack.outputs,
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "EnableTerminationProtection": stack.protected,
        "DriftInformation": {
            "StackDriftStatus": stack.drift.get("StackDriftStatus", "NOT_CHECKED"),
            "LastCheckTimestamp": stack.drift.get("Timestamp"),
        },
        "Parameters": _parameters(stack),
    }
    if stack.reason:
        described["StackStatusReason"] = stack.reason
    if stack.parent_id:
        described["ParentId"] = described["RootId"] = stack.parent_id
    if stack.role_arn:
        described["RoleARN"] = stack.role_arn
    for key, moment in (("LastUpdatedTime", stack.updated), ("DeletionTime", stack.deleted)):
        if moment:
            described[key] = moment
    return described


def _parameters(stack: Stack) -> list[Json]:
    listed = []
    for name, item in (planning.document_of(stack).get("Parameters") or {}).items():
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
    listed = [
        {key: value for key, value in _described(stack).items() if key in _SUMMARY}
        for stack in reversed(stacks.stacks_of(call).values())
        if not wanted or stack.status in wanted
    ]
    return paged(call, "StackSummaries", listed)


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
    listed = [_event(stack, event) for event in reversed(stack.events)]
    return paged(call, "StackEvents", listed)


def _event(stack: Stack, event: Event) -> Json:
    return {
        "StackId": stack.id,
        "EventId": event.id,
        "StackName": stack.name,
        "OperationId": event.operation or None,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": event.time,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "ClientRequestToken": event.token or None,
    }


@operation("cloudformation", "DescribeEvents")
def describe_events(call: Call) -> Json:
    """Show what happened in a stack or an operation, newest first."""
    wanted = call.params.get("OperationId")
    if call.params.get("ChangeSetName"):
        # Change sets have no events of their own: they are worked out before they are announced.
        find_change_set(call)
        return {"OperationEvents": []}
    found = [stacks.find(call)] if call.params.get("StackName") else stacks.stacks_of(call).values()
    only_failed = (call.params.get("Filters") or {}).get("FailedEvents")
    listed = [
        {**_event(stack, event), "EventType": "STACK_EVENT", "StartTime": event.time}
        for stack in found
        for event in reversed(stack.events)
        if (not wanted or event.operation == wanted)
        and (not only_failed or event.status.endswith("FAILED"))
    ]
    return paged(call, "OperationEvents", listed)


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
            "StackResourceDriftStatus": resource.drift.get(
                "StackResourceDriftStatus", "NOT_CHECKED"
            ),
            "LastCheckTimestamp": resource.drift.get("Timestamp"),
        },
        **({"ResourceStatusReason": resource.reason} if resource.reason else {}),
    }


@operation("cloudformation", "ListStackResources")
def list_stack_resources(call: Call) -> Json:
    """List a stack's resources."""
    stack = stacks.find(call)
    listed = [_resource(stack, item) for item in stack.resources.values()]
    return paged(call, "StackResourceSummaries", listed)


@operation("cloudformation", "DescribeStackResources")
def describe_stack_resources(call: Call) -> Json:
    """Describe a stack's resources, or one of them."""
    stack = _stack_or_owner(call)
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
    resource = stack.resources[name]
    detail = {**_resource(stack, resource), "Metadata": json.dumps(resource.metadata)}
    return {"StackResourceDetail": detail}


def _stack_or_owner(call: Call) -> Stack:
    """Return the stack of a request, or the one that has the given resource."""
    physical_id = call.params.get("PhysicalResourceId")
    if call.params.get("StackName") or not physical_id:
        return stacks.find(call)
    for stack in stacks.stacks_of(call).values():
        if stack.status != GONE and any(
            item.physical_id == physical_id for item in stack.resources.values()
        ):
            return stack
    raise ApiError("ValidationError", f"Stack for {physical_id} does not exist")


@operation("cloudformation", "ListExports")
def list_exports(call: Call) -> Json:
    """List the exports of an account and Region."""
    return paged(call, "Exports", preparation.exports(call.cloud, call.account, call.region))


@operation("cloudformation", "ListImports")
def list_imports(call: Call) -> Json:
    """List the stacks that import an export."""
    name = call.params["ExportName"]
    names = preparation.importers(call.cloud, call.account, call.region, name)
    if not names:
        raise ApiError("ValidationError", f"Export '{name}' is not imported by any stack.")
    return {"Imports": names}


# --- templates ------------------------------------------------------------------------------


@operation("cloudformation", "GetTemplate")
def get_template(call: Call) -> Json:
    """Return a stack's template as it was given."""
    stack = stacks.find(call)
    body = stack.template_body
    if call.params.get("ChangeSetName"):
        body = find_change_set(call)[1].template_body
    return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}


@operation("cloudformation", "GetTemplateSummary", "ValidateTemplate")
def get_template_summary(call: Call) -> Json:
    """Describe a template."""
    stack = stacks.find(call) if call.params.get("StackName") else None
    body = stack.template_body if stack else stacks.body_of(call, None)
    call.params["Capabilities"] = ["CAPABILITY_NAMED_IAM"]
    document = stacks.check(call, body)
    types = sorted({item["Type"] for item in document["Resources"].values()})
    needed = preparation.capabilities_of(document)
    return {
        "Description": document.get("Description", ""),
        "ResourceTypes": types,
        "Capabilities": [needed] if needed else [],
        "CapabilitiesReason": (
            "The following resource(s) require capabilities: "
            f"[{', '.join(name for name in types if name.startswith('AWS::IAM::'))}]"
            if needed
            else None
        ),
        "Parameters": [
            {
                "ParameterKey": name,
                "ParameterType": item.get("Type", "String"),
                "Description": item.get("Description", ""),
                "NoEcho": bool(item.get("NoEcho")),
                **({"DefaultValue": template.text(item["Default"])} if "Default" in item else {}),
            }
            for name, item in (document.get("Parameters") or {}).items()
        ],
        "Metadata": json.dumps(document["Metadata"]) if "Metadata" in document else None,
    }


@operation("cloudformation", "DescribeType")
def describe_type(call: Call) -> Json:
    """Tell whether a resource type exists."""
    name = call.params.get("TypeName") or ""
    if not registry.is_known(name, call.region):
        raise ApiError("TypeNotFoundException", f"The type '{name}' cannot be found.")
    return {"TypeName": name, "Type": "RESOURCE", "Visibility": "PUBLIC"}
