"""A registered version with its artefacts, and an embedded cloud to release it in."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.seed import Seed, SeedAccount, plant
from mlzone_cloud.state import forget_everything
from mlzone_runtime.release.document import Release

STAGING = "111111111112"
REGION = "sa-east-1"
GROUP = f"arn:aws:sagemaker:{REGION}:100000000002:model-package-group/aur-retail-credit"
VERSION = GROUP.replace("-group", "") + "/3"
IMAGES = f"100000000002.dkr.ecr.{REGION}.amazonaws.com/aur/"
IMAGE = f"{IMAGES}tabular@sha256:{'a' * 64}"
ARTIFACTS = "aur-artifacts"
RELEASES = "aur-releases"
BASELINE = "retail/credit/executions/1/baseline/"
MODEL_KEY = "retail/credit/executions/1/training/model.tar.gz"
EXPLANATION_KEY = "retail/credit/executions/1/evaluation/explanation.json"
FEATURES = [
    {"name": "amount", "type": "number"},
    {"name": "purpose", "type": "category", "categories": ["car", "house"]},
]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    forget_everything()
    made = Cloud(state_dir=tmp_path)
    account = SeedAccount(id=STAGING, name="staging", email="s@example.com", unit="Workloads")
    seed = Seed(
        organization_id="o-exampleorg1",
        home_region=REGION,
        management="100000000001",
        accounts=(account,),
    )
    plant(made, seed)
    yield made
    made.stop()
    forget_everything()


@pytest.fixture
def release() -> Release:
    return Release(
        release="v3-abcdef",
        model_package_arn=VERSION,
        author="bruno.lima",
        approver="paula.reis",
        model_data_url=f"s3://{RELEASES}/credit/v3-abcdef/model.tar.gz",
        inference_image=IMAGE,
        baseline_statistics=f"s3://{RELEASES}/credit/v3-abcdef/baseline",
        baseline_constraints=f"s3://{RELEASES}/credit/v3-abcdef/baseline/constraints.json",
        analyzer_image=f"{IMAGES}analyzer:1.0.0",
        features=tuple(FEATURES),
        rows=(("1000", "car"), ("2500.5", "house"), ("", "")),
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def model_archive(features: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        content = json.dumps({"format": "tabular/1", "features": features}).encode()
        member = tarfile.TarInfo("schema.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def artifacts() -> dict[str, bytes]:
    """The objects in the artefact bucket, by key."""
    files = {
        "model.tar.gz": model_archive(FEATURES),
        "statistics.json": b'{"version": 0}',
        "constraints.json": b'{"features": []}',
        "sample.csv": b"amount,purpose\n1000,car\n2500.5,house\n,\n",
    }
    manifest = {"files": {name: sha256(content) for name, content in files.items()}}
    objects = {f"{BASELINE}{name}": content for name, content in files.items()}
    objects[f"{BASELINE}manifest.json"] = json.dumps(manifest).encode()
    objects[MODEL_KEY] = files["model.tar.gz"]
    objects[EXPLANATION_KEY] = b'{"explanations": {}}'
    return objects


@pytest.fixture
def store(cloud: Cloud) -> Callable[[dict[str, bytes]], Any]:
    """Fill the artefact bucket; return a client of S3."""

    def fill(objects: dict[str, bytes]) -> Any:
        s3 = cloud.client("s3", account=STAGING)
        for bucket in (ARTIFACTS, RELEASES):
            s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        for key, content in objects.items():
            s3.put_object(Bucket=ARTIFACTS, Key=key, Body=content)
        return s3

    return fill


@pytest.fixture
def package(artifacts: dict[str, bytes]) -> dict[str, Any]:
    """What SageMaker tells of the version once it is approved."""
    return {
        "ModelPackageArn": VERSION,
        "ModelPackageVersion": 3,
        "ModelApprovalStatus": "Approved",
        "LastModifiedTime": datetime(2026, 6, 1, 12, tzinfo=UTC),
        "CustomerMetadataProperties": {
            "author": "bruno.lima",
            "validation": f"tomas.amaral sha256:{'b' * 64} report.pdf",
            "manifest_sha256": sha256(artifacts[f"{BASELINE}manifest.json"]),
        },
        "InferenceSpecification": {
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{ARTIFACTS}/{MODEL_KEY}"}]
        },
        "ModelMetrics": {
            "Explainability": {"Report": {"S3Uri": f"s3://{ARTIFACTS}/{EXPLANATION_KEY}"}}
        },
        "DriftCheckBaselines": {
            "ModelDataQuality": {
                "Statistics": {"S3Uri": f"s3://{ARTIFACTS}/{BASELINE}statistics.json"}
            }
        },
        "LastModifiedBy": {
            "IamIdentity": {
                "Arn": "arn:aws:sts::100000000002:assumed-role/approver/paula.reis",
                "SourceIdentity": "paula.reis",
            }
        },
    }


class Bus:
    """An event bus that remembers."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, **request: Any) -> dict[str, Any]:
        self.entries += request["Entries"]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    @property
    def kinds(self) -> list[str]:
        return [entry["DetailType"] for entry in self.entries]

    def detail(self, number: int = -1) -> dict[str, Any]:
        return json.loads(self.entries[number]["Detail"])


@pytest.fixture
def bus() -> Bus:
    return Bus()
