"""The model registry: groups, versions, decisions about them, and who is told."""

import json
from typing import Any

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError
from tests.cloud.core.acting import (
    DEV,
    REGION,
    SHARED,
    assume,
    client_with,
    make_role,
    statement,
)
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.state import Keeper, forget_everything

IMAGE = f"{SHARED}.dkr.ecr.{REGION}.amazonaws.com/tabular@sha256:{'a' * 64}"
GROUP_ARN = f"arn:aws:sagemaker:{REGION}:{SHARED}:model-package-group/scoring"
VERSION_ARN = f"arn:aws:sagemaker:{REGION}:{SHARED}:model-package/scoring/1"
LIFE_CYCLE = {"Stage": "Development", "StageStatus": "PendingApproval"}
CARD = {"ModelCardContent": json.dumps({"model_overview": {}}), "ModelCardStatus": "Draft"}


def s3_uri(name: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": f"s3://artifacts/{name}"}


@pytest.fixture
def registry(cloud: Cloud) -> Any:
    """The registry of the shared account, with an empty group and a model's artefact."""
    s3 = cloud.client("s3", account=SHARED)
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="artifacts", Key="model.tar.gz", Body=b"model")
    sagemaker = cloud.client("sagemaker", account=SHARED)
    sagemaker.create_model_package_group(
        ModelPackageGroupName="scoring", Tags=[{"Key": "team", "Value": "risk"}]
    )
    return sagemaker


def inference(url: str = "s3://artifacts/model.tar.gz") -> dict[str, Any]:
    return {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": url}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }


def register(registry: Any, **more: Any) -> str:
    given = {
        "ModelPackageGroupName": "scoring",
        "InferenceSpecification": inference(),
        "CustomerMetadataProperties": {"author": "ana", "commit": "abc"},
        **more,
    }
    arn: str = registry.create_model_package(**given)["ModelPackageArn"]
    return arn


def events_of(cloud: Cloud, account: str) -> Any:
    """Collect what SageMaker tells the account's bus; returns a function that waits for it."""
    sqs, events = cloud.client("sqs", account=account), cloud.client("events", account=account)
    queue = sqs.create_queue(QueueName="seen")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{account}:seen"
    allow = statement(
        "Allow", "sqs:SendMessage", arn, Principal={"Service": "events.amazonaws.com"}
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn}])

    def wait(count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []

        def receive() -> int:
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            for message in answer.get("Messages", ()):
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return len(found)

        eventually(receive, lambda received: received >= count, cloud)
        return sorted(found, key=lambda item: str(item["detail"].get("LastModifiedTime")))

    return wait


def test_everything_that_is_registered_can_be_read_again(registry: Any) -> None:
    given: dict[str, Any] = {
        "ModelPackageDescription": "credit default",
        "ModelMetrics": {"ModelQuality": {"Statistics": s3_uri("evaluation.json")}},
        "DriftCheckBaselines": {
            "ModelDataQuality": {
                "Statistics": s3_uri("baseline/statistics.json"),
                "Constraints": s3_uri("baseline/constraints.json"),
            }
        },
        "MetadataProperties": {"CommitId": "abc", "GeneratedBy": "pipeline"},
        "SamplePayloadUrl": "s3://artifacts/sample.csv",
        "Domain": "MACHINE_LEARNING",
        "Task": "CLASSIFICATION",
        "SkipModelValidation": "None",
        "SecurityConfig": {"KmsKeyId": f"arn:aws:kms:{REGION}:{SHARED}:key/1"},
        "SourceUri": "https://example.com/scoring",
        "ModelCard": CARD,
        "ModelLifeCycle": LIFE_CYCLE,
        "AdditionalInferenceSpecifications": [{"Name": "small", **inference()}],
    }

    arn = register(registry, **given)
    found = registry.describe_model_package(ModelPackageName=arn)

    assert arn == VERSION_ARN
    assert {key: found[key] for key in given} == given
    assert found["CustomerMetadataProperties"] == {"author": "ana", "commit": "abc"}
    assert found["ModelApprovalStatus"] == "PendingManualApproval"
    assert (found["ModelPackageVersion"], found["ModelPackageStatus"]) == (1, "Completed")
    container = found["InferenceSpecification"]["Containers"][0]
    assert container["ImageDigest"] == IMAGE.split("@")[1]
    assert container["ModelDataETag"]


def test_approving_changes_the_decision_and_keeps_the_rest(registry: Any) -> None:
    arn = register(registry, ModelLifeCycle=LIFE_CYCLE, ModelCard=CARD)

    registry.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="checked"
    )
    registry.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"ticket": "1", "commit": "def"},
        CustomerMetadataPropertiesToRemove=["author"],
    )
    registry.update_model_package(
        ModelPackageArn=arn,
        ModelLifeCycle={"Stage": "Staging", "StageStatus": "Approved", "StageDescription": "x"},
        ModelCard={"ModelCardStatus": "Approved"},
        SourceUri="https://example.com",
    )

    found = registry.describe_model_package(ModelPackageName=arn)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == ("Approved", "checked")
    assert found["CustomerMetadataProperties"] == {"ticket": "1", "commit": "def"}
    assert found["ModelLifeCycle"]["Stage"] == "Staging"
    assert found["ModelCard"] == {**CARD, "ModelCardStatus": "Approved"}
    assert found["InferenceSpecification"]["SupportedContentTypes"] == ["text/csv"]
    assert found["SourceUri"] == "https://example.com"


