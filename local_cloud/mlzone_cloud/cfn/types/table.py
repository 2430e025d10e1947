"""DynamoDB: tables."""

from typing import Any

from mlzone_cloud.cfn.provider import Context, Made, tag_list
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, only


class Table(ExplicitType):
    """`AWS::DynamoDB::Table`."""

    type_name = "AWS::DynamoDB::Table"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("TableName") or context.name(logical_id, 255)
        client = context.client("dynamodb")
        table = client.create_table(
            TableName=name,
            Tags=tag_list(properties),
            **self._settings(properties),
            **only(properties, "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes"),
        )["TableDescription"]
        with self.whole(context, name, properties):
            self._extras(client, name, {}, properties)
        attributes = {"Arn": table["TableArn"]}
        if table.get("LatestStreamArn"):
            attributes["StreamArn"] = table["LatestStreamArn"]
        return Made(name, attributes)

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json:
        client = context.client("dynamodb")
        before, after = self._settings(old), self._settings(new)
        changed = {key: value for key, value in after.items() if before.get(key) != value}
        if "StreamSpecification" in before and "StreamSpecification" not in after:
            changed["StreamSpecification"] = {"StreamEnabled": False}
        table = client.describe_table(TableName=physical_id)["Table"]
        if changed:
            table = client.update_table(TableName=physical_id, **changed)["TableDescription"]
        self._extras(client, physical_id, old, new)
        self._tags(client, table["TableArn"], old, new)
        stream = table.get("LatestStreamArn")
        return {"StreamArn": stream} if stream else {}

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("dynamodb").delete_table(TableName=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        client = context.client("dynamodb")
        table = client.describe_table(TableName=physical_id)["Table"]
        backups = client.describe_continuous_backups(TableName=physical_id)
        recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        actual = only(table, "KeySchema", "AttributeDefinitions", "TableName")
        actual["DeletionProtectionEnabled"] = bool(table.get("DeletionProtectionEnabled"))
        actual["PointInTimeRecoverySpecification"] = {
            "PointInTimeRecoveryEnabled": recovery["PointInTimeRecoveryStatus"] == "ENABLED"
        }
        return actual

    def _settings(self, properties: Json) -> Json:
        settings = only(
            properties,
            "AttributeDefinitions",
            "BillingMode",
            "ProvisionedThroughput",
            "DeletionProtectionEnabled",
            "TableClass",
        )
        if "SSESpecification" in properties:
            encryption = properties["SSESpecification"]
            settings["SSESpecification"] = {
                "Enabled": encryption["SSEEnabled"],
                **only(encryption, "SSEType"),
            }
            if "KMSMasterKeyId" in encryption:
                settings["SSESpecification"]["KMSMasterKeyId"] = encryption["KMSMasterKeyId"]
        if "StreamSpecification" in properties:
            view = properties["StreamSpecification"]["StreamViewType"]
            settings["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        return settings

    def _extras(self, client: Any, name: str, old: Json, new: Json) -> None:
        key = "PointInTimeRecoverySpecification"
        if old.get(key) != new.get(key):
            recovery = new.get(key) or {"PointInTimeRecoveryEnabled": False}
            client.update_continuous_backups(
                TableName=name,
                PointInTimeRecoverySpecification=only(recovery, "PointInTimeRecoveryEnabled"),
            )
        key = "TimeToLiveSpecification"
        if old.get(key) != new.get(key):
            wanted = new.get(key) or {**old[key], "Enabled": False}
            client.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)

    def _tags(self, client: Any, arn: str, old: Json, new: Json) -> None:
        kept = {tag["Key"] for tag in tag_list(new)}
        gone = [tag["Key"] for tag in tag_list(old) if tag["Key"] not in kept]
        if gone:
            client.untag_resource(ResourceArn=arn, TagKeys=gone)
        if tag_list(new) and tag_list(new) != tag_list(old):
            client.tag_resource(ResourceArn=arn, Tags=tag_list(new))


TYPES = (Table,)
