"""Lambda: functions, permissions, versions, aliases."""

import base64
import hashlib
import io
import zipfile
from typing import Any

from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.provider import Context, Made, tag_map
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, only

_EPOCH = (1980, 1, 1, 0, 0, 0)


def _name_of(properties: Json) -> str:
    """Return a function's name; the property may be an ARN."""
    return str(properties["FunctionName"]).rsplit(":function:", 1)[-1].split(":")[0]


class Function(ExplicitType):
    """`AWS::Lambda::Function`."""

    type_name = "AWS::Lambda::Function"
    _CONFIGURATION = (
        "Description",
        "Handler",
        "MemorySize",
        "Role",
        "Runtime",
        "Timeout",
        "VpcConfig",
        "Environment",
        "Layers",
        "DeadLetterConfig",
        "EphemeralStorage",
        "TracingConfig",
        "LoggingConfig",
    )

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("FunctionName") or context.name(logical_id, 64)
        client = context.client("lambda")
        function = client.create_function(
            FunctionName=name,
            Code=self._code(properties),
            Tags=tag_map(properties),
            **self._configuration(properties),
            **only(properties, "PackageType", "Architectures"),
        )
        with self.whole(context, name, properties):
            self._concurrency(client, name, {}, properties)
        return Made(name, {"Arn": function["FunctionArn"]})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        client = context.client("lambda")
        if old.get("Code") != new.get("Code"):
            client.update_function_code(FunctionName=physical_id, **self._code(new))
        before, after = self._configuration(old), self._configuration(new)
        if before != after:
            empty: Json = {"Environment": {"Variables": {}}, "Layers": [], "Description": ""}
            removed = {key: empty[key] for key in before if key not in after and key in empty}
            client.update_function_configuration(FunctionName=physical_id, **after, **removed)
        self._concurrency(client, physical_id, old, new)
        self._tags(context, client, physical_id, old, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("lambda").delete_function(FunctionName=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        found = context.client("lambda").get_function(FunctionName=physical_id)
        actual = only(found["Configuration"], *self._CONFIGURATION, "FunctionName")
        if actual.get("VpcConfig"):
            actual["VpcConfig"] = only(actual["VpcConfig"], "SubnetIds", "SecurityGroupIds")
        return actual

    def _configuration(self, properties: Json) -> Json:
        configuration = only(properties, *self._CONFIGURATION)
        if "KmsKeyArn" in properties:
            configuration["KMSKeyArn"] = properties["KmsKeyArn"]
        return configuration

    def _concurrency(self, client: Any, name: str, old: Json, new: Json) -> None:
        key = "ReservedConcurrentExecutions"
        if key in new:
            client.put_function_concurrency(FunctionName=name, **only(new, key))
        elif key in old:
            client.delete_function_concurrency(FunctionName=name)

    def _tags(self, context: Context, client: Any, name: str, old: Json, new: Json) -> None:
        before, after = tag_map(old), tag_map(new)
        arn = f"arn:aws:lambda:{context.region}:{context.account}:function:{name}"
        if gone := sorted(set(before) - set(after)):
            client.untag_resource(Resource=arn, TagKeys=gone)
        if after and after != before:
            client.tag_resource(Resource=arn, Tags=after)

    def _code(self, properties: Json) -> Json:
        code = properties["Code"]
        if "ZipFile" not in code:
            return only(code, "S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri")
        suffix = "js" if str(properties.get("Runtime", "")).startswith("nodejs") else "py"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            # The date is fixed: the same source gives the same bytes.
            file.writestr(zipfile.ZipInfo(f"index.{suffix}", _EPOCH), code["ZipFile"])
        return {"ZipFile": archive.getvalue()}


class Permission(ExplicitType):
    """`AWS::Lambda::Permission`."""

    type_name = "AWS::Lambda::Permission"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        statement = context.name(logical_id, 100)
        context.client("lambda").add_permission(
            FunctionName=properties["FunctionName"],
            StatementId=statement,
            **only(
                properties,
                "Action",
                "Principal",
                "SourceArn",
                "SourceAccount",
                "PrincipalOrgID",
                "EventSourceToken",
                "FunctionUrlAuthType",
            ),
        )
        return Made(statement, {"Id": statement})

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        context.client("lambda").remove_permission(
            FunctionName=properties["FunctionName"], StatementId=physical_id
        )


class Version(ExplicitType):
    """`AWS::Lambda::Version`: what a function is now, for good."""

    type_name = "AWS::Lambda::Version"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        client, name = context.client("lambda"), _name_of(properties)
        if wanted := properties.get("CodeSha256"):
            found = client.get_function_configuration(FunctionName=name)["CodeSha256"]
            if found != wanted:
                raise ResourceError(
                    f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST "
                    f"({found}). Please try again with the CodeSHA256 in $LATEST.",
                    code="InvalidRequest",
                )
        published = client.publish_version(FunctionName=name, **only(properties, "Description"))
        arn = published["FunctionArn"]
        if not arn.endswith(f":{published['Version']}"):
            arn = f"{arn}:{published['Version']}"
        return Made(arn, {"Version": published["Version"], "FunctionArn": arn})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        """Only provisioned concurrency can change, which nothing here depends on."""

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        context.client("lambda").delete_function(
            FunctionName=_name_of(properties), Qualifier=physical_id.rsplit(":", 1)[-1]
        )


class Alias(ExplicitType):
    """`AWS::Lambda::Alias`."""

    type_name = "AWS::Lambda::Alias"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        alias = context.client("lambda").create_alias(
            FunctionName=_name_of(properties),
            **only(properties, "Name", "FunctionVersion", "Description"),
        )
        return Made(alias["AliasArn"], {"AliasArn": alias["AliasArn"]})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id, old
        context.client("lambda").update_alias(
            FunctionName=_name_of(new), **only(new, "Name", "FunctionVersion", "Description")
        )

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        context.client("lambda").delete_alias(
            FunctionName=_name_of(properties), Name=properties["Name"]
        )

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del physical_id
        alias = context.client("lambda").get_alias(
            FunctionName=_name_of(properties), Name=properties["Name"]
        )
        return only(alias, "Name", "FunctionVersion", "Description")


class EventInvokeConfig(ExplicitType):
    """`AWS::Lambda::EventInvokeConfig`."""

    type_name = "AWS::Lambda::EventInvokeConfig"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        self._put(context, properties)
        digest = hashlib.sha256(
            f"{_name_of(properties)}:{properties['Qualifier']}".encode()
        ).digest()
        token = base64.b32encode(digest)[:12].decode()
        return Made(f"{context.stack_name}-EventInvokeConfig-{token}", {})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id, old
        self._put(context, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        context.client("lambda").delete_function_event_invoke_config(
            FunctionName=_name_of(properties)
        )

    def _put(self, context: Context, properties: Json) -> None:
        context.client("lambda").put_function_event_invoke_config(
            FunctionName=_name_of(properties),
            **only(
                properties,
                "MaximumRetryAttempts",
                "MaximumEventAgeInSeconds",
                "DestinationConfig",
            ),
        )


TYPES = (Function, Permission, Version, Alias, EventInvokeConfig)
