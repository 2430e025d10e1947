"""The CloudFormation API: operations on stacks."""

from typing import TYPE_CHECKING

from mlzone_cloud.cfn import (  # noqa: F401 - importing registers operations
    change_sets,
    cloud_control,
    custom_resource,
    describe,
    drift,
    planning,
    stack_policy,
    stacks,
)
from mlzone_cloud.cfn.records import set_status
from mlzone_cloud.cfn.state import Json, Stack
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, operation

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def install(cloud: "Cloud") -> None:
    """Take answers of custom resources; go on with what a stopped process left in the middle."""
    cloud.routes[custom_resource.PATH] = custom_resource.receive
    cloud.resumers.append(_resume)
    cloud.resting[stacks.STORE] = stacks.rest


def _resume(cloud: "Cloud") -> None:
    for (name, _, _), store in list(cloud.stores.items()):
        if name == stacks.STORE:
            for stack in store.values():
                # A nested stack goes on with its parent.
                if stack.in_progress and not stack.parent_id:
                    stacks.run(cloud, stack)


# --- stacks ---------------------------------------------------------------------------------


@operation("cloudformation", "CreateStack")
def create_stack(call: Call) -> Json:
    """Create a stack."""
    name = call.params["StackName"]
    token = call.params.get("ClientRequestToken")
    if existing := stacks.exists(call, name):
        if token and existing.token == token:
            return {"StackId": existing.id}
        raise ApiError("AlreadyExistsException", f"Stack [{name}] already exists")
    body = stacks.body_of(call, None)
    document = stacks.check(call, body)
    stacks.parameters_of(call, None)
    stacks.service_role(call)
    stack = stacks.new_stack(call.cloud, call.account, call.region, name)
    before = stacks.apply_request(call, stack, body, document)
    stack.protected = bool(call.params.get("EnableTerminationProtection"))
    stack.policy = call.params.get("StackPolicyBody") or ""
    stacks.begin(call.cloud, stack, creating=True, before=before)
    stacks.run(call.cloud, stack)
    return {"StackId": stack.id, "OperationId": stack.operation_id}


@operation("cloudformation", "UpdateStack")
def update_stack(call: Call) -> Json:
    """Update a stack."""
    stack = stacks.find(call, deleted=False)
    token = call.params.get("ClientRequestToken")
    if token and stack.token == token:
        return {"StackId": stack.id}
    stacks.check_updatable(stack)
    body = stacks.body_of(call, stack)
    document = stacks.check(call, body)
    given = stacks.parameters_of(call, stack)
    context = stacks.context_of(call, stack, stacks.tags_of(call, stack))
    planned = planning.planned(stack, body, context, given)
    unchanged = not planned and planning.same_outputs(stack, document, given)
    if unchanged and stack.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
        raise ApiError("ValidationError", "No updates are to be performed.")
    before = stacks.apply_request(call, stack, body, document)
    stack.policy = call.params.get("StackPolicyBody") or stack.policy
    stacks.begin(call.cloud, stack, creating=False, before=before)
    stacks.run(call.cloud, stack)
    return {"StackId": stack.id, "OperationId": stack.operation_id}


@operation("cloudformation", "DeleteStack")
def delete_stack(call: Call) -> Json:
    """Delete a stack; one that does not exist is fine."""
    stack = stacks.exists(call, call.params["StackName"])
    if stack is None or stack.status == "DELETE_IN_PROGRESS":
        return {}
    if stack.protected:
        raise ApiError(
            "ValidationError",
            f"Stack [{stack.id}] cannot be deleted while TerminationProtection is enabled",
        )
    if stack.in_progress:
        raise ApiError(
            "ValidationError",
            f"Stack [{stack.id}] cannot be deleted while in status {stack.status}",
        )
    retain = call.params.get("RetainResources") or []
    if retain and stack.status != "DELETE_FAILED":
        raise ApiError(
            "ValidationError",
            f"Invalid operation on stack [{stack.id}]. Specify which resources to retain only when "
            "the stack is in the DELETE_FAILED state.",
        )
    stacks.take_role(call, stack)
    stack.token = call.params.get("ClientRequestToken") or ""
    stacks.begin_deletion(call.cloud, stack, retain)
    call.begun = stacks.run(call.cloud, stack)
    return {}


@operation("cloudformation", "CancelUpdateStack")
def cancel_update_stack(call: Call) -> Json:
    """Stop an update before its next resource; what it did is undone."""
    stack = stacks.find(call, deleted=False)
    if stack.status != "UPDATE_IN_PROGRESS" or stack.journal is None:
        raise ApiError(
            "ValidationError",
            "CancelUpdateStack cannot be called from current stack status",
        )
    stack.journal.cancelled = True
    return {}


@operation("cloudformation", "ContinueUpdateRollback")
def continue_update_rollback(call: Call) -> Json:
    """Try again to return to the state before a failed update."""
    stack = stacks.find(call, deleted=False)
    if stack.status != "UPDATE_ROLLBACK_FAILED" or stack.journal is None:
        raise ApiError(
            "ValidationError",
            f"Stack:{stack.id} is in {stack.status} state and can not be rolled back.",
        )
    skipped = call.params.get("ResourcesToSkip") or []
    failed = {step.name for step in stack.journal.steps}
    if unknown := sorted(set(skipped) - failed):
        raise ApiError(
            "ValidationError", f"Resources to skip must have failed to update: {unknown}"
        )
    stacks.take_role(call, stack)
    stack.journal.steps = [step for step in stack.journal.steps if step.name not in skipped]
    return _roll_back(call, stack)


@operation("cloudformation", "RollbackStack")
def rollback_stack(call: Call) -> Json:
    """Undo an operation that failed while rollback was switched off."""
    stack = stacks.find(call, deleted=False)
    if stack.status not in ("CREATE_FAILED", "UPDATE_FAILED") or stack.journal is None:
        raise ApiError(
            "ValidationError",
            f"RollbackStack operation cannot be performed on stack in {stack.status} state",
        )
    stacks.take_role(call, stack)
    return _roll_back(call, stack)


def _roll_back(call: Call, stack: Stack) -> Json:
    journal = stack.journal
    assert journal is not None, "the callers checked"  # noqa: S101
    journal.phase = "undo"
    verb = "ROLLBACK" if journal.kind == "CREATE" else "UPDATE_ROLLBACK"
    set_status(call.cloud, stack, f"{verb}_IN_PROGRESS", "User Initiated")
    stacks.run(call.cloud, stack)
    return {"StackId": stack.id, "OperationId": stack.operation_id}


@operation("cloudformation", "UpdateTerminationProtection")
def update_termination_protection(call: Call) -> Json:
    """Protect a stack from deletion, or no longer."""
    stack = stacks.find(call, deleted=False)
    stack.protected = bool(call.params["EnableTerminationProtection"])
    return {"StackId": stack.id}


@operation("cloudformation", "SetStackPolicy")
def set_stack_policy(call: Call) -> Json:
    """Set which resources updates may touch."""
    stack = stacks.find(call, deleted=False)
    body = call.params.get("StackPolicyBody") or ""
    if call.params.get("StackPolicyURL"):
        body = stacks.read_url(call.cloud, call.account, call.region, call.params["StackPolicyURL"])
    stack_policy.parse(body)
    stack.policy = body
    return {}


@operation("cloudformation", "GetStackPolicy")
def get_stack_policy(call: Call) -> Json:
    """Return a stack's policy."""
    policy = stacks.find(call, deleted=False).policy
    return {"StackPolicyBody": policy} if policy else {}
