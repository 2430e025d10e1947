"""A project of the template, built as CodeBuild builds it, on the embedded cloud."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.conftest import DEV, REGION, Server

from mlzone_tools.services.model import template

TEMPLATES = Path(__file__).parents[3] / "pipeline_templates"
ARN = "arn:aws:sts::111111111111:assumed-role/aur-data-scientist/ana.souza"
BUCKET, PREFIX, PARAMETER = "aur-artifacts", "retail-banking/credit-default", "/aur/delivery"
ROLE = f"arn:aws:iam::{DEV}:role/pipeline"
GROUP = "aur-retail-banking-credit-default"
ANSWERS = {"business_unit": "retail-banking", "team": "credit-risk", "model": "credit-default"}
PROGRAMS = {
    "aur/tabular": ["python3", "-m", "mlzone_runtime.serving"],
    "aur/analyzer": ["python3", "-m", "mlzone_runtime.analyzer"],
}

pytestmark = pytest.mark.cloud


@dataclass(frozen=True, kw_only=True)
class Platform:
    """An account with what a model's build needs, and a project to build."""

    server: Server
    project: Path
    delivery: dict[str, Any]

    def client(self, service: str) -> Any:
        return self.server.client(service, account=DEV)

    def tell(self, **changes: Any) -> None:
        """Write the delivery parameter."""
        self.client("ssm").put_parameter(
            Name=PARAMETER,
            Type="String",
            Value=json.dumps(self.delivery | changes),
            Overwrite=True,
        )

    def build(self, build_id: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Build the project.

        Args:
            build_id: of CodeBuild.
            variables: what the build finds in its environment besides.
        """
        keys = self.server.credentials[DEV]
        return subprocess.run(
            [sys.executable, "-m", "delivery.build"],
            cwd=self.project,
            env={
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",
                "AWS_ENDPOINT_URL": self.server.url,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": keys["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
                "MLZONE_DELIVERY_PARAMETER": PARAMETER,
                "MLZONE_AUTHOR": ARN,
                "MLZONE_TRIGGER": "commit",
                "CODEBUILD_RESOLVED_SOURCE_VERSION": "c0ffee",
                "CODEBUILD_BUILD_ID": build_id,
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def versions(self) -> list[dict[str, Any]]:
        sagemaker = self.client("sagemaker")
        listed = sagemaker.list_model_packages(ModelPackageGroupName=GROUP)
        return [
            sagemaker.describe_model_package(ModelPackageName=item["ModelPackageArn"])
            for item in listed["ModelPackageSummaryList"]
        ]

    def object(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


@pytest.fixture(scope="module")
def platform(
    start_server: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory
) -> Platform:
    server = start_server(tmp_path_factory.mktemp("cloud"))
    project = tmp_path_factory.mktemp("model") / "project"
    template.render("tabular-realtime", ANSWERS, project, templates=TEMPLATES)
    made = Platform(server=server, project=project, delivery=delivery(server, project))
    made.tell()
    return made


def delivery(server: Server, project: Path) -> dict[str, Any]:
    """Make what the delivery parameter names; return its content."""

    def client(service: str) -> Any:
        return server.client(service, account=DEV)

    client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    for name, program in PROGRAMS.items():
        client("ecr").create_repository(repositoryName=name)
        client("ecr").put_image(
            repositoryName=name, imageTag="1.0.0", imageManifest=manifest(program)
        )
    make_role(client("iam"), key)
    vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]
    group = client("ec2").create_security_group(VpcId=vpc, GroupName="jobs", Description="jobs")
    example = json.loads((project / "tests" / "delivery.json").read_text(encoding="utf-8"))
    host = f"{DEV}.dkr.ecr.{REGION}.amazonaws.com"
    tabular, analyzer = (f"{host}/{name}:1.0.0" for name in PROGRAMS)
    changes = {
        "region": REGION,
        "pipeline": {"name": GROUP, "role_arn": ROLE},
        "registry": {"group_arn": f"arn:aws:sagemaker:{REGION}:{DEV}:model-package-group/{GROUP}"},
        "artifacts": {"bucket": BUCKET, "prefix": PREFIX},
        "network": {"subnets": [subnet["SubnetId"]], "security_groups": [group["GroupId"]]},
        "keys": {"volume": key, "output": key},
        "images": {
            "training": tabular,
            "processing": tabular,
            "inference": tabular,
            "analyzer": analyzer,
        },
    }
    return {**example, **changes}


def manifest(program: list[str]) -> str:
    kind = "application/vnd.oci.image.manifest.v1+json"
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": {"digest": f"sha256:{'0' * 64}", "size": 2, "mediaType": "text/plain"},
            "layers": [],
            "annotations": {"mlzone.local.entrypoint": json.dumps(program)},
        }
    )


def make_role(iam: Any, key: str) -> None:
    def policy(*statements: dict[str, Any]) -> str:
        return json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **s} for s in statements]}
        )

    trust = {"Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="pipeline", AssumeRolePolicyDocument=policy(trust))
    iam.put_role_policy(
        RoleName="pipeline",
        PolicyName="p",
        PolicyDocument=policy(
            {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
            {
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::{BUCKET}/{PREFIX}/*",
            },
            {"Action": "kms:*", "Resource": key},
            {"Action": ["sagemaker:*", "ecr:*", "logs:*", "ec2:*"], "Resource": "*"},
            {"Action": "iam:PassRole", "Resource": ROLE},
        ),
    )


@pytest.fixture(scope="module")
def built(platform: Platform) -> subprocess.CompletedProcess[str]:
    return platform.build()


def test_DAT_02_a_build_registers_a_version_that_waits_for_approval(
    platform: Platform, built: subprocess.CompletedProcess[str]
) -> None:
    assert built.returncode == 0, built.stdout + built.stderr
    (version,) = platform.versions()
    assert f"registered {version['ModelPackageArn']}; it waits for approval" in built.stdout
    assert version["ModelApprovalStatus"] == "PendingManualApproval"
    assert version["ModelLifeCycle"]["Stage"] == "Development"
    assert version["ModelLifeCycle"]["StageStatus"] == "PendingApproval"


def test_the_version_says_who_made_it_from_what_and_how_good_it_is(
    platform: Platform, built: subprocess.CompletedProcess[str]
) -> None:
    assert built.returncode == 0
    (version, *_) = platform.versions()
    facts = version["CustomerMetadataProperties"]
    assert (facts["author"], facts["commit"], facts["trigger"]) == ("ana.souza", "c0ffee", "commit")
    assert float(facts["auc"]) >= 0.7
    assert float(facts["disparate_impact_gap"]) <= 0.3
    assert len(facts["code_hash"]) == len(facts["data_hash"]) == len(facts["manifest_sha256"]) == 64
    assert "/execution/" in facts["pipeline_execution"]
    # The build was told of no MLflow App.
    assert (facts["mlflow_app"], facts["mlflow_run"]) == ("none", "none")
    card = json.loads(version["ModelCard"]["ModelCardContent"])
    assert card["intended_uses"]["risk_rating"] == "High"
    (container,) = version["InferenceSpecification"]["Containers"]
    assert "@sha256:" in container["Image"]


def test_what_the_version_points_to_is_there(
    platform: Platform, built: subprocess.CompletedProcess[str]
) -> None:
    assert built.returncode == 0
    (version, *_) = platform.versions()
    metrics, drifts = version["ModelMetrics"], version["DriftCheckBaselines"]
    drift = drifts["ModelDataQuality"]
    for document in (
        metrics["ModelQuality"]["Statistics"],
        metrics["Bias"]["Report"],
        metrics["Explainability"]["Report"],
        drift["Statistics"],
        drift["Constraints"],
        drifts["ModelQuality"]["Statistics"],
        drifts["ModelQuality"]["Constraints"],
        drifts["Bias"]["PreTrainingConstraints"],
        drifts["Bias"]["PostTrainingConstraints"],
        drifts["Explainability"]["Constraints"],
    ):
        assert json.loads(platform.object(document["S3Uri"]))
    baseline = drift["Statistics"]["S3Uri"].rpartition("/")[0]
    (container,) = version["InferenceSpecification"]["Containers"]
    assert platform.object(f"{baseline}/model.tar.gz") == platform.object(container["ModelDataUrl"])
    assert platform.object(version["SamplePayloadUrl"])


def test_each_step_is_told(built: subprocess.CompletedProcess[str]) -> None:
    for step in ("Prepare", "Train", "Evaluate", "Baseline", "Gate", "Register"):
        assert any(step in line and "Succeeded" in line for line in built.stdout.splitlines()), (
            built.stdout
        )


def test_a_second_build_of_the_same_sources_takes_its_steps_from_the_cache(
    platform: Platform, built: subprocess.CompletedProcess[str]
) -> None:
    assert built.returncode == 0
    again = platform.build()
    assert again.returncode == 0, again.stdout + again.stderr
    assert "unchanged" in again.stdout
    cached = [line for line in again.stdout.splitlines() if line.endswith("(cached)")]
    assert len(cached) == 4
    assert len(platform.versions()) == 2


def test_a_build_that_begins_again_registers_no_second_version(
    platform: Platform, built: subprocess.CompletedProcess[str]
) -> None:
    assert built.returncode == 0
    first = platform.build("aur-train:1")
    before = len(platform.versions())
    again = platform.build("aur-train:1")
    assert first.returncode == again.returncode == 0, again.stdout + again.stderr
    assert first.stdout.splitlines()[-1] == again.stdout.splitlines()[-1]
    assert len(platform.versions()) == before


def test_a_version_below_the_threshold_is_not_registered_and_the_build_says_why(
    platform: Platform, built: subprocess.CompletedProcess[str]
) -> None:
    assert built.returncode == 0
    before = len(platform.versions())
    platform.tell(thresholds={"min_auc": 0.99, "max_disparate_impact_gap": 0.3})
    refused = platform.build()
    assert refused.returncode == 1
    assert "Reject: not registered: AUC 0.7" in refused.stderr
    assert "(at least 0.99)" in refused.stderr
    assert len(platform.versions()) == before


def test_a_failing_step_is_told_with_the_end_of_its_log(
    platform: Platform, built: subprocess.CompletedProcess[str]
) -> None:
    assert built.returncode == 0
    contract = platform.project / "data_contract.yaml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("rows: {min: 500}", "rows: {min: 5000}"), encoding="utf-8")
    try:
        failed = platform.build()
    finally:
        contract.write_text(text, encoding="utf-8")
    assert failed.returncode == 1
    assert "Prepare: " in failed.stderr
    reason = "the data breaks its contract: got 1000 rows; expected at least 5000"
    assert f"    error: {reason}" in failed.stderr
    assert "Traceback" not in failed.stderr
