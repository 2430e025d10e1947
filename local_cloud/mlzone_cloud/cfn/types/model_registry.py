"""SageMaker's model registry: groups with their policies, and versions."""

from typing import Any

from botocore.exceptions import ClientError

from mlzone_cloud.cfn.provider import Context, Made, tag_list
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, document, only

_NOT_SENT = frozenset({"ModelPackageVersion", "ModelPackageStatusDetails"})
_UPDATABLE = ("ModelApprovalStatus", "ApprovalDescription")


def retag(sagemaker: Any, arn: str, old: Json, new: Json) -> None:
    """Bring the tags of a SageMaker resource to what its new properties say."""
    before = {tag["Key"]: tag["Value"] for tag in tag_list(old)}
    after = {tag["Key"]: tag["Value"] for tag in tag_list(new)}
    changed = [{"Key": k, "Value": v} for k, v in after.items() if before.get(k) != v]
    if changed:
        sagemaker.add_tags(ResourceArn=arn, Tags=changed)
    if gone := sorted(set(before) - set(after)):
        sagemaker.delete_tags(ResourceArn=arn, TagKeys=gone)


class ModelPackageGroup(ExplicitType):
    """`AWS::SageMaker::ModelPackageGroup`."""

    type_name = "AWS::SageMaker::ModelPackageGroup"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        sagemaker = context.client("sagemaker")
        name = properties["ModelPackageGroupName"]
        arn = sagemaker.create_model_package_group(
            **only(properties, "ModelPackageGroupName", "ModelPackageGroupDescription"),
            Tags=tag_list(properties),
        )["ModelPackageGroupArn"]
        with self.whole(context, arn, properties):
            if properties.get("ModelPackageGroupPolicy"):
                self._hang(sagemaker, name, properties)
        described = sagemaker.describe_model_package_group(ModelPackageGroupName=name)
        return Made(
            arn,
            {
                "ModelPackageGroupArn": arn,
                "ModelPackageGroupStatus": described["ModelPackageGroupStatus"],
                "CreationTime": described["CreationTime"].isoformat(),
            },
        )

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        sagemaker = context.client("sagemaker")
        if new.get("ModelPackageGroupPolicy") != old.get("ModelPackageGroupPolicy"):
            if new.get("ModelPackageGroupPolicy"):
                self._hang(sagemaker, new["ModelPackageGroupName"], new)
            else:
                sagemaker.delete_model_package_group_policy(
                    ModelPackageGroupName=new["ModelPackageGroupName"]
                )
        retag(sagemaker, physical_id, old, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("sagemaker").delete_model_package_group(
            ModelPackageGroupName=physical_id.rsplit("/", 1)[-1]
        )

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        sagemaker, name = context.client("sagemaker"), physical_id.rsplit("/", 1)[-1]
        described = sagemaker.describe_model_package_group(ModelPackageGroupName=name)
        actual = only(described, "ModelPackageGroupName", "ModelPackageGroupDescription")
        try:
            policy = sagemaker.get_model_package_group_policy(ModelPackageGroupName=name)
        except ClientError:
            return actual
        return {**actual, "ModelPackageGroupPolicy": policy["ResourcePolicy"]}

    def _hang(self, sagemaker: Any, name: str, properties: Json) -> None:
        sagemaker.put_model_package_group_policy(
            ModelPackageGroupName=name,
            ResourcePolicy=document(properties["ModelPackageGroupPolicy"]),
        )


class ModelPackage(ExplicitType):
    """`AWS::SageMaker::ModelPackage`."""

    type_name = "AWS::SageMaker::ModelPackage"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        given = {key: item for key, item in properties.items() if key not in _NOT_SENT}
        approval = given.pop("ApprovalDescription", None)
        if "ModelPackageGroupName" in given:
            given.pop("Tags", None)
        elif "ModelPackageName" not in given:
            given["ModelPackageName"] = context.name(logical_id, 63)
        sagemaker = context.client("sagemaker")
        arn = sagemaker.create_model_package(**given)["ModelPackageArn"]
        with self.whole(context, arn, properties):
            if approval:
                sagemaker.update_model_package(ModelPackageArn=arn, ApprovalDescription=approval)
        described = sagemaker.describe_model_package(ModelPackageName=arn)
        return Made(
            arn,
            {
                "ModelPackageArn": arn,
                "ModelPackageStatus": described["ModelPackageStatus"],
                "CreationTime": described["CreationTime"].isoformat(),
                "LastModifiedTime": described["LastModifiedTime"].isoformat(),
            },
        )

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        changes = {key: new[key] for key in _UPDATABLE if key in new and new[key] != old.get(key)}
        before = old.get("CustomerMetadataProperties") or {}
        after = new.get("CustomerMetadataProperties") or {}
        if after != before:
            changes["CustomerMetadataProperties"] = after
            changes["CustomerMetadataPropertiesToRemove"] = sorted(set(before) - set(after))
        added = new.get("AdditionalInferenceSpecificationsToAdd") or []
        if added and added != old.get("AdditionalInferenceSpecificationsToAdd"):
            changes["AdditionalInferenceSpecificationsToAdd"] = added
        changes = {key: item for key, item in changes.items() if item}
        if changes:
            context.client("sagemaker").update_model_package(ModelPackageArn=physical_id, **changes)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("sagemaker").delete_model_package(ModelPackageName=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        described = context.client("sagemaker").describe_model_package(ModelPackageName=physical_id)
        return only(described, *(key for key in properties if key not in _NOT_SENT))


TYPES = (ModelPackageGroup, ModelPackage)
