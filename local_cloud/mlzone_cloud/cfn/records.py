"""A stack's status and history."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from mlzone_cloud.cfn.state import Event, Stack, StackResource

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

STACK_TYPE = "AWS::CloudFormation::Stack"
_MILLISECOND = timedelta(milliseconds=1)


def touch(cloud: "Cloud", stack: Stack) -> None:
    """Have a stack saved together with whatever else changed before the lock is released.

    A resource that was saved without its stack's record of it would be in the way of the stack
    that goes on after a restart.
    """
    cloud.store("cloudformation.stacks", stack.account, stack.region)


def record(
    cloud: "Cloud",
    stack: Stack,
    name: str,
    type_name: str,
    status: str,
    *,
    physical_id: str = "",
    reason: str = "",
) -> None:
    """Add an event to a stack's history; no two have the same time, since clients sort by it."""
    with cloud.lock:
        touch(cloud, stack)
        now = cloud.clock.now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        if stack.events:
            now = max(now, stack.events[-1].time + _MILLISECOND)
        stack.events.append(
            Event(
                id=f"{name}-{status}-{uuid.uuid4()}",
                time=now,
                logical_id=name,
                physical_id=physical_id,
                type=type_name,
                status=status,
                reason=reason,
                token=stack.token,
                operation=stack.operation_id,
            )
        )


def set_status(cloud: "Cloud", stack: Stack, status: str, reason: str = "") -> None:
    """Change a stack's status and tell so."""
    with cloud.lock:
        stack.status, stack.reason = status, reason
        record(cloud, stack, stack.name, STACK_TYPE, status, physical_id=stack.id, reason=reason)
    cloud.changed()


def set_resource_status(
    cloud: "Cloud", stack: Stack, resource: StackResource, status: str, reason: str = ""
) -> None:
    """Change a resource's status and tell so."""
    with cloud.lock:
        resource.status, resource.reason = status, reason
        resource.updated = cloud.clock.now()
        record(
            cloud,
            stack,
            resource.logical_id,
            resource.type,
            status,
            physical_id=resource.physical_id,
            reason=reason,
        )
