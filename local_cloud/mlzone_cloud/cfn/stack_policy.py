"""Stack policies: which resources an update may touch."""

import fnmatch
import json
from typing import Any

from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.state import Stack, StackResource
from mlzone_cloud.errors import ApiError


def check(stack: Stack, resource: StackResource, action: str) -> None:
    """Refuse what the stack's policy denies or, once there is one, does not allow.

    Raises:
        ResourceError: the policy is against it.
    """
    if not stack.policy:
        return
    effects = {
        statement.get("Effect")
        for statement in json.loads(stack.policy).get("Statement", ())
        if _applies(statement, resource, action)
    }
    if "Deny" in effects or "Allow" not in effects:
        raise ResourceError(
            f"Action denied by stack policy: Statement [#1] does not allow [{action}] for resource "
            f"[LogicalResourceId/{resource.logical_id}]",
            code="AccessDenied",
        )


def _applies(statement: dict[str, Any], resource: StackResource, action: str) -> bool:
    name = f"LogicalResourceId/{resource.logical_id}"
    matches = (
        _any(statement.get("Action"), action)
        if "Action" in statement
        else (not _any(statement.get("NotAction"), action))
    )
    if "Resource" in statement:
        matches &= _any(statement["Resource"], name)
    elif "NotResource" in statement:
        matches &= not _any(statement["NotResource"], name)
    types = statement.get("Condition", {}).get("StringEquals", {}).get("ResourceType")
    return matches and (types is None or _any(types, resource.type))


def _any(patterns: Any, value: str) -> bool:
    listed = patterns if isinstance(patterns, list) else [patterns]
    return any(fnmatch.fnmatchcase(value, str(pattern)) for pattern in listed)


def parse(body: str) -> None:
    """Refuse a text that is not a policy.

    Raises:
        ApiError: it is none.
    """
    try:
        readable = isinstance(json.loads(body).get("Statement"), list)
    except (ValueError, AttributeError):
        readable = False
    if not readable:
        raise ApiError("ValidationError", "Error validating stack policy: Invalid stack policy")
