"""Finds who owns a resource, and the policy that hangs on it."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import lambda_backends
from moto.ecr.models import ecr_backends
from moto.events.models import events_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from mlzone_access import Policy
from mlzone_cloud.authorization.policies import parsed, text_of

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Document = str | Mapping[str, Any] | None
Finder = Callable[["Cloud", str, str, str], Document]
"""From owner, Region and the rest of the ARN to the policy's document."""


def owner_of(arn: str, fallback_account: str) -> str:
    """Return the account that owns a resource; the fallback where the ARN does not tell."""
    parts = arn.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004
        return fallback_account
    if parts[2] == "s3":
        bucket = parts[5].split("/", 1)[0]
        _, account = s3_backends.bucket_accounts.get(bucket, ("", fallback_account))
        return str(account)
    return parts[4] if parts[4].isdigit() else fallback_account


def resource_policy(cloud: "Cloud", arn: str, owner: str) -> Policy | None:
    """Return the policy of a resource, if it has one."""
    parts = arn.split(":", 5)
    finder = _FINDERS.get(parts[2]) if len(parts) == 6 else None  # noqa: PLR2004
    document = finder(cloud, owner, parts[3], parts[5]) if finder else None
    if not document:
        return None
    return parsed(text_of(document), f"the policy of {arn}", of_resource=True)


def _s3(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    del cloud, region
    name = rest.split("/", 1)[0]
    partition, _ = s3_backends.bucket_accounts.get(name, ("aws", owner))
    bucket = s3_backends[owner][partition].buckets.get(name)
    policy = bucket.policy if bucket is not None else None
    return policy.decode() if isinstance(policy, bytes) else policy


def _kms(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    del cloud
    backend = kms_backends[owner][region]
    kind, _, name = rest.partition("/")
    if kind == "alias":
        aliases = backend.key_to_aliases.items()
        name = next((key for key, names in aliases if f"alias/{name}" in names), "")
    key = backend.keys.get(name)
    return key.policy if key is not None else None


def _sagemaker(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    kind, _, name = rest.partition("/")
    if kind not in ("model-package-group", "model-package"):
        return None
    client = cloud.client("sagemaker", account=owner, region=region)
    try:
        answer = client.get_model_package_group_policy(ModelPackageGroupName=name.split("/")[0])
    except ClientError:
        return None
    return str(answer["ResourcePolicy"])


def _events(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    del cloud
    bus = events_backends[owner][region].event_buses.get(rest.removeprefix("event-bus/"))
    return bus.policy if bus is not None else None


def _ecr(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    del cloud
    repository = ecr_backends[owner][region].repositories.get(rest.removeprefix("repository/"))
    return repository.policy if repository is not None else None


def _sns(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    del cloud
    topic = sns_backends[owner][region].topics.get(f"arn:aws:sns:{region}:{owner}:{rest}")
    return topic.policy if topic is not None else None


def _sqs(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    del cloud
    queue = sqs_backends[owner][region].queues.get(rest)
    return getattr(queue, "policy", None)


def _lambda(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    del cloud
    name = rest.removeprefix("function:").split(":", 1)[0]
    try:
        function = lambda_backends[owner][region].get_function(name)
    except (UnknownFunctionException, KeyError):
        return None
    policy = getattr(function, "policy", None)
    if policy is None or not policy.statements:
        return None
    statements = [_with_named_principal(statement) for statement in policy.statements]
    return {"Version": "2012-10-17", "Statement": statements}


def _with_named_principal(statement: dict[str, Any]) -> dict[str, Any]:
    """Moto keeps accounts and ARNs as they came to AddPermission; policies say what they are."""
    principal = statement.get("Principal")
    if not isinstance(principal, str) or principal == "*":
        return statement
    return {**statement, "Principal": {"AWS": principal}}


def _logs(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    del cloud, rest
    policies = logs_backends[owner][region].resource_policies.values()
    documents = [json.loads(policy.policy_document) for policy in policies]
    statements = [statement for document in documents for statement in _listed(document)]
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def _listed(document: dict[str, Any]) -> list[Any]:
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _secret(cloud: "Cloud", owner: str, region: str, rest: str) -> Document:
    del cloud
    name = rest.removeprefix("secret:")
    for secret in secretsmanager_backends[owner][region].secrets.values():
        if name in (secret.name, secret.arn.rsplit(":", 1)[-1]):
            return getattr(secret, "policy", None)
    return None


_FINDERS: Mapping[str, Finder] = {
    "ecr": _ecr,
    "events": _events,
    "kms": _kms,
    "lambda": _lambda,
    "logs": _logs,
    "s3": _s3,
    "sagemaker": _sagemaker,
    "secretsmanager": _secret,
    "sns": _sns,
    "sqs": _sqs,
}
