"""The Cloud Control API: single resources, made by the same providers as those of stacks."""

import json
import uuid
from typing import Any

from mlzone_cloud.cfn import registry
from mlzone_cloud.cfn.errors import FAILURES, ResourceError, handler_code, reason_of
from mlzone_cloud.cfn.provider import Context, NotReadableError, Provider
from mlzone_cloud.cfn.schema import ResourceSchema, find_schema
from mlzone_cloud.cfn.state import Json, StackResource
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, operation

_REQUESTS = "cloudcontrol.requests"
_RESOURCES = "cloudcontrol.resources"


def _type_of(call: Call) -> tuple[ResourceSchema, Provider]:
    name = call.params["TypeName"]
    schema = find_schema(name, call.region)
    if schema is None:
        raise ApiError("TypeNotFoundException", f"The type '{name}' cannot be found.")
    return schema, registry.provider_of(name, call.region)


def _context(call: Call) -> Context:
    is_role = call.caller is not None and ":role/" in call.caller.principal.arn
    return Context(
        cloud=call.cloud,
        account=call.account,
        region=call.region,
        stack_name="cloudcontrol",
        stack_id="",
        tags={},
        role_arn=call.params.get("RoleArn")
        or (call.caller.principal.arn if is_role and call.caller else None),
    )


def _resources(call: Call) -> dict[str, StackResource]:
    return call.cloud.store(f"{_RESOURCES}.{call.params['TypeName']}", call.account, call.region)


def _found(call: Call) -> StackResource:
    """Return a resource that was made here or by a stack.

    Raises:
        ApiError: there is none.
    """
    wanted = call.params["Identifier"]
    made = _resources(call).get(wanted)
    if made:
        return made
    for stack in call.cloud.store("cloudformation.stacks", call.account, call.region).values():
        for resource in stack.resources.values():
            if resource.type == call.params["TypeName"] and resource.physical_id == wanted:
                found: StackResource = resource
                return found
    raise ApiError(
        "ResourceNotFoundException",
        f"Resource of type '{call.params['TypeName']}' with identifier '{wanted}' was not found.",
    )


def _event(call: Call, action: str, identifier: str, failure: BaseException | None) -> Json:
    event: Json = {
        "TypeName": call.params["TypeName"],
        "Identifier": identifier,
        "RequestToken": str(uuid.uuid4()),
        "Operation": action,
        "OperationStatus": "FAILED" if failure else "SUCCESS",
        "EventTime": call.cloud.clock.now(),
    }
    if failure:
        event |= {"StatusMessage": reason_of(failure), "ErrorCode": handler_code(failure)}
    call.cloud.store(_REQUESTS, call.account, call.region)[event["RequestToken"]] = event
    return {"ProgressEvent": event}


def _validated(schema: ResourceSchema, properties: Json) -> Json:
    coerced: Json = schema.coerce(properties)
    if problems := schema.validate(coerced):
        raise ResourceError(
            f"Model validation failed ({'; '.join(problems)})", code="InvalidRequest"
        )
    return coerced


@operation("cloudcontrol", "CreateResource", exclusive=False)
def create_resource(call: Call) -> Json:
    """Make a resource."""
    schema, provider = _type_of(call)
    context, identifier = _context(call), ""
    try:
        properties = _validated(schema, json.loads(call.params["DesiredState"]))
        made = provider.create(context, "Resource", properties)
        identifier = made.physical_id
        resource = StackResource(
            logical_id="Resource",
            type=schema.type_name,
            physical_id=identifier,
            properties=properties,
            attributes=made.attributes,
            via=provider.via,
            status="CREATE_COMPLETE",
            updated=call.cloud.clock.now(),
        )
        _resources(call)[identifier] = resource
        resource.attributes = provider.settle(context, resource)
    except FAILURES as error:
        return _event(call, "CREATE", identifier, error)
    return _event(call, "CREATE", identifier, None)


