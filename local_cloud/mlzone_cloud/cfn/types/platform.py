"""KMS, CloudWatch Logs, SSM, ECR and Organizations."""

import json
from typing import Any

from mlzone_cloud.cfn.provider import Context, Made, tag_list, tag_map
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, document, only


class Key(ExplicitType):
    """`AWS::KMS::Key`."""

    type_name = "AWS::KMS::Key"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        kms = context.client("kms")
        arguments = only(properties, "Description", "KeyUsage", "KeySpec", "MultiRegion")
        if "KeyPolicy" in properties:
            arguments["Policy"] = document(properties["KeyPolicy"])
        tags = [{"TagKey": t["Key"], "TagValue": t["Value"]} for t in tag_list(properties)]
        key = kms.create_key(Tags=tags, **arguments)["KeyMetadata"]
        if properties.get("EnableKeyRotation"):
            kms.enable_key_rotation(KeyId=key["KeyId"])
        return Made(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        kms = context.client("kms")
        if old.get("KeyPolicy") != new.get("KeyPolicy"):
            kms.put_key_policy(
                KeyId=physical_id, PolicyName="default", Policy=document(new["KeyPolicy"])
            )
        if bool(old.get("EnableKeyRotation")) != bool(new.get("EnableKeyRotation")):
            switch = "enable" if new.get("EnableKeyRotation") else "disable"
            getattr(kms, f"{switch}_key_rotation")(KeyId=physical_id)
        if old.get("Description") != new.get("Description"):
            kms.update_key_description(KeyId=physical_id, Description=new.get("Description", ""))

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        context.client("kms").schedule_key_deletion(
            KeyId=physical_id, PendingWindowInDays=int(properties.get("PendingWindowInDays", 30))
        )

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json | None:
        del properties
        kms = context.client("kms")
        key = kms.describe_key(KeyId=physical_id)["KeyMetadata"]
        if key["KeyState"] == "PendingDeletion":
            return None
        policy = kms.get_key_policy(KeyId=physical_id, PolicyName="default")["Policy"]
        return {
            "Description": key["Description"],
            "KeyPolicy": json.loads(policy),
            "EnableKeyRotation": kms.get_key_rotation_status(KeyId=physical_id)[
                "KeyRotationEnabled"
            ],
        }


class Alias(ExplicitType):
    """`AWS::KMS::Alias`."""

    type_name = "AWS::KMS::Alias"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        context.client("kms").create_alias(**only(properties, "AliasName", "TargetKeyId"))
        return Made(properties["AliasName"], {"AliasName": properties["AliasName"]})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del old
        context.client("kms").update_alias(AliasName=physical_id, TargetKeyId=new["TargetKeyId"])

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("kms").delete_alias(AliasName=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json | None:
        del properties
        listed = context.client("kms").list_aliases()["Aliases"]
        found = next((item for item in listed if item["AliasName"] == physical_id), None)
        return only(found, "AliasName", "TargetKeyId") if found else None


class LogGroup(ExplicitType):
    """`AWS::Logs::LogGroup`."""

    type_name = "AWS::Logs::LogGroup"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("LogGroupName") or context.name(logical_id, 512)
        logs = context.client("logs")
        key = {"kmsKeyId": properties["KmsKeyId"]} if properties.get("KmsKeyId") else {}
        logs.create_log_group(logGroupName=name, tags=tag_map(properties), **key)
        self._retention(logs, name, properties)
        arn = f"arn:aws:logs:{context.region}:{context.account}:log-group:{name}:*"
        return Made(name, {"Arn": arn})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del old
        self._retention(context.client("logs"), physical_id, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("logs").delete_log_group(logGroupName=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json | None:
        del properties
        listed = context.client("logs").describe_log_groups(logGroupNamePrefix=physical_id)
        group = next(
            (item for item in listed["logGroups"] if item["logGroupName"] == physical_id), None
        )
        if group is None:
            return None
        names = {
            "LogGroupName": "logGroupName",
            "RetentionInDays": "retentionInDays",
            "KmsKeyId": "kmsKeyId",
        }
        return {name: group[key] for name, key in names.items() if key in group}

    def _retention(self, logs: Any, name: str, properties: Json) -> None:
        if properties.get("RetentionInDays"):
            logs.put_retention_policy(
                logGroupName=name, retentionInDays=int(properties["RetentionInDays"])
            )


class Parameter(ExplicitType):
    """`AWS::SSM::Parameter`."""

    type_name = "AWS::SSM::Parameter"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("Name") or context.name(logical_id, 1011)
        self._put(context, name, properties, overwrite=False)
        return Made(name, only(properties, "Type", "Value"))

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json:
        del old
        self._put(context, physical_id, new, overwrite=True)
        return only(new, "Type", "Value")

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("ssm").delete_parameter(Name=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        parameter = context.client("ssm").get_parameter(Name=physical_id)["Parameter"]
        return only(parameter, "Name", "Type", "Value")

    def _put(self, context: Context, name: str, properties: Json, *, overwrite: bool) -> None:
        context.client("ssm").put_parameter(
            Name=name,
            Overwrite=overwrite,
            **only(properties, "Type", "Value", "Description", "Tier", "AllowedPattern"),
        )


class EcrRepository(ExplicitType):
    """`AWS::ECR::Repository`."""

    type_name = "AWS::ECR::Repository"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("RepositoryName") or context.name(logical_id, 200).lower()
        ecr = context.client("ecr")
        arguments: Json = {}
        if "EncryptionConfiguration" in properties:
            encryption = properties["EncryptionConfiguration"]
            arguments["encryptionConfiguration"] = {
                key[0].lower() + key[1:]: value for key, value in encryption.items()
            }
        repository = ecr.create_repository(
            repositoryName=name,
            tags=tag_list(properties),
            imageTagMutability=properties.get("ImageTagMutability", "MUTABLE"),
            **arguments,
        )["repository"]
        self._apply(ecr, name, properties)
        return Made(
            name, {"Arn": repository["repositoryArn"], "RepositoryUri": repository["repositoryUri"]}
        )

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        ecr = context.client("ecr")
        if old.get("ImageTagMutability") != new.get("ImageTagMutability"):
            ecr.put_image_tag_mutability(
                repositoryName=physical_id, imageTagMutability=new["ImageTagMutability"]
            )
        self._apply(ecr, physical_id, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        force = bool(properties.get("EmptyOnDelete"))
        context.client("ecr").delete_repository(repositoryName=physical_id, force=force)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        found = context.client("ecr").describe_repositories(repositoryNames=[physical_id])
        repository = found["repositories"][0]
        return {
            "RepositoryName": repository["repositoryName"],
            "ImageTagMutability": repository["imageTagMutability"],
        }

    def _apply(self, ecr: Any, name: str, properties: Json) -> None:
        if properties.get("RepositoryPolicyText"):
            ecr.set_repository_policy(
                repositoryName=name, policyText=document(properties["RepositoryPolicyText"])
            )
        lifecycle = (properties.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
        if lifecycle:
            ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=document(lifecycle))
        scanning = properties.get("ImageScanningConfiguration")
        if scanning:
            on_push = str(scanning.get("ScanOnPush", False)).lower() == "true"
            ecr.put_image_scanning_configuration(
                repositoryName=name, imageScanningConfiguration={"scanOnPush": on_push}
            )


class OrganizationPolicy(ExplicitType):
    """`AWS::Organizations::Policy`."""

    type_name = "AWS::Organizations::Policy"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        client = context.client("organizations", region="us-east-1")
        summary = client.create_policy(
            Content=document(properties["Content"]),
            Description=properties.get("Description", ""),
            Name=properties["Name"],
            Type=properties["Type"],
        )["Policy"]["PolicySummary"]
        for target in properties.get("TargetIds") or ():
            client.attach_policy(PolicyId=summary["Id"], TargetId=target)
        return Made(
            summary["Id"], {"Id": summary["Id"], "Arn": summary["Arn"], "AwsManaged": False}
        )

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        client = context.client("organizations", region="us-east-1")
        client.update_policy(
            PolicyId=physical_id,
            Name=new["Name"],
            Description=new.get("Description", ""),
            Content=document(new["Content"]),
        )
        before, after = set(old.get("TargetIds") or ()), set(new.get("TargetIds") or ())
        for target in sorted(after - before):
            client.attach_policy(PolicyId=physical_id, TargetId=target)
        for target in sorted(before - after):
            client.detach_policy(PolicyId=physical_id, TargetId=target)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        client = context.client("organizations", region="us-east-1")
        for target in properties.get("TargetIds") or ():
            client.detach_policy(PolicyId=physical_id, TargetId=target)
        client.delete_policy(PolicyId=physical_id)


TYPES = (
    Key,
    Alias,
    LogGroup,
    Parameter,
    EcrRepository,
    OrganizationPolicy,
)
