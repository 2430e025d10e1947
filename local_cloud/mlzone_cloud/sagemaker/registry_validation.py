"""What a model package must fulfil beyond the service model's patterns."""

import json
from typing import Any

from botocore.exceptions import ClientError

from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call


def check(call: Call, params: dict[str, Any]) -> None:
    """Check what is registered or changed.

    Raises:
        ApiError: it names no package or two, its card is no JSON, or model data is missing.
    """
    if call.operation == "CreateModelPackage":
        names = [key for key in ("ModelPackageName", "ModelPackageGroupName") if params.get(key)]
        if len(names) != 1:
            raise ApiError(
                "ValidationException",
                "Either ModelPackageName or ModelPackageGroupName must be given, and not both",
            )
    card = (params.get("ModelCard") or {}).get("ModelCardContent")
    if card is not None and not _is_object(card):
        raise ApiError("ValidationException", "Model card content is not a valid JSON object")
    if params.get("SkipModelValidation") != "All":
        specifications = [
            params.get("InferenceSpecification") or {},
            *(params.get("AdditionalInferenceSpecifications") or ()),
            *(params.get("AdditionalInferenceSpecificationsToAdd") or ()),
        ]
        for specification in specifications:
            for container in specification.get("Containers") or ():
                _check_model_data(call, container)


def completed(call: Call, specification: dict[str, Any] | None) -> None:
    """Add what SageMaker finds out about containers: digests of images and of model data."""
    for container in (specification or {}).get("Containers") or ():
        image = container.get("Image", "")
        if "@sha256:" in image:
            container.setdefault("ImageDigest", image.split("@", 1)[1])
        url = container.get("ModelDataUrl")
        if url and (tag := _etag(call, url)):
            container["ModelDataETag"] = tag


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _check_model_data(call: Call, container: dict[str, Any]) -> None:
    url = container.get("ModelDataUrl")
    if url and url.startswith("s3://") and _etag(call, url) is None:
        raise _missing(url)
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    if source and source["S3Uri"].startswith("s3://"):
        bucket, _, key = source["S3Uri"].removeprefix("s3://").partition("/")
        s3 = call.cloud.client("s3", account=call.account, region=call.region)
        try:
            found = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount")
        except ClientError:
            found = 0
        if not found:
            raise _missing(source["S3Uri"])


def _missing(url: str) -> ApiError:
    return ApiError("ValidationException", f"Could not find model data at {url}.")


def _etag(call: Call, url: str) -> str | None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    s3 = call.cloud.client("s3", account=call.account, region=call.region)
    try:
        return str(s3.head_object(Bucket=bucket, Key=key)["ETag"]).strip('"')
    except ClientError:
        return None
