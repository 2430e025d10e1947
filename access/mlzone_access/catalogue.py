"""Which actions, resource types and condition keys AWS knows.

The data come from the Service Authorization Reference (`data/NOTICE` says by which way) and are
read on first use, one service at a time.
"""

import difflib
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from mlzone_access.patterns import compile_text, tokenize

GLOBAL_KEYS: frozenset[str] = frozenset(
    key.lower()
    for key in (
        # Properties of the principal.
        "aws:PrincipalArn",
        "aws:PrincipalAccount",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalServiceName",
        "aws:PrincipalServiceNamesList",
        "aws:PrincipalTag/${TagKey}",
        "aws:PrincipalType",
        "aws:userid",
        "aws:username",
        # Properties of a role session.
        "aws:AssumedRoot",
        "aws:ChatbotSourceArn",
        "aws:Ec2InstanceSourceVpc",
        "aws:Ec2InstanceSourcePrivateIPv4",
        "aws:FederatedProvider",
        "aws:MultiFactorAuthAge",
        "aws:MultiFactorAuthPresent",
        "aws:SourceIdentity",
        "aws:TokenIssueTime",
        "ec2:RoleDelivery",
        "ec2:SourceInstanceArn",
        "glue:RoleAssumedBy",
        "glue:CredentialIssuingService",
        "lambda:SourceFunctionArn",
        "codebuild:BuildArn",
        "codebuild:ProjectArn",
        "ssm:SourceInstanceArn",
        "identitystore:UserId",
        # Properties of the network.
        "aws:SourceIp",
        "aws:SourceVpc",
        "aws:SourceVpcArn",
        "aws:SourceVpce",
        "aws:VpceAccount",
        "aws:VpceOrgID",
        "aws:VpceOrgPaths",
        "aws:VpcSourceIp",
        # Properties of the resource.
        "aws:ResourceAccount",
        "aws:ResourceOrgID",
        "aws:ResourceOrgPaths",
        "aws:ResourceTag/${TagKey}",
        # Properties of the request.
        "aws:CalledVia",
        "aws:CalledViaFirst",
        "aws:CalledViaLast",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:IsMcpServiceAction",
        "aws:referer",
        "aws:RequestedRegion",
        "aws:RequestTag/${TagKey}",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
        "aws:TagKeys",
        "aws:UserAgent",
        "aws:ViaAWSMCPService",
        "aws:ViaAWSService",
    )
)
"""Keys that may occur in any policy (IAM user guide, "AWS global condition context keys")."""

_GLOBAL_ARRAYS = frozenset(
    key.lower()
    for key in (
        "aws:CalledVia",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalServiceNamesList",
        "aws:ResourceOrgPaths",
        "aws:SourceOrgPaths",
        "aws:TagKeys",
        "aws:VpceOrgPaths",
    )
)

VARIABLES: frozenset[str] = frozenset({"sagemaker:domainid", "sagemaker:userprofilename"})
"""Keys that SageMaker fills in as policy variables, without listing them for any action."""

_PLACEHOLDER = re.compile(r"\\\$\\\{[^}]*\\\}|<[^>]*>")


