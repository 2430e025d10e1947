"""The registry's model packages: versions in groups, and packages that stand alone."""

import copy
from typing import Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic import paging
from mlzone_cloud.generic.crud import ARN
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import registry_event
from mlzone_cloud.sagemaker.listing import in_order, select
from mlzone_cloud.sagemaker.registry import (
    PACKAGES,
    Record,
    find_group,
    identity_of,
)
from mlzone_cloud.sagemaker.registry_validation import check, completed

_NOT_SHOWN = frozenset({ARN, "Tags", "ClientToken"})
_SUMMARY = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
_REPLACED = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelLifeCycle",
)
"""What an update replaces as a whole."""
_MOST_PROPERTIES = 50


def find_package(call: Call, name_or_arn: str) -> Record:
    """Return a package's record.

    Raises:
        ApiError: there is none.
    """
    key = name_or_arn.split(":model-package/", 1)[-1]
    package: Record | None = call.cloud.store(PACKAGES, call.account, call.region).get(key)
    if package is None:
        arn = f"arn:aws:sagemaker:{call.region}:{call.account}:model-package/{key}"
        raise ApiError("ValidationException", f"ModelPackage {arn} does not exist.")
    return package


@operation("sagemaker", "CreateModelPackage")
def create_package(call: Call) -> dict[str, Any]:
    """Register a version in a group, or a package that stands alone."""
    validate(call.service, call.operation, call.params)
    params = call.params
    check(call, params)
    store = call.cloud.store(PACKAGES, call.account, call.region)
    token = params.get("ClientToken")
    for made in store.values():
        if token and made.get("ClientToken") == token:
            return {"ModelPackageArn": made["ModelPackageArn"]}
    now = call.cloud.clock.now()
    record: Record = {"ModelPackageRegistrationType": "Registered", **copy.deepcopy(params)}
    if "ModelPackageGroupName" in params:
        if params.get("Tags"):
            raise ApiError(
                "ValidationException",
                "Tags cannot be given to a versioned model package: it has those of its group",
            )
        group = find_group(call, params["ModelPackageGroupName"])
        group["LastVersion"] += 1
        record["ModelPackageGroupName"] = group["ModelPackageGroupName"]
        record["ModelPackageVersion"] = group["LastVersion"]
        record.setdefault("ModelApprovalStatus", "PendingManualApproval")
        key = f"{group['ModelPackageGroupName']}/{group['LastVersion']}"
    else:
        key = params["ModelPackageName"]
        if key in store:
            raise ApiError("ConflictException", f"Model Package already exists: {key}")
    arn = f"arn:aws:sagemaker:{call.region}:{call.account}:model-package/{key}"
    record.update(
        {
            ARN: arn,
            "ModelPackageArn": arn,
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": params.get("CertifyForMarketplace", False),
            "CreationTime": now,
            "CreatedBy": identity_of(call),
            "LastModifiedTime": now,
            "LastModifiedBy": identity_of(call),
        }
    )
    completed(call, record.get("InferenceSpecification"))
    store[key] = record
    registry_event.announce(call, record, ())
    return {"ModelPackageArn": arn}


@operation("sagemaker", "DescribeModelPackage")
def describe_package(call: Call) -> dict[str, Any]:
    """Describe a package with everything that was registered."""
    package = find_package(call, call.params["ModelPackageName"])
    shown = {key: item for key, item in package.items() if key not in _NOT_SHOWN}
    if call.params.get("IncludedData") == "MetadataOnly" and "ModelCard" in shown:
        shown["ModelCard"] = {"ModelCardStatus": shown["ModelCard"].get("ModelCardStatus", "Draft")}
    return copy.deepcopy(shown)


