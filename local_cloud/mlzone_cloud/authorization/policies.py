"""Finds the policies that bear on a call, in the state of the cloud."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from moto.ecr.models import ecr_backends
from moto.events.models import events_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.organizations.models import organizations_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from mlzone_access import Policy, PolicyError
from mlzone_cloud.identity import Caller

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_PARTITION = "aws"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


@functools.lru_cache(maxsize=4096)
def parsed(document: str, name: str) -> Policy:
    """Parse a policy once; an unreadable one decides nothing and allows nothing."""
    try:
        return Policy.parse(document, name=name)
    except PolicyError:
        return Policy(name=name, statements=())


def role_of(arn: str) -> Any:
    """Return moto's role, or None if it does not exist (any more)."""
    account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
    for role in iam_backends[account][_PARTITION].roles.values():
        if role.name == name:
            return role
    return None


def _default_version(policy: Any) -> str | None:
    """Return the document of a managed policy that is in force."""
    for version in policy.versions:
        if version.is_default:
            return _text(version.document)
    return None


def identity_policies(caller: Caller) -> tuple[Policy, ...]:
    """Return the policies of a role, attached and inline."""
    role = role_of(caller.principal.arn)
    if role is None:
        return ()
    attached = [
        parsed(document, policy.arn)
        for policy in role.managed_policies.values()
        if (document := _default_version(policy))
    ]
    inline = [
        parsed(_text(document), f"inline policy {name} of {role.name}")
        for name, document in role.policies.items()
    ]
    return (*attached, *inline)


def boundary(caller: Caller) -> Policy | None:
    """Return a role's permissions boundary."""
    role = role_of(caller.principal.arn)
    arn = getattr(role, "permissions_boundary_arn", None) if role else None
    if not arn:
        return None
    backend = iam_backends[caller.account][_PARTITION]
    policy = backend.managed_policies.get(arn)
    document = _default_version(policy) if policy else None
    return parsed(document, arn) if document else Policy(name=arn, statements=())


def trust_policy(role_arn: str) -> Policy | None:
    """Return a role's trust policy."""
    role = role_of(role_arn)
    if role is None:
        return None
    return parsed(_text(role.assume_role_policy_document), f"trust policy of {role.name}")


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
            parsed(_text(policy.content), policy.name)
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


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


Found = tuple[str, Policy | None]
"""The owner's account and the resource's policy."""


def resource_policy(cloud: "Cloud", arn: str, fallback_account: str) -> Found:
    """Return who owns a resource and its policy, if it has one."""
    parts = arn.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004
        return fallback_account, None
    owner = parts[4] if parts[4].isdigit() else fallback_account
    finder = _FINDERS.get(parts[2])
    if finder is None:
        return owner, None
    return finder(cloud, owner, parts[3], parts[5])


def _s3(cloud: "Cloud", owner: str, region: str, rest: str) -> Found:
    del cloud, region
    name = rest.split("/", 1)[0]
    for account, regions in list(s3_backends.items()):
        for backend in regions.values():
            bucket = backend.buckets.get(name)
            if bucket is not None:
                policy = bucket.policy
                text = policy.decode() if isinstance(policy, bytes) else policy
                return account, parsed(text, f"policy of bucket {name}") if text else None
    return owner, None


def _kms(cloud: "Cloud", owner: str, region: str, rest: str) -> Found:
    del cloud
    backend = kms_backends[owner][region]
    kind, _, name = rest.partition("/")
    if kind == "alias":
        name = next(
            (key for key, names in backend.key_to_aliases.items() if f"alias/{name}" in names), ""
        )
    key = backend.keys.get(name)
    return owner, parsed(_text(key.policy), f"policy of key {name}") if key else None


def _store_policy(cloud: "Cloud", store: str, owner: str, region: str, name: str) -> Found:
    document = cloud.store(store, owner, region).get(name)
    return owner, parsed(_text(document), f"policy of {name}") if document else None


def _sagemaker(cloud: "Cloud", owner: str, region: str, rest: str) -> Found:
    kind, _, name = rest.partition("/")
    if kind not in ("model-package-group", "model-package"):
        return owner, None
    return _store_policy(
        cloud, "sagemaker.ModelPackageGroupPolicy", owner, region, name.split("/")[0]
    )


def _events(cloud: "Cloud", owner: str, region: str, rest: str) -> Found:
    del cloud
    bus = events_backends[owner][region].event_buses.get(rest.removeprefix("event-bus/"))
    document = bus.policy if bus is not None else None
    return owner, parsed(_text(document), f"policy of {rest}") if document else None


def _ecr(cloud: "Cloud", owner: str, region: str, rest: str) -> Found:
    del cloud
    repository = ecr_backends[owner][region].repositories.get(rest.removeprefix("repository/"))
    document = repository.policy if repository is not None else None
    return owner, parsed(_text(document), f"policy of {rest}") if document else None


def _sns(cloud: "Cloud", owner: str, region: str, rest: str) -> Found:
    del cloud
    topic = sns_backends[owner][region].topics.get(f"arn:aws:sns:{region}:{owner}:{rest}")
    document = topic.policy if topic is not None else None
    return owner, parsed(_text(document), f"policy of topic {rest}") if document else None


def _sqs(cloud: "Cloud", owner: str, region: str, rest: str) -> Found:
    del cloud
    queue = sqs_backends[owner][region].queues.get(rest)
    document = getattr(queue, "policy", None) if queue is not None else None
    return owner, parsed(_text(document), f"policy of queue {rest}") if document else None


Finder = Callable[["Cloud", str, str, str], Found]

_FINDERS: Mapping[str, Finder] = {
    "ecr": _ecr,
    "events": _events,
    "kms": _kms,
    "s3": _s3,
    "sagemaker": _sagemaker,
    "sns": _sns,
    "sqs": _sqs,
}
