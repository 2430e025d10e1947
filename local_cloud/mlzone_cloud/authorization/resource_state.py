"""The condition keys that depend on the resource: its tags, and what a model version is now.

They are found out only when a policy asks for one, through the service's own API, so that they are
right whoever implements it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mlzone_access import ContextValue
from mlzone_cloud.operations import Call

Resolver = Callable[[str], ContextValue | None]
_TAG_KEYS = ("aws:resourcetag/", "sagemaker:resourcetag/", "iam:resourcetag/")
_CURRENT_PROPERTY = "sagemaker:currentcustomermetadataproperties/"
_CURRENT_CYCLE = {
    "sagemaker:currentmodellifecyclestage": "Stage",
    "sagemaker:currentmodellifecyclestagestatus": "StageStatus",
}


@dataclass(frozen=True)
class _TagSource:
    """The operation that tells the tags of a resource."""

    method: str
    parameter: str
    result: str
    value: Callable[[str], str] = lambda arn: arn


def _tail(arn: str) -> str:
    return arn.split(":", 5)[-1].split("/", 1)[-1].rsplit("/", 1)[-1]


_TAG_SOURCES: Mapping[tuple[str, str], _TagSource] = {
    ("iam", "role"): _TagSource("list_role_tags", "RoleName", "Tags", _tail),
    ("iam", "policy"): _TagSource("list_policy_tags", "PolicyArn", "Tags"),
    ("kms", "key"): _TagSource("list_resource_tags", "KeyId", "Tags"),
    ("lambda", ""): _TagSource("list_tags", "Resource", "Tags"),
    ("sagemaker", ""): _TagSource("list_tags", "ResourceArn", "Tags"),
    ("sns", ""): _TagSource("list_tags_for_resource", "ResourceArn", "Tags"),
    ("events", ""): _TagSource("list_tags_for_resource", "ResourceARN", "Tags"),
    ("logs", ""): _TagSource(
        "list_tags_for_resource", "resourceArn", "tags", lambda arn: arn.removesuffix(":*")
    ),
    ("ecr", ""): _TagSource("list_tags_for_resource", "resourceArn", "tags"),
    ("dynamodb", "table"): _TagSource("list_tags_of_resource", "ResourceArn", "Tags"),
    ("codepipeline", ""): _TagSource(
        # Stages and actions have the tags of their pipeline.
        "list_tags_for_resource",
        "resourceArn",
        "tags",
        lambda arn: arn.partition("/")[0],
    ),
    ("codecommit", ""): _TagSource("list_tags_for_resource", "resourceArn", "tags"),
    ("secretsmanager", "secret"): _TagSource("describe_secret", "SecretId", "Tags"),
    ("glue", ""): _TagSource("get_tags", "ResourceArn", "Tags"),
    ("states", ""): _TagSource("list_tags_for_resource", "resourceArn", "tags"),
}
"""By service and kind of resource in the ARN; an empty kind stands for all."""

_CLIENTS = {"states": "stepfunctions"}


def resource_keys(call: Call, resource: str, owner: str) -> Resolver:
    """Return what finds a condition key of a resource that somebody asks for."""
    found: dict[str, Mapping[str, str]] = {}

    def tags() -> Mapping[str, str]:
        if "tags" not in found:
            found["tags"] = _tags(call, resource, owner)
        return found["tags"]

    def resolve(key: str) -> ContextValue | None:
        for prefix in _TAG_KEYS:
            if key.startswith(prefix):
                return _without_case(tags(), key.removeprefix(prefix))
        if key.startswith("sagemaker:current"):
            package = _model_package(call, resource, owner)
            if key in _CURRENT_CYCLE:
                return (package.get("ModelLifeCycle") or {}).get(_CURRENT_CYCLE[key])
            properties = package.get("CustomerMetadataProperties") or {}
            return _without_case(properties, key.removeprefix(_CURRENT_PROPERTY))
        if key == "ec2:vpc":
            return _network_of(call, resource, owner)
        if key == "kms:resourcealiases":
            return _aliases(call, resource, owner)
        return None

    return resolve


def _network_of(call: Call, resource: str, owner: str) -> str | None:
    """Return the network that a security group or a subnet belongs to."""
    kind, _, resource_id = resource.split(":", 5)[-1].partition("/")
    region = resource.split(":")[3]
    client = call.cloud.client("ec2", account=owner, region=region)
    try:
        if kind == "security-group":
            found = client.describe_security_groups(GroupIds=[resource_id])["SecurityGroups"]
        elif kind == "subnet":
            found = client.describe_subnets(SubnetIds=[resource_id])["Subnets"]
        else:
            return None
    except ClientError:
        return None
    return f"arn:aws:ec2:{region}:{owner}:vpc/{found[0]['VpcId']}" if found else None


def _aliases(call: Call, resource: str, owner: str) -> tuple[str, ...] | None:
    client = call.cloud.client("kms", account=owner, region=resource.split(":")[3])
    try:
        found = client.list_aliases(KeyId=resource)["Aliases"]
    except (ClientError, BotoCoreError):
        return None
    return tuple(item["AliasName"] for item in found)


def _without_case(values: Mapping[str, str], name: str) -> str | None:
    for key, value in values.items():
        if key.lower() == name:
            return value
    return None


def _model_package(call: Call, resource: str, owner: str) -> Mapping[str, Any]:
    if ":model-package/" not in resource or call.operation == "CreateModelPackage":
        return {}
    client = call.cloud.client("sagemaker", account=owner, region=resource.split(":")[3])
    try:
        package: Mapping[str, Any] = client.describe_model_package(ModelPackageName=resource)
    except ClientError:
        return {}
    return package


def _tags(call: Call, resource: str, owner: str) -> Mapping[str, str]:
    parts = resource.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004
        return {}
    service, region, rest = parts[2], parts[3] or "us-east-1", parts[5]
    if service == "ec2":
        return _ec2_tags(call, owner, region, _tail(resource))
    source = _TAG_SOURCES.get((service, rest.split("/", 1)[0])) or _TAG_SOURCES.get((service, ""))
    if source is None:
        return {}
    client = call.cloud.client(_CLIENTS.get(service, service), account=owner, region=region)
    try:
        answer = getattr(client, source.method)(**{source.parameter: source.value(resource)})
    except (ClientError, BotoCoreError):
        # The resource does not exist yet, or its ARN is a pattern: it has no tags.
        return {}
    return _mapping(answer.get(source.result))


def _ec2_tags(call: Call, owner: str, region: str, resource_id: str) -> Mapping[str, str]:
    client = call.cloud.client("ec2", account=owner, region=region)
    named = [{"Name": "resource-id", "Values": [resource_id]}]
    return _mapping(client.describe_tags(Filters=named)["Tags"])


def _mapping(tags: Any) -> Mapping[str, str]:
    if isinstance(tags, dict):
        return tags
    return {
        str(tag.get("Key") or tag.get("key") or tag.get("TagKey")): str(
            tag.get("Value") or tag.get("value") or tag.get("TagValue") or ""
        )
        for tag in tags or ()
    }
