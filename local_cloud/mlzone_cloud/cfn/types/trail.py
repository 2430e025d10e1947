"""CloudTrail: trails."""

from typing import Any

from mlzone_cloud.cfn.provider import Context, Made, tag_list
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, only

_SETTINGS = (
    "S3BucketName",
    "S3KeyPrefix",
    "IncludeGlobalServiceEvents",
    "IsMultiRegionTrail",
    "IsOrganizationTrail",
    "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn",
)
"""The properties that the API knows by the same name."""


class Trail(ExplicitType):
    """`AWS::CloudTrail::Trail`."""

    type_name = "AWS::CloudTrail::Trail"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("TrailName") or context.name(logical_id, 128)
        client = context.client("cloudtrail")
        trail = client.create_trail(
            Name=name, TagsList=tag_list(properties), **self._settings(properties)
        )
        with self.whole(context, name, properties):
            self._watch(client, name, {}, properties)
        return Made(name, {"Arn": trail["TrailARN"]})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json:
        client = context.client("cloudtrail")
        arn = client.update_trail(Name=physical_id, **self._settings(new))["TrailARN"]
        self._watch(client, physical_id, old, new)
        before = {tag["Key"]: tag["Value"] for tag in tag_list(old)}
        after = {tag["Key"]: tag["Value"] for tag in tag_list(new)}
        if removed := [{"Key": key} for key in before if key not in after]:
            client.remove_tags(ResourceId=arn, TagsList=removed)
        if added := [tag for tag in tag_list(new) if before.get(tag["Key"]) != tag["Value"]]:
            client.add_tags(ResourceId=arn, TagsList=added)
        return {}

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("cloudtrail").delete_trail(Name=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        client = context.client("cloudtrail")
        trail = client.get_trail(Name=physical_id)["Trail"]
        actual = only(trail, *_SETTINGS)
        renamed = {"KMSKeyId": "KmsKeyId", "EnableLogFileValidation": "LogFileValidationEnabled"}
        actual |= {name: trail[told] for name, told in renamed.items() if told in trail}
        actual["IsLogging"] = client.get_trail_status(Name=physical_id)["IsLogging"]
        return {"TrailName": trail["Name"], **actual}

    def _settings(self, properties: Json) -> Json:
        settings = only(properties, *_SETTINGS, "EnableLogFileValidation")
        if "KMSKeyId" in properties:
            settings["KmsKeyId"] = properties["KMSKeyId"]
        return settings

    def _watch(self, client: Any, name: str, old: Json, new: Json) -> None:
        """Say which events it records, and whether it does."""
        selectors = only(new, "EventSelectors", "AdvancedEventSelectors")
        if selectors and selectors != only(old, "EventSelectors", "AdvancedEventSelectors"):
            client.put_event_selectors(TrailName=name, **selectors)
        if "InsightSelectors" in new and new["InsightSelectors"] != old.get("InsightSelectors"):
            client.put_insight_selectors(TrailName=name, InsightSelectors=new["InsightSelectors"])
        if new["IsLogging"] and not old.get("IsLogging"):
            client.start_logging(Name=name)
        if old.get("IsLogging") and not new["IsLogging"]:
            client.stop_logging(Name=name)


TYPES = (Trail,)