def test_who_registered_and_who_decided_are_recorded(cloud: Cloud, registry: Any) -> None:
    arn = register(registry)
    trusts = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                statement(
                    "Allow",
                    ["sts:AssumeRole", "sts:SetSourceIdentity"],
                    Principal={"AWS": f"arn:aws:iam::{SHARED}:root"},
                )
            ],
        }
    )
    trusts = trusts.replace(', "Resource": "*"', "")
    role = make_role(cloud, SHARED, "approver", statement("Allow", "*"), trusts=trusts)
    person = client_with(cloud, "sagemaker", assume(cloud, role, "bruno", SourceIdentity="bruno"))

    person.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")

    found = registry.describe_model_package(ModelPackageName=arn)
    identity = found["LastModifiedBy"]["IamIdentity"]
    assert identity["Arn"].endswith("assumed-role/approver/bruno")
    assert identity["PrincipalId"].endswith(":bruno")
    assert identity["SourceIdentity"] == "bruno"
    assert found["CreatedBy"]["IamIdentity"]["Arn"] == f"arn:aws:iam::{SHARED}:root"


def test_what_is_not_valid_is_refused_and_nothing_registered(cloud: Cloud, registry: Any) -> None:
    unchecked = boto3.client(
        "sagemaker",
        region_name=REGION,
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id=cloud.identities.add_root(SHARED).credentials.access_key_id,
        aws_secret_access_key="x",
        config=botocore.config.Config(parameter_validation=False, retries={"max_attempts": 0}),
    )
    unchecked.meta.events.register("before-send", lambda request, **_: cloud._send(request, None))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ModelLifeCycle": {"Stage": "Development"}}, "stageStatus"),
        ({"ModelLifeCycle": {"Stage": "-", "StageStatus": "a"}}, "regular expression"),
        ({"ModelApprovalStatus": "Maybe"}, "enum value set"),
        ({"ModelCard": {"ModelCardContent": "no json"}}, "not a valid JSON object"),
        ({"ModelPackageGroupName": "absent"}, "does not exist"),
        ({"ModelPackageName": "both"}, "not both"),
        ({"Tags": [{"Key": "a", "Value": "b"}]}, "those of its group"),
        ({"InferenceSpecification": inference("s3://artifacts/no")}, "Could not find model data"),
    ]

    for given, words in cases:
        with pytest.raises(ClientError) as error:
            register(unchecked, **given)
        assert error.value.response["Error"]["Code"] == "ValidationException"
        assert words in str(error.value)

    assert (
        registry.list_model_packages(ModelPackageGroupName="scoring")["ModelPackageSummaryList"]
        == []
    )


def test_versions_are_listed_by_group_status_and_order(registry: Any) -> None:
    first, second, third = (register(registry) for _ in range(3))
    registry.update_model_package(ModelPackageArn=second, ModelApprovalStatus="Approved")
    alone = registry.create_model_package(
        ModelPackageName="alone", InferenceSpecification=inference()
    )["ModelPackageArn"]

    def listed(**given: Any) -> list[str]:
        answer = registry.list_model_packages(**given)["ModelPackageSummaryList"]
        return [item["ModelPackageArn"] for item in answer]

    newest_first = listed(ModelPackageGroupName=GROUP_ARN, SortOrder="Descending")
    assert newest_first == [third, second, first]
    assert listed(ModelPackageGroupName="scoring", ModelApprovalStatus="Approved") == [second]
    assert listed(ModelPackageGroupName="scoring", MaxResults=2) == [first, second]
    assert listed() == [alone]
    assert set(listed(ModelPackageType="Both")) == {first, second, third, alone}
    created = registry.describe_model_package(ModelPackageName=second)["CreationTime"]
    assert third in listed(ModelPackageGroupName="scoring", CreationTimeAfter=created)
    assert third not in listed(ModelPackageGroupName="scoring", CreationTimeBefore=created)


def test_a_batch_tells_what_it_found_and_what_not(registry: Any) -> None:
    arn = register(registry)
    absent = arn.removesuffix("1") + "9"

    answer = registry.batch_describe_model_package(ModelPackageArnList=[arn, absent])

    assert answer["ModelPackageSummaries"][arn]["ModelPackageVersion"] == 1
    assert "does not exist" in answer["BatchDescribeModelPackageErrorMap"][absent]["ErrorResponse"]


def test_a_version_number_is_never_given_again(registry: Any) -> None:
    first = register(registry)
    registry.delete_model_package(ModelPackageName=first)

    second = register(registry)

    assert second.endswith("scoring/2")
    with pytest.raises(ClientError, match="cannot be deleted"):
        registry.delete_model_package_group(ModelPackageGroupName="scoring")
    registry.delete_model_package(ModelPackageName=second)
    registry.delete_model_package_group(ModelPackageGroupName="scoring")


