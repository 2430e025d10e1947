"""The condition keys of a call, from its parameters, its caller and the state of the resource.

Source of the SageMaker keys: Service Authorization Reference, "Actions, resources, and condition
keys for Amazon SageMaker".
"""

import functools
from collections.abc import Iterator
from typing import Any

from mlzone_access import ContextValue, catalogue
from mlzone_cloud.authorization.actions import iam_action
from mlzone_cloud.operations import Call

FROM_PARAMETERS: dict[str, dict[str, tuple[str, ...]]] = {
    "sagemaker": {
        "sagemaker:AcceleratorTypes": ("AcceleratorType", "AcceleratorTypes"),
        "sagemaker:AppNetworkAccessType": ("AppNetworkAccessType",),
        "sagemaker:DirectInternetAccess": ("DirectInternetAccess",),
        "sagemaker:EnableRemoteDebug": ("EnableRemoteDebug",),
        "sagemaker:FeatureGroupDisableGlueTableCreation": ("DisableGlueTableCreation",),
        "sagemaker:FeatureGroupEnableOnlineStore": ("EnableOnlineStore",),
        "sagemaker:FeatureGroupOfflineStoreS3Uri": ("S3Uri",),
        "sagemaker:FileSystemAccessMode": ("FileSystemAccessMode",),
        "sagemaker:FileSystemDirectoryPath": ("DirectoryPath",),
        "sagemaker:FileSystemId": ("FileSystemId",),
        "sagemaker:FileSystemType": ("FileSystemType",),
        "sagemaker:ImageArns": ("SageMakerImageArn",),
        "sagemaker:ImageVersionArns": ("SageMakerImageVersionArn",),
        "sagemaker:InstanceTypes": ("InstanceType", "TransformInstanceType"),
        "sagemaker:InterContainerTrafficEncryption": ("EnableInterContainerTrafficEncryption",),
        "sagemaker:KeepAlivePeriod": ("KeepAlivePeriodInSeconds",),
        "sagemaker:MaxRuntimeInSeconds": ("MaxRuntimeInSeconds",),
        "sagemaker:MinimumInstanceMetadataServiceVersion": (
            "MinimumInstanceMetadataServiceVersion",
        ),
        "sagemaker:ModelApprovalStatus": ("ModelApprovalStatus",),
        "sagemaker:ModelArn": ("ModelName",),
        "sagemaker:ModelLifeCycle:Stage": ("Stage",),
        "sagemaker:ModelLifeCycle:StageStatus": ("StageStatus",),
        "sagemaker:NetworkIsolation": ("EnableNetworkIsolation",),
        "sagemaker:RemoteAccess": ("RemoteAccess",),
        "sagemaker:RootAccess": ("RootAccess",),
        "sagemaker:ServerlessMaxConcurrency": ("MaxConcurrency",),
        "sagemaker:ServerlessMemorySize": ("MemorySizeInMB",),
        "sagemaker:SpaceSharingType": ("SharingType",),
        "sagemaker:StudioLifecycleConfigArns": ("LifecycleConfigArn", "LifecycleConfigArns"),
        "sagemaker:TargetModel": ("TargetModel",),
        "sagemaker:VolumeKmsKey": ("VolumeKmsKeyId",),
        "sagemaker:VpcSecurityGroupIds": ("SecurityGroupIds", "SecurityGroups"),
        "sagemaker:VpcSubnets": ("Subnets", "SubnetIds"),
        "sagemaker:WorkteamArn": ("WorkteamArn",),
    },
    "cloudwatch": {"cloudwatch:namespace": ("Namespace",)},
    "events": {"events:detail-type": ("DetailType",), "events:source": ("Source",)},
    "iam": {
        "iam:AWSServiceName": ("AWSServiceName",),
        "iam:PermissionsBoundary": ("PermissionsBoundary",),
        "iam:PolicyARN": ("PolicyArn",),
    },
    "kms": {
        "kms:BypassPolicyLockoutSafetyCheck": ("BypassPolicyLockoutSafetyCheck",),
        "kms:GrantOperations": ("Operations",),
    },
    "organizations": {"organizations:PolicyType": ("Type", "PolicyType", "Filter")},
    "ram": {"ram:RequestedAllowsExternalPrincipals": ("allowExternalPrincipals",)},
    "ssm": {"ssm:Overwrite": ("Overwrite",)},
}
"""Condition key, to the names that its values have anywhere among the parameters.

A key is given only for the actions that carry it by the Service Authorization Reference.
"""

_ARN_KINDS = {"sagemaker:ModelArn": "model"}
_OUTPUT_KEYS = ("ProcessingOutputConfig", "OutputDataConfig", "TransformOutput")
_DOMAIN_OPERATIONS = ("CreateDomain", "CreateEndpointConfig")


