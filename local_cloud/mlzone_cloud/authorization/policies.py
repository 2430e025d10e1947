"""Finds the policies that bear on a call, in the state of the cloud."""

import functools
import json
from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends
from moto.organizations.models import organizations_backends

from mlzone_access import Policy, PolicyError, PrincipalKind
from mlzone_cloud.identity import Caller

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_PARTITION = "aws"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


_DENY_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Unreadable", "Effect": "Deny", "Action": "*", "Resource": "*"}],
}


@functools.lru_cache(maxsize=4096)
def parsed(document: str, name: str, *, of_resource: bool = False) -> Policy:
    """Parse a policy once; an unreadable one denies everything, a misplaced one decides nothing.

    AWS refuses to store either. What cannot be read may have been meant to deny.

    Args:
        document: its text.
        name: what a refusal calls it.
        of_resource: whether it hangs on a resource, so that its statements must name principals.
    """
    try:
        policy = Policy.parse(document, name=name)
    except PolicyError:
        return Policy.parse(_DENY_ALL, name=f"{name} (unreadable)")
    misplaced = policy.some_names_no_principal if of_resource else policy.some_names_principal
    return Policy(name=name, statements=()) if misplaced else policy


def role_of(arn: str) -> Any:
    """Return moto's role, or None if it does not exist (any more)."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    for role in iam_backends[account][_PARTITION].roles.values():
        if role.name == name:
            return role
    return None


def default_version(policy: Any) -> str | None:
    """Return the document of a managed policy that is in force."""
    for version in policy.versions:
        if version.is_default:
            return text_of(version.document)
    return None


def identity_policies(caller: Caller) -> tuple[Policy, ...]:
    """Return the policies of a role, or of a user and its groups, attached and inline."""
    backend = iam_backends[caller.account][_PARTITION]
    holders: list[Any] = []
    if caller.principal.kind is PrincipalKind.USER:
        user = next((u for u in backend.users.values() if u.arn == caller.principal.arn), None)
        groups = [g for g in backend.groups.values() if user in g.users]
        holders = [user, *groups] if user else []
    elif role := role_of(caller.principal.arn):
        holders = [role]
    attached = [
        parsed(document, policy.arn)
        for holder in holders
        for policy in holder.managed_policies.values()
        if (document := default_version(policy))
    ]
    inline = [
        parsed(text_of(document), f"inline policy {name} of {holder.name}")
        for holder in holders
        for name, document in holder.policies.items()
    ]
    return (*attached, *inline)


def boundary(caller: Caller) -> Policy | None:
    """Return a role's permissions boundary."""
    is_role = caller.principal.kind is PrincipalKind.ROLE
    role = role_of(caller.principal.arn) if is_role else None
    arn = getattr(role, "permissions_boundary_arn", None) if role else None
    if not arn:
        return None
    backend = iam_backends[caller.account][_PARTITION]
    policy = backend.managed_policies.get(arn)
    document = default_version(policy) if policy else None
    return parsed(document, arn) if document else Policy(name=arn, statements=())


def trust_policy(role_arn: str) -> Policy | None:
    """Return a role's trust policy."""
    role = role_of(role_arn)
    if role is None:
        return None
    document = text_of(role.assume_role_policy_document)
    return parsed(document, f"trust policy of {role.name}", of_resource=True)


def control_policies(cloud: "Cloud", account: str, kind: str) -> tuple[tuple[Policy, ...], ...]:
    """Return the organization's policies of a kind by level, from the root to an account.

    A level without any policy of the kind is left out: AWS keeps its full-access policy attached,
    which allows everything.
    """
    if not cloud.management_account or (kind == SCP and account == cloud.management_account):
        return ()
    backend = organizations_backends[cloud.management_account][_PARTITION]
    levels = []
    for target in _path(backend, account):
        policies = tuple(
            parsed(text_of(policy.content), policy.name, of_resource=kind == RCP)
            for policy in target.attached_policies
            if policy.type == kind
        )
        if policies:
            levels.append(policies)
    return tuple(levels)


def _path(backend: Any, account: str) -> list[Any]:
    """Return root, organizational units and account, outermost first."""
    member = next((item for item in backend.accounts if item.id == account), None)
    path: list[Any] = []
    units = {item.id: item for item in backend.ou}
    current = member
    while current is not None:
        path.insert(0, current)
        parent = getattr(current, "parent_id", None)
        current = units.get(parent) if parent else None
        if current is path[0]:
            break
    return path


def text_of(document: Any) -> str:
    """Return a policy's document as text."""
    return document if isinstance(document, str) else json.dumps(document)