def test_a_version_has_the_tags_of_its_group(registry: Any) -> None:
    arn = register(registry)

    assert registry.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "risk"}]


def test_registration_and_every_change_are_announced(cloud: Cloud, registry: Any) -> None:
    wait = events_of(cloud, SHARED)

    arn = register(registry, ModelLifeCycle=LIFE_CYCLE)
    (created,) = wait(1)
    registry.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="fine"
    )
    (approved,) = wait(1)

    assert created["detail-type"] == "SageMaker Model Package State Change"
    assert created["resources"] == [arn]
    detail = created["detail"]
    assert detail["ModelPackageGroupName"] == "scoring"
    assert (detail["ModelPackageVersion"], detail["ModelPackageArn"]) == (1, arn)
    assert (detail["ModelPackageStatus"], detail["ModelApprovalStatus"]) == (
        "Completed",
        "PendingManualApproval",
    )
    assert detail["CustomerMetadataProperties"] == {"author": "ana", "commit": "abc"}
    assert detail["ModelLifeCycle"] == LIFE_CYCLE
    assert detail["CreationTime"].endswith("Z")
    assert "UpdatedModelPackageFields" not in detail
    assert approved["detail"]["ModelApprovalStatus"] == "Approved"
    assert approved["detail"]["ApprovalDescription"] == "fine"
    assert approved["detail"]["UpdatedModelPackageFields"] == [
        "ModelApprovalStatus",
        "ApprovalDescription",
    ]


def test_another_account_registers_and_reads_as_far_as_the_groups_policy_lets_it(
    cloud: Cloud, registry: Any
) -> None:
    role = make_role(cloud, DEV, "pipeline", statement("Allow", "sagemaker:*"))
    keys = assume(cloud, role)
    pipeline = client_with(cloud, "sagemaker", keys)
    with pytest.raises(ClientError, match="not authorized"):
        register(pipeline, ModelPackageGroupName=GROUP_ARN)
    allowed = statement(
        "Allow",
        ["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"],
        [GROUP_ARN, GROUP_ARN.replace("-group/", "/") + "/*"],
        Principal={"AWS": f"arn:aws:iam::{DEV}:root"},
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    registry.put_model_package_group_policy(ModelPackageGroupName="scoring", ResourcePolicy=policy)

    arn = register(pipeline, ModelPackageGroupName=GROUP_ARN)

    assert arn == VERSION_ARN
    found = pipeline.describe_model_package(ModelPackageName=arn)
    assert found["CreatedBy"]["IamIdentity"]["Arn"].endswith("assumed-role/pipeline/ana")
    assert not cloud.client("sagemaker", account=DEV).list_model_packages()[
        "ModelPackageSummaryList"
    ]
    with pytest.raises(ClientError, match="not authorized"):
        pipeline.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")


def test_a_policy_that_aws_would_refuse_is_refused(registry: Any) -> None:
    without_principal = json.dumps(
        {"Version": "2012-10-17", "Statement": [statement("Allow", "sagemaker:*")]}
    )

    with pytest.raises(ClientError, match="Invalid resource policy"):
        registry.put_model_package_group_policy(
            ModelPackageGroupName="scoring", ResourcePolicy=without_principal
        )


def test_policies_see_what_a_version_is_now(cloud: Cloud, registry: Any) -> None:
    arn = register(registry, ModelLifeCycle=LIFE_CYCLE)
    to_production = {"Stage": "Production", "StageStatus": "Approved"}
    guard = statement(
        "Deny",
        "sagemaker:UpdateModelPackage",
        Condition={
            "StringEquals": {"sagemaker:ModelLifeCycle:Stage": "Production"},
            "StringNotEquals": {"sagemaker:CurrentModelLifeCycleStage": "PreProduction"},
        },
    )
    role = make_role(cloud, SHARED, "operator", statement("Allow", "sagemaker:*"), guard)
    operator = client_with(cloud, "sagemaker", assume(cloud, role))

    with pytest.raises(ClientError, match="explicit deny"):
        operator.update_model_package(ModelPackageArn=arn, ModelLifeCycle=to_production)
    operator.update_model_package(
        ModelPackageArn=arn,
        ModelLifeCycle={"Stage": "PreProduction", "StageStatus": "Approved"},
    )
    operator.update_model_package(ModelPackageArn=arn, ModelLifeCycle=to_production)


def test_the_registry_survives_a_restart(cloud: Cloud, registry: Any) -> None:
    Keeper(cloud).start()
    arn = register(registry, ModelLifeCycle=LIFE_CYCLE)
    assert cloud.keeper
    cloud.keeper.stop()
    cloud.stop()
    forget_everything()

    fresh = Cloud(state_dir=cloud.state_dir)
    assert Keeper(fresh).load()
    found = fresh.client("sagemaker", account=SHARED).describe_model_package(ModelPackageName=arn)
    fresh.stop()

    assert found["ModelLifeCycle"] == LIFE_CYCLE
