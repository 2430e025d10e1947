"""Drift: what is, against what the template says."""

from typing import Any

from tests.cloud.cfn.conftest import Stacks
from tests.cloud.waiting import eventually

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
RESOURCES: dict[str, Any] = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "worker",
            "MaxSessionDuration": 3600,
            "AssumeRolePolicyDocument": TRUST,
        },
    },
    "Parameter": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/a", "Type": "String", "Value": "1"},
    },
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": "drifting",
            "VersioningConfiguration": {"Status": "Enabled"},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    },
}


def detect(stacks: Stacks) -> dict[str, dict[str, Any]]:
    """Return the drift of each resource."""
    client = stacks.client()
    detection = client.detect_stack_drift(StackName="demo")["StackDriftDetectionId"]
    status = eventually(
        lambda: client.describe_stack_drift_detection_status(StackDriftDetectionId=detection),
        lambda status: status["DetectionStatus"] != "DETECTION_IN_PROGRESS",
        stacks.cloud,
    )
    assert status["DetectionStatus"] == "DETECTION_COMPLETE"
    drifts = client.describe_stack_resource_drifts(StackName="demo")["StackResourceDrifts"]
    return {item["LogicalResourceId"]: item for item in drifts}


def test_what_nobody_touched_is_in_sync(stacks: Stacks) -> None:
    stacks.create("demo", RESOURCES)

    found = {name: item["StackResourceDriftStatus"] for name, item in detect(stacks).items()}

    assert found == {"Role": "IN_SYNC", "Parameter": "IN_SYNC", "Bucket": "IN_SYNC"}
    described = stacks.describe("demo")["DriftInformation"]
    assert described["StackDriftStatus"] == "IN_SYNC"


def test_changes_behind_the_stacks_back_are_found(stacks: Stacks) -> None:
    stacks.create("demo", RESOURCES)
    stacks.client("iam").update_role(RoleName="worker", MaxSessionDuration=7200)
    stacks.client("ssm").delete_parameter(Name="/a")
    stacks.client("s3").delete_public_access_block(Bucket="drifting")

    found = detect(stacks)

    assert found["Parameter"]["StackResourceDriftStatus"] == "DELETED"
    assert found["Bucket"]["StackResourceDriftStatus"] == "MODIFIED"
    assert found["Role"]["PropertyDifferences"] == [
        {
            "PropertyPath": "/MaxSessionDuration",
            "ExpectedValue": "3600",
            "ActualValue": "7200",
            "DifferenceType": "NOT_EQUAL",
        }
    ]
    assert stacks.describe("demo")["DriftInformation"]["StackDriftStatus"] == "DRIFTED"
