"""SageMaker models: what an endpoint or a transform job serves.

Replaces moto's, which loses network isolation and does not look at model packages.
"""

from typing import Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.model_server import artifacts_of, containers_of, require_trust
from mlzone_cloud.sagemaker.storage import Storage, StorageError, split_uri

NOUN = "Model"
_MISSING = 'Could not find model "{arn}".'


@operation("sagemaker", "CreateModel")
def create_model(call: Call) -> dict[str, Any]:
    """Keep a model whose artefacts its role can read."""
    validate("sagemaker", call.operation, call.params)
    name = call.params["ModelName"]
    kept = records.store(call.cloud, NOUN, call.account, call.region)
    if name in kept:
        raise ApiError(
            "ValidationException",
            f'Cannot create already existing model "{kept[name]["ModelArn"]}".',
        )
    if bool(call.params.get("PrimaryContainer")) == bool(call.params.get("Containers")):
        raise ApiError(
            "ValidationException", "Exactly one of PrimaryContainer and Containers must be given."
        )
    if len(call.params.get("Containers") or ()) > 1:
        raise ApiError(
            "NotImplemented",
            "the embedded cloud does not emulate inference pipelines of containers",
        )
    role = call.params.get("ExecutionRoleArn")
    if not role:
        raise ApiError("ValidationException", "ExecutionRoleArn is required to create a model.")
    require_trust(call.cloud, role)
    record = {"EnableNetworkIsolation": False, **records.new(call, NOUN)}
    for container in containers_of(call.cloud, record, call.account, call.region):
        _check_artifacts(call, role, container)
    kept[name] = record
    return {"ModelArn": record["ModelArn"]}


@operation("sagemaker", "DescribeModel")
def describe_model(call: Call) -> dict[str, Any]:
    """Describe a model."""
    return records.shown(call.operation, records.find(call, NOUN, _MISSING))


@operation("sagemaker", "ListModels")
def list_models(call: Call) -> dict[str, Any]:
    """List the models."""
    return records.listing(call, NOUN, "Models")


@operation("sagemaker", "DeleteModel")
def delete_model(call: Call) -> dict[str, Any]:
    """Forget a model; endpoints that serve it go on."""
    record = records.find(call, NOUN, _MISSING)
    del records.store(call.cloud, NOUN, call.account, call.region)[record["ModelName"]]
    return {}


def _check_artifacts(call: Call, role: str, container: dict[str, Any]) -> None:
    artifacts = artifacts_of(container)
    if artifacts is None:
        return
    uri, data_type, _ = artifacts
    storage = Storage(call.cloud, account=call.account, region=call.region, role=role)
    try:
        bucket, key = split_uri(uri)
        found = any(storage.objects(uri)) if data_type == "S3Prefix" else storage.has(bucket, key)
    except StorageError as error:
        raise ApiError(
            "ValidationException",
            f"Could not access model data at {uri}. Please ensure that the role {role} exists and "
            "that its trust relationship policy allows the action sts:AssumeRole for the service "
            "principal sagemaker.amazonaws.com. Also ensure that the role has s3:GetObject "
            f"permissions and that the object is located in {call.region}. ({error})",
        ) from error
    if not found:
        raise ApiError("ValidationException", f"Could not find model data at {uri}.")
