"""Tags of SageMaker resources, wherever they are kept."""

import re
from typing import Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic.crud import ARN
from mlzone_cloud.operations import Call, operation

_PREFIX = "sagemaker."


@operation("sagemaker", "ListTags")
def list_tags(call: Call) -> dict[str, Any]:
    """List the tags of a resource."""
    record = _record(call)
    if record is None:
        return _forward(call)
    return {"Tags": list(record.get("Tags") or ())}


@operation("sagemaker", "AddTags")
def add_tags(call: Call) -> dict[str, Any]:
    """Add tags; a tag of the same key is replaced."""
    record = _record(call)
    if record is None:
        return _forward(call)
    tags = {tag["Key"]: tag for tag in (*(record.get("Tags") or ()), *call.params["Tags"])}
    record["Tags"] = list(tags.values())
    return {"Tags": record["Tags"]}


@operation("sagemaker", "DeleteTags")
def delete_tags(call: Call) -> dict[str, Any]:
    """Remove tags by key."""
    record = _record(call)
    if record is None:
        return _forward(call)
    gone = set(call.params["TagKeys"])
    record["Tags"] = [tag for tag in record.get("Tags") or () if tag["Key"] not in gone]
    return {}


def _bearer(arn: str) -> str:
    """Return who has the tags: versions in the model registry have those of their group."""
    return re.sub(r":model-package/([^/]+)/[^/]+$", r":model-package-group/\1", arn)


def _record(call: Call) -> dict[str, Any] | None:
    arn = _bearer(call.params["ResourceArn"])
    for (name, account, region), store in list(call.cloud.stores.items()):
        if name.startswith(_PREFIX) and (account, region) == (call.account, call.region):
            for record in store.values():
                if isinstance(record, dict) and record.get(ARN) == arn:
                    call.cloud.store(name, account, region)
                    return record
    return None


def _forward(call: Call) -> dict[str, Any]:
    """Ask moto, which fails on what it does not know."""
    try:
        return call.forward()
    except ApiError as error:
        if error.status < 500:  # noqa: PLR2004
            raise
        arn = call.params["ResourceArn"]
        raise ApiError("ResourceNotFound", f"{arn} does not exist.") from error
    except AttributeError as error:
        arn = call.params["ResourceArn"]
        raise ApiError("ResourceNotFound", f"{arn} does not exist.") from error
