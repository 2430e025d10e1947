"""Every resource type that the landing zone's stacks use is made through a validated path."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.cfn.conftest import ACCOUNT, REGION, Stacks
from tests.cloud.sagemaker.serving import SERVER, packed

from mlzone_cloud.cfn import coverage

TEMPLATE = (Path(__file__).parent / "templates" / "every_type.yaml").read_text(encoding="utf-8")
TYPES = sorted(set(re.findall(r"Type: (AWS::\w+::\w+)", TEMPLATE)))
LOGGING = {
    "AccountId": ACCOUNT,
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/logging",
    "DefaultLogLevel": "INFO",
}


@pytest.fixture
def every(stacks: Stacks) -> dict[str, Any]:
    give_a_model(stacks)
    stacks.client().create_stack(
        StackName="every",
        TemplateBody=TEMPLATE,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Tags=[{"Key": "unit", "Value": "retail"}],
    )
    return stacks.wait("every")


def give_a_model(stacks: Stacks) -> None:
    """Put an image and a model's artefact where the stack's endpoint expects them."""
    s3, bucket = stacks.client("s3"), f"given-{ACCOUNT}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    body = packed(SERVER.replace("VERSION", "b'every'"))
    s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=body)
    ecr = stacks.client("ecr")
    ecr.create_repository(repositoryName="given")
    program = json.dumps(["python3", "/opt/ml/model/serve.py"])
    manifest = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "layers": [],
        "annotations": {"mlzone.local.entrypoint": program},
    }
    ecr.put_image(repositoryName="given", imageTag="1", imageManifest=json.dumps(manifest))


@pytest.mark.parametrize("type_name", TYPES)
def test_a_type_has_a_validated_path(type_name: str) -> None:
    assert coverage.path_of(type_name, "sa-east-1") in coverage.VALIDATED
    assert coverage.has_schema(type_name, "sa-east-1")


def test_a_type_without_an_api_is_told_apart() -> None:
    found = coverage.unvalidated({"AWS::IoT::Logging", "AWS::S3::Bucket", "AWS::Nope::It"})

    assert found == ["AWS::IoT::Logging", "AWS::Nope::It"]


def test_an_archive_that_would_stay_empty_is_refused(stacks: Stacks) -> None:
    source = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    archive = {"Type": "AWS::Events::Archive", "Properties": {"SourceArn": source}}
    stacks.client().create_stack(
        StackName="archive", TemplateBody=json.dumps({"Resources": {"Archive": archive}})
    )

    assert stacks.wait("archive")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "event archives" in stacks.reasons("archive")


def test_all_are_made_shown_and_removed_without_a_gap(
    stacks: Stacks, every: dict[str, Any]
) -> None:
    assert every["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("every")
    assert not stacks.cloud.statistics.gaps

    bucket = f"every-{ACCOUNT}"
    s3 = stacks.client("s3")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    role = stacks.client("iam").get_role(RoleName="every-role")["Role"]
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetPrefix"] == "every/"
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("every-boundary")
    assert {"Key": "unit", "Value": "retail"} in role["Tags"]
    sagemaker = stacks.client("sagemaker")
    domain = sagemaker.list_domains()["Domains"][0]
    described = sagemaker.describe_domain(DomainId=domain["DomainId"])
    assert described["AppNetworkAccessType"] == "VpcOnly"
    assert described["DomainSettings"]["ExecutionRoleIdentityConfig"] == "USER_PROFILE_NAME"

    removed = stacks.delete("every")
    assert removed["StackStatus"] == "DELETE_COMPLETE", stacks.reasons(removed["StackId"])
    kept = sorted(item["Name"] for item in s3.list_buckets()["Buckets"])
    assert kept == [f"every-logs-{ACCOUNT}", f"given-{ACCOUNT}"]
    assert not sagemaker.list_domains()["Domains"]
    assert not stacks.client("lambda").list_functions()["Functions"]
    groups = stacks.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["every"]}])
    assert not groups["Vpcs"]


def test_a_type_that_is_only_remembered_fails_a_strict_cloud(stacks: Stacks) -> None:
    logging = {"Type": "AWS::IoT::Logging", "Properties": LOGGING}

    stack = stacks.create("demo", {"L": logging})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "does not emulate AWS::IoT::Logging" in stacks.reasons("demo")


def test_a_cloud_that_is_not_strict_counts_such_a_type(stacks: Stacks) -> None:
    stacks.cloud.strict = False
    logging = {"Type": "AWS::IoT::Logging", "Properties": LOGGING}

    stack = stacks.create("demo", {"L": logging})

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stacks.cloud.statistics.gaps["AWS::IoT::Logging beyond its schema"] == 1
