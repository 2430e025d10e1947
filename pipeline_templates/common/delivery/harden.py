"""Completes a pipeline definition by the platform's rules, and says what is missing.

The SDK drops settings without a word and cannot say some of them. So the build does not trust
what it wrote: `harden` sets network, keys, isolation, encryption, limits and tags on every job, has
what fails by AWS's fault tried again, and `gaps` reads the result as if somebody else had made it.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

_TRAINING_CHANNELS = "/opt/ml/input/data"
_NETWORK = "NetworkConfig"
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_PENDING = "PendingManualApproval"
_NO_JOB = ("Condition", "Fail")
_JOBS = ("Processing", "Training")
_PATIENCE = {"IntervalSeconds": 5, "BackoffRate": 3.0, "MaxAttempts": 5}
"""Tries after 5, 15, 45, 135 and 405 seconds."""
_SERVICE_FAULTS = {"ExceptionType": ["Step.SERVICE_FAULT", "Step.THROTTLING"], **_PATIENCE}
_JOB_FAULTS = {
    "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR"],
    **_PATIENCE,
}
_BRANCHES = ("IfSteps", "ElseSteps")


def steps(document: Document) -> Iterator[Document]:
    """Yield every step of a definition, those inside conditions too."""
    yield from _walk(document["Steps"])


def required(kind: str, delivery: Document) -> dict[str, Any] | None:
    """Return what a step must have, by path in its arguments; None for an unknown kind of step.

    Args:
        kind: the step's type.
        delivery: the delivery parameter.
    """
    network = {
        "SecurityGroupIds": delivery["network"]["security_groups"],
        "Subnets": delivery["network"]["subnets"],
    }
    keys, compute = delivery["keys"], delivery["compute"]
    tags = [{"Key": key, "Value": value} for key, value in sorted(delivery["tags"].items())]
    common = {
        "RoleArn": delivery["pipeline"]["role_arn"],
        "StoppingCondition.MaxRuntimeInSeconds": compute["max_runtime_seconds"],
        "Tags": tags,
    }
    cluster = "ProcessingResources.ClusterConfig"
    rules: dict[str, dict[str, Any]] = {
        "Processing": common
        | {
            f"{_NETWORK}.VpcConfig": network,
            f"{_NETWORK}.EnableNetworkIsolation": True,
            f"{_NETWORK}.EnableInterContainerTrafficEncryption": True,
            f"{cluster}.VolumeKmsKeyId": keys["volume"],
            f"{cluster}.VolumeSizeInGB": compute["volume_gb"],
            f"{cluster}.InstanceType": compute["instance_type"],
            f"{cluster}.InstanceCount": 1,
            "ProcessingOutputConfig.KmsKeyId": keys["output"],
        },
        "Training": common
        | {
            "VpcConfig": network,
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            "ResourceConfig.VolumeKmsKeyId": keys["volume"],
            "ResourceConfig.VolumeSizeInGB": compute["volume_gb"],
            "ResourceConfig.InstanceType": compute["instance_type"],
            "ResourceConfig.InstanceCount": 1,
            "OutputDataConfig.KmsKeyId": keys["output"],
        },
        "RegisterModel": {
            "ModelPackageGroupName": delivery["registry"]["group_arn"],
            "ModelApprovalStatus": _PENDING,
            "ModelLifeCycle": {"Stage": "Development", "StageStatus": "PendingApproval"},
        },
    }
    return {} if kind in _NO_JOB else rules.get(kind)


def harden(document: Document, delivery: Document) -> Document:
    """Return the definition with everything that the platform demands."""
    result = copy.deepcopy(document)
    for step in steps(result):
        arguments = step["Arguments"]
        for path, value in (required(step["Type"], delivery) or {}).items():
            _put(arguments, path, copy.deepcopy(value))
        # A script's own failure is not tried again: it would fail as before.
        if step["Type"] not in _NO_JOB:
            faults = [_SERVICE_FAULTS, *([_JOB_FAULTS] if step["Type"] in _JOBS else [])]
            step["RetryPolicies"] = copy.deepcopy(faults)
        if step["Type"] == "Training":
            _run_script(arguments)
        if step["Type"] == "RegisterModel":
            # Versions of a group carry the group's tags; the API refuses others.
            arguments.pop("Tags", None)
            # The SDK's script mode: empty variables that the platform's image does not know.
            for container in arguments["InferenceSpecification"]["Containers"]:
                container.pop("Environment", None)
    return result


def gaps(document: Document, delivery: Document) -> list[str]:
    """Return what a definition lacks, one line each; an unknown kind of step is a gap."""
    found = []
    for step in steps(document):
        where = f"{step['Name']} ({step['Type']})"
        rules = required(step["Type"], delivery)
        if rules is None:
            found.append(f"{where}: the platform has no rules for steps of this type")
            continue
        for path, value in rules.items():
            actual = _get(step["Arguments"], path)
            if actual != value:
                found.append(f"{where}: {path} is {actual!r}; expected {value!r}")
        found += [f"{where}: {problem}" for problem in _content(step["Arguments"], delivery)]
    return found


def _content(arguments: Document, delivery: Document) -> Iterator[str]:
    """Yield images that are not ours or that a tag could move, and places of others."""
    home = "s3://{bucket}/{prefix}/".format(**delivery["artifacts"])
    ours = {_repository(uri) for uri in delivery["images"].values()}
    ours |= {item["repository"] for item in [delivery.get("own_image")] if item}
    for key, value in _texts(arguments):
        if key in ("Image", "ImageUri", "TrainingImage"):
            if not _DIGEST.search(value):
                yield f"image {value} is not pinned by its digest"
            elif _repository(value) not in ours:
                yield f"image {value} is of none of {', '.join(sorted(ours))}"
        if value.startswith("s3://") and not f"{value}/".startswith(home):
            yield f"{value} is outside {home}"


def _repository(uri: str) -> str:
    """Return an image's repository: what stands before the digest or the tag."""
    host, slash, name = uri.partition("@")[0].partition("/")
    return host + slash + name.partition(":")[0]


def _run_script(arguments: Document) -> None:
    """Start the project's own script instead of the SDK's drivers, with every path said.

    An image that brings the program is started with `train`, as SageMaker does.
    """
    channels = [item["ChannelName"] for item in arguments["InputDataConfig"]]
    if "code" not in channels:
        for name in ("ContainerEntrypoint", "ContainerArguments"):
            arguments["AlgorithmSpecification"].pop(name, None)
        return
    paths = [
        text
        for name in channels
        if name != "code"
        for text in (f"--{name}", f"{_TRAINING_CHANNELS}/{name}")
    ]
    arguments["AlgorithmSpecification"] |= {
        "ContainerEntrypoint": ["python3", f"{_TRAINING_CHANNELS}/code/train.py"],
        "ContainerArguments": [*paths, "--model-dir", "/opt/ml/model"],
    }


def _walk(listed: list[Document]) -> Iterator[Document]:
    for step in listed:
        yield step
        for branch in _BRANCHES:
            yield from _walk(step["Arguments"].get(branch, []))


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in _BRANCHES:
                yield from _texts(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, key)


def _get(arguments: Document, path: str) -> Any:
    value: Any = arguments
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _put(arguments: Document, path: str, value: Any) -> None:
    *above, last = path.split(".")
    for name in above:
        arguments = arguments.setdefault(name, {})
    arguments[last] = value
