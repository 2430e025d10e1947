"""The decision at the front door, and AWS's words for a refusal."""

from collections.abc import Iterator
from typing import Any

from mlzone_access import Decision, Layer, Policies, PrincipalKind, Request, evaluate
from mlzone_cloud.authorization import policies as lookup
from mlzone_cloud.authorization.actions import IAM_PREFIXES, OPEN, iam_action
from mlzone_cloud.authorization.context import condition_context
from mlzone_cloud.authorization.resource_policies import owner_of, resource_policy
from mlzone_cloud.authorization.resource_state import resource_keys
from mlzone_cloud.authorization.resources import resource_arns
from mlzone_cloud.errors import ApiError
from mlzone_cloud.identity import Caller
from mlzone_cloud.operations import Call

_POLICY_HAS_LAST_WORD = ("kms:", "sts:AssumeRole")
_PASSING_VERBS = (
    "Add",
    "Continue",
    "Create",
    "Delete",
    "Put",
    "Register",
    "Rollback",
    "Run",
    "Start",
    "Update",
)
_ROLE_PARAMETERS = ("role", "executionrole", "rolearn", "executionrolearn", "servicerole")


def authorize(call: Call) -> str:
    """Decide whether a call may go on.

    Returns:
        The account in which the call acts: the owner of the resource it names.

    Raises:
        ApiError: it may not; the message is worded as AWS words it.
    """
    action = iam_action(call.service, call.operation)
    if action in OPEN:
        return call.account or call.cloud.management_account
    if call.internal:
        return owner_of(resource_arns(call)[0], call.account)
    if call.caller is None:
        raise ApiError(
            "MissingAuthenticationToken",
            "Missing Authentication Token: the request is not signed",
            status=403,
        )
    owners = [_decide(call, call.caller, action, resource) for resource in resource_arns(call)]
    for further in _further_actions(call):
        _decide(call, call.caller, further, call.params["RoleArn"])
    for role_arn in _passed_roles(call):
        _decide(call, call.caller, "iam:PassRole", role_arn)
    return owners[0]


def _decide(call: Call, caller: Caller, action: str, resource: str) -> str:
    owner = owner_of(resource, caller.account)
    if _is_above_policies(call, caller, owner):
        return owner
    hanging = lookup.trust_policy(resource) if action.startswith("sts:") else None
    hanging = hanging or resource_policy(call.cloud, resource, owner)
    context = condition_context(call)
    context["aws:ResourceAccount"] = owner
    if action == "iam:PassRole":
        context["iam:PassedToService"] = _passed_to(call)
    # The KMS key's policy is asked only where the key exists; otherwise KMS says so itself.
    last_word = action.startswith(_POLICY_HAS_LAST_WORD) and (
        hanging is not None or action.startswith("sts:")
    )
    decision = evaluate(
        Request(
            principal=caller.principal,
            action=action,
            resource=resource,
            resource_account=owner,
            context=context,
            resolver=resource_keys(call, resource, owner),
        ),
        Policies(
            identity=lookup.identity_policies(caller),
            boundary=lookup.boundary(caller),
            session=tuple(
                lookup.parsed(document, "the session policy")
                for document in caller.session_policies
            ),
            scps=lookup.control_policies(call.cloud, caller.account, lookup.SCP),
            rcps=lookup.control_policies(call.cloud, owner, lookup.RCP),
            resource=hanging,
            management_account=call.cloud.management_account,
            resource_must_allow=last_word,
        ),
    )
    if not decision.allowed:
        raise _denied(call, caller, action, resource, decision)
    return owner


def _is_above_policies(call: Call, caller: Caller, owner: str) -> bool:
    """Tell whether nothing can deny the caller: the management account's root, at home."""
    return (
        caller.principal.kind is PrincipalKind.ROOT
        and caller.account == owner == call.cloud.management_account
    )


def _denied(call: Call, caller: Caller, action: str, resource: str, decision: Decision) -> ApiError:
    on = "" if resource == "*" else f" on resource: {resource}"
    article = "an" if decision.layer is Layer.IDENTITY else "a"
    if decision.explicit:
        why = f"with an explicit deny in {article} {decision.layer}"
    else:
        why = f"because no {decision.layer} allows the {action} action"
    call.cloud.record_denial(caller.arn, action, resource, decision)
    code = "AccessDenied" if call.service in ("s3", "sts", "iam") else "AccessDeniedException"
    if call.service == "ec2":
        code = "UnauthorizedOperation"
    return ApiError(
        code,
        f"User: {caller.arn} is not authorized to perform: {action}{on} {why}"
        + (f" [{decision.policy}: {decision.statement}]" if decision.policy else ""),
        status=403,
    )


def _further_actions(call: Call) -> list[str]:
    """Return what beginning a session needs besides: tags and SourceIdentity are rights too."""
    if (call.service, call.operation) != ("sts", "AssumeRole"):
        return []
    needed = []
    if call.params.get("Tags") or (call.caller and call.caller.transitive_tags):
        needed.append("sts:TagSession")
    if call.params.get("SourceIdentity") or (call.caller and call.caller.source_identity):
        needed.append("sts:SetSourceIdentity")
    return needed


def _passed_roles(call: Call) -> list[str]:
    """Return the roles that a call hands to a service (iam:PassRole)."""
    if call.service in ("iam", "sts", "kms", "s3", "ssm", "organizations"):
        return []
    if not call.operation.startswith(_PASSING_VERBS):
        return []
    return sorted(set(_roles(call.params)))


def _roles(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            is_role = key.lower().replace("_", "") in _ROLE_PARAMETERS
            if is_role and isinstance(item, str) and ":role/" in item:
                yield item
            else:
                yield from _roles(item)
    elif isinstance(value, list):
        for item in value:
            yield from _roles(item)


def _passed_to(call: Call) -> str:
    prefix = IAM_PREFIXES.get(call.service, call.service)
    return f"{prefix}.amazonaws.com"