@operation("cloudcontrol", "UpdateResource", exclusive=False)
def update_resource(call: Call) -> Json:
    """Change a resource by a JSON patch."""
    schema, provider = _type_of(call)
    resource, context = _found(call), _context(call)
    try:
        patched = json.loads(json.dumps(resource.properties))
        for change in json.loads(call.params["PatchDocument"]):
            _patch(patched, change)
        properties = _validated(schema, patched)
        if schema.replaced_by(resource.properties, properties):
            raise ResourceError("a create-only property cannot be changed", code="NotUpdatable")
        resource.attributes = provider.update(context, resource, properties).attributes
        resource.properties = properties
        resource.attributes = provider.settle(context, resource)
    except FAILURES as error:
        return _event(call, "UPDATE", resource.physical_id, error)
    return _event(call, "UPDATE", resource.physical_id, None)


def _patch(document: Json, change: Json) -> None:
    """Apply one step of a JSON patch to an object's members."""
    *parents, last = change["path"].removeprefix("/").split("/")
    target: Any = document
    for part in parents:
        target = target[int(part)] if isinstance(target, list) else target[part]
    if change["op"] == "remove":
        del target[int(last) if isinstance(target, list) else last]
    elif change["op"] not in ("add", "replace"):
        raise ResourceError(f"unsupported patch operation {change['op']}", code="InvalidRequest")
    elif isinstance(target, list):
        if last == "-":
            target.append(change["value"])
        elif change["op"] == "add":
            target.insert(int(last), change["value"])
        else:
            target[int(last)] = change["value"]
    else:
        target[last] = change["value"]


@operation("cloudcontrol", "DeleteResource", exclusive=False)
def delete_resource(call: Call) -> Json:
    """Remove a resource."""
    _, provider = _type_of(call)
    resource, context = _found(call), _context(call)
    try:
        provider.delete(context, resource)
        provider.settle_deletion(context, resource)
    except FAILURES as error:
        return _event(call, "DELETE", resource.physical_id, error)
    _resources(call).pop(resource.physical_id, None)
    return _event(call, "DELETE", resource.physical_id, None)


@operation("cloudcontrol", "GetResource", exclusive=False)
def get_resource(call: Call) -> Json:
    """Show a resource as it is."""
    resource = _found(call)
    return {"TypeName": resource.type, "ResourceDescription": _described(call, resource)}


def _described(call: Call, resource: StackResource) -> Json:
    provider = registry.provider_of(resource.type, call.region)
    try:
        actual = provider.live(_context(call), resource)
    except NotReadableError:
        actual = resource.properties
    if actual is None:
        raise ApiError(
            "ResourceNotFoundException",
            f"Resource of type '{resource.type}' with identifier '{resource.physical_id}' was not "
            "found.",
        )
    model = {**resource.properties, **actual, **resource.attributes}
    return {"Identifier": resource.physical_id, "Properties": json.dumps(model, default=str)}


@operation("cloudcontrol", "ListResources", exclusive=False)
def list_resources(call: Call) -> Json:
    """List the resources of a type that stacks or this API made."""
    _type_of(call)
    listed = list(_resources(call).values())
    for stack in call.cloud.store("cloudformation.stacks", call.account, call.region).values():
        listed += [r for r in stack.resources.values() if r.type == call.params["TypeName"]]
    return {
        "TypeName": call.params["TypeName"],
        "ResourceDescriptions": [_described(call, resource) for resource in listed],
    }


@operation("cloudcontrol", "GetResourceRequestStatus", exclusive=False)
def get_resource_request_status(call: Call) -> Json:
    """Tell how a request ended."""
    token = call.params["RequestToken"]
    event = call.cloud.store(_REQUESTS, call.account, call.region).get(token)
    if event is None:
        raise ApiError("RequestTokenNotFoundException", f"Request with token {token} was not found")
    return {"ProgressEvent": event}