@operation("sagemaker", "BatchDescribeModelPackage")
def describe_packages(call: Call) -> dict[str, Any]:
    """Describe versions by their ARNs, also those of other accounts; errors are told apart."""
    summaries, errors = {}, {}
    shape_of_summary = (*_SUMMARY, "InferenceSpecification")
    for arn in call.params["ModelPackageArnList"]:
        parts = arn.split(":")
        region, account = parts[3], parts[4]
        key = arn.split(":model-package/", 1)[-1]
        package = call.cloud.store(PACKAGES, account, region).get(key)
        if package is None:
            errors[arn] = {
                "ErrorCode": "ValidationException",
                "ErrorResponse": f"ModelPackage {arn} does not exist.",
            }
        else:
            summaries[arn] = {name: package[name] for name in shape_of_summary if name in package}
    return {"ModelPackageSummaries": summaries, "BatchDescribeModelPackageErrorMap": errors}


@operation("sagemaker", "ListModelPackages")
def list_packages(call: Call) -> dict[str, Any]:
    """List the versions of a group, or packages that stand alone."""
    params = call.params
    found = list(call.cloud.store(PACKAGES, call.account, call.region).values())
    if params.get("ModelPackageGroupName"):
        group = find_group(call, params["ModelPackageGroupName"])["ModelPackageGroupName"]
        found = [item for item in found if item.get("ModelPackageGroupName") == group]
    elif params.get("ModelPackageType") != "Both":
        versioned = params.get("ModelPackageType") == "Versioned"
        found = [item for item in found if ("ModelPackageVersion" in item) == versioned]
    status = params.get("ModelApprovalStatus")
    found = [item for item in found if status in (None, item.get("ModelApprovalStatus"))]
    found = in_order(select(found, params, "ModelPackageArn"), params, "ModelPackageArn")
    page, token = paging.cut(found, params)
    summaries = [{key: item[key] for key in _SUMMARY if key in item} for item in page]
    return {"ModelPackageSummaryList": summaries} | ({"NextToken": token} if token else {})


@operation("sagemaker", "UpdateModelPackage")
def update_package(call: Call) -> dict[str, Any]:
    """Decide about a version, move it through its life cycle, or amend what is known of it."""
    validate(call.service, call.operation, call.params)
    params = call.params
    package = find_package(call, params["ModelPackageArn"])
    check(call, params)
    changed: Record = {name: params[name] for name in _REPLACED if name in params}
    properties = dict(package.get("CustomerMetadataProperties") or {})
    properties |= params.get("CustomerMetadataProperties") or {}
    for name in params.get("CustomerMetadataPropertiesToRemove") or ():
        properties.pop(name, None)
    if properties != (package.get("CustomerMetadataProperties") or {}):
        if len(properties) > _MOST_PROPERTIES:
            raise ApiError(
                "ValidationException",
                f"a model package has at most {_MOST_PROPERTIES} CustomerMetadataProperties",
            )
        changed["CustomerMetadataProperties"] = properties
    if params.get("ModelCard"):
        changed["ModelCard"] = {**package.get("ModelCard", {}), **params["ModelCard"]}
    added = params.get("AdditionalInferenceSpecificationsToAdd") or []
    if added:
        known = package.get("AdditionalInferenceSpecifications") or []
        twice = {item["Name"] for item in added} & {item["Name"] for item in known}
        if twice:
            raise ApiError(
                "ValidationException",
                f"Additional inference specifications exist already: {', '.join(sorted(twice))}",
            )
        changed["AdditionalInferenceSpecifications"] = [*known, *added]
    completed(call, changed.get("InferenceSpecification"))
    package.update(copy.deepcopy(changed))
    package["LastModifiedTime"] = call.cloud.clock.now()
    package["LastModifiedBy"] = identity_of(call)
    registry_event.announce(call, package, tuple(changed))
    return {"ModelPackageArn": package["ModelPackageArn"]}


@operation("sagemaker", "DeleteModelPackage")
def delete_package(call: Call) -> dict[str, Any]:
    """Delete a package; the number of a version is not given again."""
    package = find_package(call, call.params["ModelPackageName"])
    key = package["ModelPackageArn"].split(":model-package/", 1)[-1]
    del call.cloud.store(PACKAGES, call.account, call.region)[key]
    return {}
