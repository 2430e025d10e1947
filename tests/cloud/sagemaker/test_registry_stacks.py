"""Groups, versions and pipelines that stacks make, change and remove."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.cfn.conftest import Stacks
from tests.cloud.sagemaker.conftest import BUCKET, DEV, Estate

GROUP = "AWS::SageMaker::ModelPackageGroup"


@pytest.fixture
def stacks(estate: Estate) -> Stacks:
    """Stacks on a cloud that refuses what it does not emulate faithfully."""
    estate.cloud.strict = True
    return Stacks(estate.cloud, account=DEV)


def policy(action: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{DEV}:root"},
                "Action": action,
                "Resource": "*",
            }
        ],
    }


def group(action: str = "sagemaker:DescribeModelPackage", team: str = "risk") -> dict[str, Any]:
    return {
        "Type": GROUP,
        "Properties": {
            "ModelPackageGroupName": "scoring",
            "ModelPackageGroupPolicy": policy(action),
            "Tags": [{"Key": "team", "Value": team}],
        },
    }


def test_a_groups_policy_and_tags_follow_the_template(stacks: Stacks, estate: Estate) -> None:
    sagemaker = estate.sagemaker

    stacks.create("s", {"Group": group()})
    arn = stacks.physical_id("s", "Group")
    made = sagemaker.get_model_package_group_policy(ModelPackageGroupName="scoring")
    updated = stacks.update("s", {"Group": group("sagemaker:CreateModelPackage", "fraud")})

    changed = sagemaker.get_model_package_group_policy(ModelPackageGroupName="scoring")
    assert json.loads(made["ResourcePolicy"]) == policy("sagemaker:DescribeModelPackage")
    assert updated["StackStatus"] == "UPDATE_COMPLETE", stacks.reasons("s")
    assert stacks.physical_id("s", "Group") == arn
    assert json.loads(changed["ResourcePolicy"]) == policy("sagemaker:CreateModelPackage")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "fraud"}]
    stacks.delete("s")
    assert not sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]


def test_a_bad_policy_leaves_no_group_behind(stacks: Stacks, estate: Estate) -> None:
    bad = group()
    del bad["Properties"]["ModelPackageGroupPolicy"]["Statement"][0]["Principal"]

    stack = stacks.create("s", {"Group": bad})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Invalid resource policy" in stacks.reasons("s")
    assert not estate.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]


def test_a_version_is_decided_in_place(stacks: Stacks, estate: Estate) -> None:
    def resources(status: str, ticket: str) -> dict[str, Any]:
        version = {
            "ModelPackageGroupName": "scoring",
            "ModelApprovalStatus": status,
            "CustomerMetadataProperties": {"author": "ana", ticket: "yes"},
            "InferenceSpecification": {
                "Containers": [{"Image": estate.image}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        }
        package = {"Type": "AWS::SageMaker::ModelPackage", "Properties": version}
        return {"Group": group(), "Version": {**package, "DependsOn": "Group"}}

    made = stacks.create("s", resources("PendingManualApproval", "first"))
    assert made["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    arn = stacks.physical_id("s", "Version")
    stacks.update("s", resources("Approved", "second"))

    found = estate.sagemaker.describe_model_package(ModelPackageName=arn)
    assert stacks.physical_id("s", "Version") == arn
    assert found["ModelApprovalStatus"] == "Approved"
    assert found["CustomerMetadataProperties"] == {"author": "ana", "second": "yes"}
    stacks.delete("s")
    with pytest.raises(ClientError, match="does not exist"):
        estate.sagemaker.describe_model_package(ModelPackageName=arn)


def test_a_pipeline_takes_up_its_new_definition(stacks: Stacks, estate: Estate) -> None:
    def resources(message: str, **definition: Any) -> dict[str, Any]:
        body = {
            "Version": "2020-12-01",
            "Steps": [{"Name": "stop", "Type": "Fail", "Arguments": {"ErrorMessage": message}}],
        }
        given = definition or {"PipelineDefinitionBody": json.dumps(body)}
        properties = {
            "PipelineName": "p",
            "RoleArn": estate.role,
            "PipelineDefinition": given,
            "Tags": [{"Key": "message", "Value": message}],
        }
        return {"P": {"Type": "AWS::SageMaker::Pipeline", "Properties": properties}}

    made = stacks.create("s", resources("one"))
    assert made["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    stacks.update("s", resources("two"))
    found = estate.sagemaker.describe_pipeline(PipelineName="p")
    estate.put("bad.json", '{"Steps": []}')
    location = {"PipelineDefinitionS3Location": {"Bucket": BUCKET, "Key": "bad.json"}}
    failed = stacks.update("s", resources("three", **location))

    assert "two" in found["PipelineDefinition"]
    tags = estate.sagemaker.list_tags(ResourceArn=found["PipelineArn"])["Tags"]
    assert tags == [{"Key": "message", "Value": "two"}]
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "it has no steps" in stacks.reasons("s")
    kept = estate.sagemaker.describe_pipeline(PipelineName="p")
    assert kept["PipelineDefinition"] == found["PipelineDefinition"]
    stacks.delete("s")
    assert not estate.sagemaker.list_pipelines()["PipelineSummaries"]
