"""Drift: what resources really are, against what the template says."""

import json
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlzone_cloud.cfn import preparation, registry, stacks
from mlzone_cloud.cfn.provider import Context, NotReadableError
from mlzone_cloud.cfn.state import Json, Stack, StackResource
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, operation

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_DETECTIONS = "cloudformation.drift_detections"
_MISSING = object()


@operation("cloudformation", "DetectStackDrift")
def detect_stack_drift(call: Call) -> Json:
    """Begin to compare a stack's resources with its template."""
    stack = stacks.find(call, deleted=False)
    if not stack.status.endswith("_COMPLETE") or stack.status == "ROLLBACK_COMPLETE":
        raise ApiError(
            "ValidationError",
            f"Drift detection cannot be performed on stack [{stack.id}] in {stack.status} state",
        )
    detection_id = str(uuid.uuid4())
    call.cloud.store(_DETECTIONS, call.account, call.region)[detection_id] = {
        "StackId": stack.id,
        "StackDriftDetectionId": detection_id,
        "DetectionStatus": "DETECTION_IN_PROGRESS",
        "Timestamp": call.cloud.clock.now(),
    }
    names = call.params.get("LogicalResourceIds") or list(stack.resources)
    call.cloud.submit(_detect, call.cloud, stack, detection_id, names)
    return {"StackDriftDetectionId": detection_id}


def _detect(cloud: "Cloud", stack: Stack, detection_id: str, names: list[str]) -> None:
    detection = cloud.store(_DETECTIONS, stack.account, stack.region)[detection_id]
    try:
        for name in names:
            compare(cloud, stack, stack.resources[name])
    except Exception as error:
        detection["DetectionStatus"] = "DETECTION_FAILED"
        detection["DetectionStatusReason"] = repr(error)
        raise
    found = [item.drift.get("StackResourceDriftStatus") for item in stack.resources.values()]
    drifted = sum(status in ("MODIFIED", "DELETED") for status in found)
    detection |= {
        "StackDriftStatus": "DRIFTED" if drifted else "IN_SYNC",
        "DriftedStackResourceCount": drifted,
        "DetectionStatus": "DETECTION_COMPLETE",
    }
    stack.drift = {
        "StackDriftStatus": detection["StackDriftStatus"],
        "Timestamp": cloud.clock.now(),
    }
    # The stack rests: taken out again, it is saved with what was found.
    stacks.all_stacks(cloud, stack.account, stack.region)


def compare(cloud: "Cloud", stack: Stack, resource: StackResource) -> Json:
    """Compare one resource with its template, and remember the outcome."""
    expected = {key: value for key, value in resource.properties.items() if not _is_write_only(key)}
    status, actual = _live(cloud, stack, resource)
    differences: list[Json] = []
    shown: Json = {}
    if actual is not None:
        shown = {key: actual[key] for key in expected if key in actual}
        differences = list(_differences("", _only(expected, shown), shown))
        status = "MODIFIED" if differences else "IN_SYNC"
    resource.drift = {
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "ExpectedProperties": json.dumps(_only(expected, shown), default=str),
        "ActualProperties": json.dumps(shown, default=str),
        "PropertyDifferences": differences,
        "StackResourceDriftStatus": status,
        "Timestamp": cloud.clock.now(),
    }
    return resource.drift


def _only(expected: Json, shown: Json) -> Json:
    return {key: value for key, value in expected.items() if key in shown}


def _is_write_only(key: str) -> bool:
    return key in ("SecretString", "Code", "GenerateSecretString")


def _live(cloud: "Cloud", stack: Stack, resource: StackResource) -> tuple[str, Json | None]:
    if preparation.is_custom(resource.type):
        return "NOT_CHECKED", None
    provider = registry.provider_of(resource.type, stack.region)
    try:
        actual = provider.live(Context.of(cloud, stack), resource)
    except (NotReadableError, ClientError):
        return "NOT_CHECKED", None
    return "DELETED", actual


def _differences(path: str, expected: Any, actual: Any) -> Any:
    """Yield what differs, in the form of the API."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            yield from _differences(f"{path}/{key}", value, actual.get(key, _MISSING))
        return
    if isinstance(expected, list) and isinstance(actual, list):
        if _normal(expected) == _normal(actual):
            return
        if len(expected) == len(actual) and not all(isinstance(item, str) for item in expected):
            for index, (left, right) in enumerate(zip(expected, actual, strict=True)):
                yield from _differences(f"{path}/{index}", left, right)
            return
    if actual is _MISSING:
        # What is off by default need not be said.
        if str(expected).lower() == "false":
            return
    elif _normal(expected) == _normal(actual) or _is_id_of(actual, expected):
        return
    yield {
        "PropertyPath": path,
        "ExpectedValue": _shown(expected),
        "ActualValue": "null" if actual is _MISSING else _shown(actual),
        "DifferenceType": "REMOVE" if actual is _MISSING else "NOT_EQUAL",
    }


def _is_id_of(actual: Any, expected: Any) -> bool:
    """Say whether a service answered with the id where the template gave the ARN."""
    return (
        isinstance(expected, str)
        and isinstance(actual, str)
        and expected.startswith("arn:")
        and bool(actual)
        and expected.endswith(f"/{actual}")
    )


def _normal(value: Any) -> Any:  # noqa: PLR0911 - one case a kind of data
    """Return data without what does not matter: order, scalars as text, policies as text."""
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return _normal(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, dict):
        return json.dumps({key: _normal(item) for key, item in value.items()}, sort_keys=True)
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], str):
            return value[0]
        return json.dumps(sorted((_normal(item) for item in value), key=str))
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=_iso)


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@operation("cloudformation", "DescribeStackDriftDetectionStatus")
def describe_stack_drift_detection_status(call: Call) -> Json:
    """Tell how far a detection is."""
    wanted = call.params["StackDriftDetectionId"]
    detections = call.cloud.store(_DETECTIONS, call.account, call.region)
    if wanted not in detections:
        raise ApiError("ValidationError", f"Drift detection operation {wanted} does not exist")
    return dict(detections[wanted])


@operation("cloudformation", "DescribeStackResourceDrifts")
def describe_stack_resource_drifts(call: Call) -> Json:
    """Show what a detection found."""
    stack = stacks.find(call)
    wanted = call.params.get("StackResourceDriftStatusFilters")
    drifts = [resource.drift for resource in stack.resources.values() if resource.drift]
    return {
        "StackResourceDrifts": [
            drift for drift in drifts if not wanted or drift["StackResourceDriftStatus"] in wanted
        ]
    }


@operation("cloudformation", "DetectStackResourceDrift")
def detect_stack_resource_drift(call: Call) -> Json:
    """Compare one resource with its template."""
    stack = stacks.find(call, deleted=False)
    name = call.params["LogicalResourceId"]
    if name not in stack.resources:
        raise ApiError("ValidationError", f"Resource {name} does not exist for stack {stack.name}")
    return {"StackResourceDrift": compare(call.cloud, stack, stack.resources[name])}