def condition_context(call: Call) -> dict[str, ContextValue]:
    """Return the condition keys of a call."""
    now = call.cloud.clock.now()
    context: dict[str, ContextValue] = {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        # The socket is loopback only; clients cannot be asked for TLS here.
        "aws:SecureTransport": "true",
        "aws:RequestedRegion": call.region,
        "aws:SourceIp": call.environ.get("REMOTE_ADDR", "127.0.0.1"),
        "aws:UserAgent": call.environ.get("HTTP_USER_AGENT", ""),
        "aws:ViaAWSService": "false",
    }
    _add_caller(call, context)
    _add_request_tags(call, context)
    for key, names in FROM_PARAMETERS.get(call.service, {}).items():
        values = tuple(_texts(value) for name in names for value in _values(call.params, name))
        flat = tuple(_as_arn(call, key, text) for texts in values for text in texts)
        if flat and _carries(call, key):
            context[key] = flat if len(flat) > 1 else flat[0]
    if call.service == "sagemaker":
        _add_sagemaker(call, context)
    if call.params.get("references") and call.service == "codecommit":
        context["codecommit:References"] = tuple(call.params["references"])
    if call.service == "sts":
        _add_sts(call, context)
    if call.service == "s3":
        _add_s3(call, context)
    return context


def _add_caller(call: Call, context: dict[str, ContextValue]) -> None:
    caller = call.caller
    if caller is None:
        return
    principal = caller.principal
    context["aws:PrincipalArn"] = principal.arn
    context["aws:PrincipalAccount"] = principal.account
    context["aws:PrincipalIsAWSService"] = "false"
    user_id = f"{principal.unique_id or principal.account}:{caller.session_name}"
    context["aws:userid"] = user_id.rstrip(":")
    if caller.issued:
        context["aws:TokenIssueTime"] = caller.issued.strftime("%Y-%m-%dT%H:%M:%SZ")
    if caller.federated_by:
        context["aws:FederatedProvider"] = caller.federated_by
    if call.cloud.organization_id:
        context["aws:PrincipalOrgID"] = call.cloud.organization_id
        context["aws:ResourceOrgID"] = call.cloud.organization_id
    if caller.source_identity:
        context["aws:SourceIdentity"] = caller.source_identity
    for key, value in caller.tags.items():
        context[f"aws:PrincipalTag/{key}"] = value


def _add_request_tags(call: Call, context: dict[str, ContextValue]) -> None:
    raw = call.params.get("Tags") or call.params.get("tags") or {}
    if isinstance(raw, list):
        raw = {
            str(tag.get("Key") or tag.get("key") or tag.get("TagKey")): str(
                tag.get("Value") or tag.get("value") or tag.get("TagValue") or ""
            )
            for tag in raw
            if isinstance(tag, dict)
        }
    if isinstance(raw, dict) and raw:
        for key, value in raw.items():
            context[f"aws:RequestTag/{key}"] = str(value)
        context["aws:TagKeys"] = tuple(map(str, raw))


def _add_sagemaker(call: Call, context: dict[str, ContextValue]) -> None:
    for section in _OUTPUT_KEYS:
        key = (call.params.get(section) or {}).get("KmsKeyId")
        if key:
            context["sagemaker:OutputKmsKey"] = str(key)
    for key in _values(call.params, "KmsKeyId"):
        if call.operation in _DOMAIN_OPERATIONS:
            context["sagemaker:VolumeKmsKey"] = str(key)
        elif "JobDefinition" in call.operation or "MonitoringSchedule" in call.operation:
            context["sagemaker:OutputKmsKey"] = str(key)
    properties = call.params.get("CustomerMetadataProperties") or {}
    for name, value in properties.items():
        context[f"sagemaker:CustomerMetadataProperties/{name}"] = str(value)
    removed = call.params.get("CustomerMetadataPropertiesToRemove")
    if removed:
        context["sagemaker:CustomerMetadataPropertiesToRemove"] = tuple(removed)


def _add_sts(call: Call, context: dict[str, ContextValue]) -> None:
    for name, key in (
        ("RoleSessionName", "sts:RoleSessionName"),
        ("ExternalId", "sts:ExternalId"),
        ("SourceIdentity", "sts:SourceIdentity"),
    ):
        if call.params.get(name):
            context[key] = str(call.params[name])
    if call.params.get("TransitiveTagKeys"):
        context["sts:TransitiveTagKeys"] = tuple(call.params["TransitiveTagKeys"])


def _add_s3(call: Call, context: dict[str, ContextValue]) -> None:
    for name, key in (
        ("Prefix", "s3:prefix"),
        ("ServerSideEncryption", "s3:x-amz-server-side-encryption"),
        ("SSEKMSKeyId", "s3:x-amz-server-side-encryption-aws-kms-key-id"),
        ("ACL", "s3:x-amz-acl"),
    ):
        if call.params.get(name):
            context[key] = str(call.params[name])


@functools.lru_cache(maxsize=4096)
def _has_key(action: str, key: str) -> bool:
    try:
        return catalogue.action(action).has_key(key)
    except catalogue.CatalogueError:
        # Newer than the reference: better a key too many than a guardrail that does not see.
        return True


def _carries(call: Call, key: str) -> bool:
    return _has_key(iam_action(call.service, call.operation), key)


def _as_arn(call: Call, key: str, text: str) -> str:
    kind = _ARN_KINDS.get(key)
    if kind is None or text.startswith("arn:"):
        return text
    return f"arn:aws:{call.service}:{call.region}:{call.account}:{kind}/{text}"


def _values(value: Any, name: str) -> Iterator[Any]:
    """Yield every value called `name` anywhere in nested parameters."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name and item is not None:
                yield item
            else:
                yield from _values(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, name)


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return (str(value).lower(),)
    if isinstance(value, list):
        return tuple(map(str, value))
    return (str(value),)
