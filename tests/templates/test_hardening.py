"""Each setting that the SDK or a hand could lose is a gap that fails the build."""

import copy
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import DIGEST, python
from .test_project import COMPILE

Document = dict[str, Any]


@pytest.fixture(scope="module")
def definition(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Document:
    target = tmp_path_factory.mktemp("definition") / "definition.json"
    done = python("-c", COMPILE, target, f"@{DIGEST}", cwd=project)
    assert done.returncode == 0, done.stderr
    loaded: Document = json.loads(target.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def harden(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(project))
    return importlib.import_module("delivery.harden")


def step(document: Document, name: str, harden: Any) -> Document:
    found: Document = next(s for s in harden.steps(document) if s["Name"] == name)
    return found


def remove(arguments: Document, path: str) -> None:
    *above, last = path.split(".")
    for name in above:
        arguments = arguments[name]
    del arguments[last]


PROCESSING = (
    "NetworkConfig",
    "NetworkConfig.VpcConfig",
    "NetworkConfig.VpcConfig.Subnets",
    "NetworkConfig.EnableNetworkIsolation",
    "NetworkConfig.EnableInterContainerTrafficEncryption",
    "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
    "ProcessingOutputConfig.KmsKeyId",
    "StoppingCondition",
    "RoleArn",
    "Tags",
)
TRAINING = (
    "VpcConfig",
    "VpcConfig.SecurityGroupIds",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "ResourceConfig.VolumeKmsKeyId",
    "OutputDataConfig.KmsKeyId",
    "StoppingCondition",
    "RoleArn",
    "Tags",
)
REGISTER = ("ModelApprovalStatus", "ModelLifeCycle", "ModelPackageGroupName")
LOST = [
    *((name, path) for name in ("Prepare", "Evaluate", "Baseline") for path in PROCESSING),
    *(("Train", path) for path in TRAINING),
    *(("Register", path) for path in REGISTER),
]
CHANGED = [
    ("Train", "EnableNetworkIsolation", False),
    ("Train", "VpcConfig", {"SecurityGroupIds": ["sg-other"], "Subnets": ["subnet-other"]}),
    ("Train", "OutputDataConfig.KmsKeyId", "alias/aws/s3"),
    ("Train", "StoppingCondition.MaxRuntimeInSeconds", 432_000),
    ("Train", "ResourceConfig.InstanceType", "ml.p5.48xlarge"),
    ("Train", "ResourceConfig.InstanceCount", 20),
    ("Train", "OutputDataConfig.S3OutputPath", "s3://somewhere-else/out"),
    ("Prepare", "RoleArn", "arn:aws:iam::111122223333:role/admin"),
    ("Prepare", "AppSpecification.ImageUri", "docker.io/library/python:3"),
    ("Register", "ModelApprovalStatus", "Approved"),
    ("Register", "ModelLifeCycle.Stage", "Production"),
    ("Register", "ModelPackageGroupName", "another-group"),
]


def test_the_definition_as_built_has_no_gap(
    definition: Document, delivery: Document, harden: Any
) -> None:
    assert harden.gaps(definition, delivery) == []


@pytest.mark.parametrize(("name", "path"), LOST)
def test_a_lost_setting_is_a_gap(
    definition: Document, delivery: Document, harden: Any, name: str, path: str
) -> None:
    document = copy.deepcopy(definition)
    remove(step(document, name, harden)["Arguments"], path)
    found = harden.gaps(document, delivery)
    assert found
    assert all(line.startswith(f"{name} (") for line in found)


@pytest.mark.parametrize(("name", "path", "value"), CHANGED)
def test_a_changed_setting_is_a_gap(
    definition: Document, delivery: Document, harden: Any, name: str, path: str, value: Any
) -> None:
    document = copy.deepcopy(definition)
    *above, last = path.split(".")
    arguments = step(document, name, harden)["Arguments"]
    for part in above:
        arguments = arguments[part]
    arguments[last] = value
    found = harden.gaps(document, delivery)
    assert len(found) == 1
    assert found[0].startswith(f"{name} (")


def test_hardening_closes_every_gap_again(
    definition: Document, delivery: Document, harden: Any
) -> None:
    document = copy.deepcopy(definition)
    for name, path in LOST:
        if "." not in path:
            step(document, name, harden)["Arguments"].pop(path, None)
    assert harden.gaps(harden.harden(document, delivery), delivery) == []


def test_a_request_that_the_api_would_refuse_is_named(
    definition: Document, project: Path, monkeypatch: pytest.MonkeyPatch, harden: Any
) -> None:
    monkeypatch.syspath_prepend(str(project))
    requests = importlib.import_module("delivery.requests")
    assert requests.problems(definition) == []
    document = copy.deepcopy(definition)
    arguments = step(document, "Baseline", harden)["Arguments"]
    arguments["AppSpecification"]["ContainerArguments"].append("x" * 257)
    del arguments["ProcessingResources"]["ClusterConfig"]["VolumeSizeInGB"]
    found = requests.problems(document)
    assert any("ContainerArguments[] has a length of 257; at most 256" in line for line in found)
    assert any("VolumeSizeInGB" in line for line in found)
