"""Endpoints: the operations on them. What serves them is in `deployment` and `rollout`."""

import copy
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import capture, deployment, endpoint_configs, records, rollout
from mlzone_cloud.sagemaker.deployment import Place
from mlzone_cloud.sagemaker.endpoint_description import PENDING, PLAN, announce, described
from mlzone_cloud.sagemaker.records import Record
from mlzone_cloud.sagemaker.rollout import NOUN

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

MISSING = 'Could not find endpoint "{arn}".'
_LAST = "LastDeploymentConfig"


@operation("sagemaker", "CreateEndpoint")
def create_endpoint(call: Call) -> dict[str, Any]:
    """Begin to bring an endpoint into service."""
    validate("sagemaker", call.operation, call.params)
    kept = records.store(call.cloud, NOUN, call.account, call.region)
    name = call.params["EndpointName"]
    if name in kept:
        raise ApiError(
            "ValidationException",
            f'Cannot create already existing endpoint "{kept[name]["EndpointArn"]}".',
        )
    configuration = _configuration(call)
    record = records.new(call, NOUN)
    settings = record.pop("DeploymentConfig", None)
    record["EndpointStatus"] = "Creating"
    record[PENDING] = {"config": configuration}
    if settings:
        record[_LAST] = settings
    kept[name] = record
    place = _place(call, record)
    announce(call.cloud, place, record)
    rollout.create(call.cloud, place, record)
    return {"EndpointArn": record["EndpointArn"]}


@operation("sagemaker", "DescribeEndpoint")
def describe_endpoint(call: Call) -> dict[str, Any]:
    """Describe an endpoint."""
    record = records.find(call, NOUN, MISSING)
    return records.shown(call.operation, described(record))


@operation("sagemaker", "ListEndpoints")
def list_endpoints(call: Call) -> dict[str, Any]:
    """List the endpoints."""
    return records.listing(call, NOUN, "Endpoints")


@operation("sagemaker", "UpdateEndpoint")
def update_endpoint(call: Call) -> dict[str, Any]:
    """Begin to change an endpoint to another configuration; it serves all the while."""
    validate("sagemaker", call.operation, call.params)
    record = _ready(call, "update")
    configuration = _configuration(call)
    params = call.params
    settings = params.get("DeploymentConfig")
    if settings is None and params.get("RetainDeploymentConfig"):
        settings = record.get(_LAST)
    if settings:
        _check_names(record, configuration)
    record[PENDING] = {
        "config": configuration,
        "deployment": settings,
        "retain": bool(params.get("RetainAllVariantProperties")),
        "excluded": [
            item["VariantPropertyType"]
            for item in params.get("ExcludeRetainedVariantProperties") or ()
        ],
        "started": call.cloud.clock.now(),
    }
    if settings:
        record[_LAST] = settings
    else:
        record.pop(_LAST, None)
    record["EndpointStatus"] = "Updating"
    record["LastModifiedTime"] = call.cloud.clock.now()
    place = _place(call, record)
    announce(call.cloud, place, record)
    rollout.update(call.cloud, place, record)
    return {"EndpointArn": record["EndpointArn"]}


@operation("sagemaker", "UpdateEndpointWeightsAndCapacities")
def update_weights(call: Call) -> dict[str, Any]:
    """Change the variants' shares of the traffic and numbers of instances, at once."""
    validate("sagemaker", call.operation, call.params)
    record = _ready(call, "update")
    variants = {told["name"]: told for told in deployment.all_told(record[PLAN])}
    wanted = call.params["DesiredWeightsAndCapacities"]
    for item in wanted:
        if item["VariantName"] not in variants:
            raise ApiError(
                "ValidationException",
                f"Could not find variant {item['VariantName']} of endpoint "
                f'"{record["EndpointArn"]}".',
            )
    for item in wanted:
        told = variants[item["VariantName"]]
        told["weight"] = float(item.get("DesiredWeight", told["weight"]))
        told["instances"] = int(item.get("DesiredInstanceCount", told["instances"]))
    record["LastModifiedTime"] = call.cloud.clock.now()
    return {"EndpointArn": record["EndpointArn"]}


@operation("sagemaker", "DeleteEndpoint")
def delete_endpoint(call: Call) -> dict[str, Any]:
    """Begin to take an endpoint out of service."""
    record = records.find(call, NOUN, MISSING)
    if record["EndpointStatus"] != "Deleting":
        record["EndpointStatus"] = "Deleting"
        place = _place(call, record)
        announce(call.cloud, place, record)
        rollout.delete(call.cloud, place, record)
    return {}


def resume(cloud: "Cloud") -> None:
    """Go on with what a stop of the cloud has interrupted; servers start at the first request."""
    deployment.remove_folders(cloud)
    for name, account, region in list(cloud.stores):
        if name != f"sagemaker.{NOUN}":
            continue
        for record in list(records.store(cloud, NOUN, account, region).values()):
            place = (account, region, str(record["EndpointName"]))
            begin = _UNFINISHED.get(record["EndpointStatus"])
            if begin:
                begin(cloud, place, record)


def install(cloud: "Cloud") -> None:
    """Write captured data when it is due, and go on after a restart."""
    cloud.add_ticker(capture.write_due)
    cloud.resumers.append(resume)


def _configuration(call: Call) -> Record:
    found = records.find(call, endpoint_configs.NOUN, endpoint_configs.MISSING)
    if found.get("AsyncInferenceConfig"):
        raise ApiError(
            "NotImplemented", "the embedded cloud does not emulate asynchronous inference"
        )
    return copy.deepcopy(found)


def _ready(call: Call, verb: str) -> Record:
    record = records.find(call, NOUN, MISSING)
    status, arn = record["EndpointStatus"], record["EndpointArn"]
    if status == "Failed":
        raise ApiError("ValidationException", f'Cannot {verb} failed endpoint "{arn}".')
    if status != "InService":
        raise ApiError("ValidationException", f'Cannot {verb} in-progress endpoint "{arn}".')
    return record


def _check_names(record: Record, configuration: Record) -> None:
    """Refuse other variants than before where traffic shall be shifted between like and like.

    Source: Amazon SageMaker AI Developer Guide, "Deployment guardrails", "Exclusions".
    """
    before = {told["name"] for told in deployment.all_told(record[PLAN])}
    wanted = {item["VariantName"] for item in endpoint_configs.variants_of(configuration)}
    if before != wanted:
        raise ApiError(
            "ValidationException",
            "With a DeploymentConfig, the new endpoint configuration must have the same variant "
            f"names as the old one: {', '.join(sorted(before))}, not {', '.join(sorted(wanted))}.",
        )


def _place(call: Call, record: Record) -> Place:
    return call.account, call.region, str(record["EndpointName"])


_UNFINISHED = {
    "Creating": rollout.create,
    "Updating": rollout.update,
    "RollingBack": rollout.update,
    "Deleting": rollout.delete,
}