class CatalogueError(LookupError):
    """There is no such service, action or resource type."""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A resource type of a service.

    Attributes:
        name: Such as `model-package`.
        arn: Its ARN with placeholders such as `${Account}`.
        condition_keys: The keys that its actions carry because of it.
    """

    name: str
    arn: str
    condition_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """An action.

    Attributes:
        name: Such as `sagemaker:CreateModel`.
        access_level: List, Read, Write, Tagging or Permissions management; empty if the source
            does not know it yet.
        resource_types: What it acts on; empty if it is authorised on `*` only.
        condition_keys: The keys that it carries, those of its resource types included.
        dependent_actions: What the caller needs besides.
    """

    name: str
    access_level: str
    resource_types: tuple[ResourceType, ...]
    condition_keys: tuple[str, ...]
    dependent_actions: tuple[str, ...]

    def has_key(self, key: str) -> bool:
        """Say whether requests for this action may carry the condition key, in any case."""
        return key_matches(key, self.condition_keys)


@lru_cache(maxsize=1)
def _packed() -> dict[str, str]:
    path = resources.files("mlzone_access") / "data" / "catalogue.json.gz"
    packed: dict[str, str] = json.loads(gzip.decompress(path.read_bytes()))
    return packed


@lru_cache(maxsize=512)
def _service(prefix: str) -> dict[str, Any]:
    text = _packed().get(prefix)
    if text is None:
        raise CatalogueError(f"{prefix!r} is not an AWS service{_similar(prefix, _packed())}")
    service: dict[str, Any] = json.loads(text)
    service["spelling"] = {name.lower(): name for name in service["actions"]}
    return service


def services() -> tuple[str, ...]:
    """Give the prefixes of all services."""
    return tuple(_packed())


def resource_type(service: str, name: str) -> ResourceType:
    """Look up a resource type.

    Raises:
        CatalogueError: The service has none of that name.
    """
    found = _service(service.lower())["resources"].get(name)
    if found is None:
        raise CatalogueError(f"{service} has no resource type {name!r}")
    return ResourceType(name, found[0], tuple(found[1]))


@lru_cache(maxsize=8192)
def action(name: str) -> Action:
    """Look up an action, in any case.

    Raises:
        CatalogueError: There is no such action; the message suggests one.
    """
    prefix, _, plain = name.partition(":")
    service = _service(prefix.lower())
    spelling = service["spelling"].get(plain.lower())
    if spelling is None:
        near = _similar(plain.lower(), service["spelling"], service["spelling"])
        raise CatalogueError(f"{name!r} is not an action of {prefix.lower()}{near}")
    level, type_names, keys, dependent = service["actions"][spelling]
    types = tuple(
        resource_type(prefix, type_name)
        for type_name in type_names
        if type_name in service["resources"]
    )
    all_keys = {*keys, *(key for found in types for key in found.condition_keys)}
    return Action(
        name=f"{prefix.lower()}:{spelling}",
        access_level=level,
        resource_types=types,
        condition_keys=tuple(sorted(all_keys)),
        dependent_actions=tuple(dependent),
    )


def actions(pattern: str) -> tuple[str, ...]:
    """Expand a pattern such as `sagemaker:Create*` or `*` to the actions that it covers."""
    return tuple(_expand(pattern.lower()))


def _expand(pattern: str) -> Iterator[str]:
    prefix, _, plain = pattern.partition(":")
    wanted = services() if prefix == "*" else (prefix,) if prefix in _packed() else ()
    match = compile_text(tokenize(plain or "*", variables=False, wildcards=True))
    for service in wanted:
        for lowered, spelling in _service(service)["spelling"].items():
            if match(lowered):
                yield f"{service}:{spelling}"


def actions_with_key(key: str) -> tuple[str, ...]:
    """Give the actions of the key's own service whose requests may carry it."""
    prefix = key.partition(":")[0].lower()
    return tuple(name for name in actions(f"{prefix}:*") if action(name).has_key(key))


def key_exists(key: str, service: str = "") -> bool:
    """Say whether a condition key exists: globally, or for a service.

    Args:
        key: The key, in any case.
        service: Also look among the keys of this service's actions; by default the key's own.
    """
    prefix = key.partition(":")[0].lower()
    if is_global_key(key) or key.lower() in VARIABLES:
        return True
    for name in {service.lower() or prefix, prefix} & _packed().keys():
        if key_matches(key, tuple(_service(name)["keys"])):
            return True
    return prefix in {"saml", "oidc"} and key_matches(key, tuple(_service("sts")["keys"]))


def key_value_type(key: str) -> str:
    """Give the type of a key's values, such as `String` or `ArrayOfString`; empty if unknown."""
    lowered = key.lower()
    if lowered in _GLOBAL_ARRAYS:
        return "ArrayOfString"
    if is_global_key(key):
        return "String"
    prefix = lowered.partition(":")[0]
    known: dict[str, str] = _service(prefix)["keys"] if prefix in _packed() else {}
    for name, value_type in known.items():
        if key_matches(key, (name,)):
            return value_type
    return ""


def is_global_key(key: str) -> bool:
    """Say whether any request may carry the key."""
    # A key of an identity provider is named after its host: nobody has a list of those.
    return "." in key.partition(":")[0] or key_matches(key, tuple(GLOBAL_KEYS))


def key_matches(key: str, known: tuple[str, ...]) -> bool:
    """Say whether a key is one of `known`, whose `${...}` and `<...>` stand for anything."""
    exact, patterns = _key_matchers(known)
    lowered = key.lower()
    return lowered in exact or any(pattern.fullmatch(lowered) for pattern in patterns)


@lru_cache(maxsize=8192)
def _key_matchers(known: tuple[str, ...]) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    exact = frozenset(key.lower() for key in known if "${" not in key and "<" not in key)
    patterns = (re.escape(key.lower()) for key in known if "${" in key or "<" in key)
    return exact, tuple(re.compile(_PLACEHOLDER.sub(".+", pattern)) for pattern in patterns)


def _similar(name: str, known: Any, spelling: dict[str, str] | None = None) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if not near:
        return ""
    return f"; did you mean {spelling[near[0]] if spelling else near[0]!r}?"
