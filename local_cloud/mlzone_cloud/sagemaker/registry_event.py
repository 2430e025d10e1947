"""Tells EventBridge what happens in the registry.

Source of the fields: Amazon SageMaker AI Developer Guide, "Events that Amazon SageMaker AI sends to
Amazon EventBridge", model package state change.
"""

from datetime import UTC, datetime
from typing import Any

from mlzone_cloud.operations import Call

_DETAIL = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "InferenceSpecification",
    "SourceAlgorithmSpecification",
    "ValidationSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "ApprovalDescription",
    "CreatedBy",
    "MetadataProperties",
    "ModelMetrics",
    "DriftCheckBaselines",
    "LastModifiedTime",
    "LastModifiedBy",
    "CustomerMetadataProperties",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "ModelLifeCycle",
)


def announce(call: Call, package: dict[str, Any], updated: tuple[str, ...]) -> None:
    """Put a `SageMaker Model Package State Change` onto the bus of the registry's account.

    Args:
        call: the call that changed the package.
        package: what it is now.
        updated: the fields that an update changed; none for a new package.
    """
    detail = {name: plain(package[name]) for name in _DETAIL if name in package}
    if updated:
        detail["UpdatedModelPackageFields"] = list(updated)
    call.cloud.emit(
        account=call.account,
        region=call.region,
        source="aws.sagemaker",
        detail_type="SageMaker Model Package State Change",
        detail=detail,
        resources=(package["ModelPackageArn"],),
    )


def plain(value: Any) -> Any:
    """Return data with times written as events write them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
