"""CodeCommit, CodeBuild, CodePipeline."""

import io
import stat
import zipfile
from typing import Any

from mlzone_cloud import wire
from mlzone_cloud.cfn import mapping
from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.provider import Context, Made, tag_list, tag_map
from mlzone_cloud.cfn.schema import find_schema
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, only

_MODE_SHIFT = 16
_SETTABLE_ONCE = "the embedded cloud does not emulate repository triggers"


class Repository(ExplicitType):
    """`AWS::CodeCommit::Repository`; `Code` becomes its first commit."""

    type_name = "AWS::CodeCommit::Repository"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        if properties.get("Triggers"):
            raise ResourceError(_SETTABLE_ONCE, code="InvalidRequest")
        client, name = context.client("codecommit"), properties["RepositoryName"]
        more = {
            argument: properties[key]
            for key, argument in (
                ("RepositoryDescription", "repositoryDescription"),
                ("KmsKeyId", "kmsKeyId"),
            )
            if properties.get(key)
        }
        metadata = client.create_repository(repositoryName=name, tags=tag_map(properties), **more)[
            "repositoryMetadata"
        ]
        repository_id = str(metadata["repositoryId"])
        with self.whole(context, repository_id, properties):
            if properties.get("Code"):
                self._commit(context, name, properties["Code"])
        return Made(repository_id, _repository_attributes(metadata))

    def _commit(self, context: Context, name: str, code: Json) -> None:
        where = code["S3"]
        version = only(where, "ObjectVersion")
        body = context.client("s3").get_object(
            Bucket=where["Bucket"],
            Key=where["Key"],
            **({"VersionId": version["ObjectVersion"]} if version else {}),
        )["Body"]
        with zipfile.ZipFile(io.BytesIO(body.read())) as archive:
            files = [
                {
                    "filePath": info.filename,
                    "fileContent": archive.read(info),
                    "fileMode": "EXECUTABLE" if _is_executable(info) else "NORMAL",
                }
                for info in archive.infolist()
                if not info.is_dir()
            ]
        context.client("codecommit").create_commit(
            repositoryName=name,
            branchName=code.get("BranchName", "main"),
            authorName="AWS CloudFormation",
            email="cloudformation@amazonaws.com",
            commitMessage="Initial commit by AWS CloudFormation",
            putFiles=files,
        )

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json:
        del physical_id
        client, name = context.client("codecommit"), new["RepositoryName"]
        if new.get("Triggers"):
            raise ResourceError(_SETTABLE_ONCE, code="InvalidRequest")
        if old["RepositoryName"] != name:
            client.update_repository_name(oldName=old["RepositoryName"], newName=name)
        if old.get("RepositoryDescription") != new.get("RepositoryDescription"):
            client.update_repository_description(
                repositoryName=name, repositoryDescription=new.get("RepositoryDescription", "")
            )
        if old.get("KmsKeyId") != new.get("KmsKeyId") and new.get("KmsKeyId"):
            client.update_repository_encryption_key(repositoryName=name, kmsKeyId=new["KmsKeyId"])
        metadata = client.get_repository(repositoryName=name)["repositoryMetadata"]
        _change_tags(client, metadata["Arn"], tag_map(old), tag_map(new), as_map=True)
        return _repository_attributes(metadata)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        context.client("codecommit").delete_repository(repositoryName=properties["RepositoryName"])

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del physical_id
        metadata = context.client("codecommit").get_repository(
            repositoryName=properties["RepositoryName"]
        )["repositoryMetadata"]
        return {
            "RepositoryName": metadata["repositoryName"],
            "RepositoryDescription": metadata.get("repositoryDescription", ""),
            "KmsKeyId": metadata["kmsKeyId"],
        }


def _is_executable(info: zipfile.ZipInfo) -> bool:
    return bool(info.external_attr >> _MODE_SHIFT & stat.S_IXUSR)


def _repository_attributes(metadata: Json) -> Json:
    return {
        "RepositoryId": metadata["repositoryId"],
        "Name": metadata["repositoryName"],
        "Arn": metadata["Arn"],
        "CloneUrlHttp": metadata["cloneUrlHttp"],
        "CloneUrlSsh": metadata["cloneUrlSsh"],
    }


class Project(ExplicitType):
    """`AWS::CodeBuild::Project`; `Ref` is its name."""

    type_name = "AWS::CodeBuild::Project"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("Name") or context.name(logical_id, 150)
        project = context.client("codebuild").create_project(
            **self._request("CreateProject", name, properties)
        )["project"]
        return Made(name, {"Arn": project["arn"], "Id": name, "Name": name})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        cleared = {
            argument: value
            for key, (argument, value) in self._cleared(context).items()
            if key in old and key not in new
        }
        request = self._request("UpdateProject", physical_id, new)
        context.client("codebuild").update_project(**cleared, **request)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("codebuild").delete_project(name=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json | None:
        del properties
        found = context.client("codebuild").batch_get_projects(names=[physical_id])["projects"]
        return _as_properties(self.type_name, context, found[0]) if found else None

    def _request(self, operation: str, name: str, properties: Json) -> Json:
        shape = wire.model("codebuild").operation_model(operation).input_shape
        request: Json = mapping.to_shape(shape, {**properties, "Name": name})
        if "Tags" in properties:
            request["tags"] = [
                {"key": tag["Key"], "value": tag["Value"]} for tag in tag_list(properties)
            ]
        return request

    def _cleared(self, context: Context) -> dict[str, tuple[str, Any]]:
        """What UpdateProject needs to be told, so that a property is as if it had no value."""
        own_key = f"arn:aws:kms:{context.region}:{context.account}:alias/aws/s3"
        enabled = {"cloudWatchLogs": {"status": "ENABLED"}}
        return {
            "Cache": ("cache", {"type": "NO_CACHE"}),
            "ConcurrentBuildLimit": ("concurrentBuildLimit", -1),
            "Description": ("description", ""),
            "EncryptionKey": ("encryptionKey", own_key),
            "LogsConfig": ("logsConfig", enabled),
            "QueuedTimeoutInMinutes": ("queuedTimeoutInMinutes", 480),
            "SecondaryArtifacts": ("secondaryArtifacts", []),
            "SecondarySourceVersions": ("secondarySourceVersions", []),
            "SecondarySources": ("secondarySources", []),
            "SourceVersion": ("sourceVersion", ""),
            "Tags": ("tags", []),
            "TimeoutInMinutes": ("timeoutInMinutes", 60),
            "VpcConfig": ("vpcConfig", {}),
        }


class Pipeline(ExplicitType):
    """`AWS::CodePipeline::Pipeline`; `Ref` is its name."""

    type_name = "AWS::CodePipeline::Pipeline"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        name = properties.get("Name") or context.name(logical_id, 100)
        client = context.client("codepipeline")
        tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in tag_list(properties)]
        made = client.create_pipeline(
            pipeline=_declaration(name, properties), **({"tags": tags} if tags else {})
        )["pipeline"]
        with self.whole(context, name, properties):
            self._set_transitions(client, name, {}, properties)
        return Made(name, self._attributes(context, name, made))

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json:
        client = context.client("codepipeline")
        pipeline = client.update_pipeline(pipeline=_declaration(physical_id, new))["pipeline"]
        attributes = self._attributes(context, physical_id, pipeline)
        _change_tags(client, attributes["Arn"], tag_map(old), tag_map(new), as_map=False)
        self._set_transitions(client, physical_id, old, new)
        if new.get("RestartExecutionOnUpdate"):
            client.start_pipeline_execution(name=physical_id)
        return attributes

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("codepipeline").delete_pipeline(name=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        del properties
        found = context.client("codepipeline").get_pipeline(name=physical_id)["pipeline"]
        stores = found.pop("artifactStores", {})
        actual = _as_properties(self.type_name, context, found)
        if stores:
            actual["ArtifactStores"] = [
                {"Region": region, "ArtifactStore": _capital(store)}
                for region, store in sorted(stores.items())
            ]
        return actual

    def _attributes(self, context: Context, name: str, pipeline: Json) -> Json:
        arn = f"arn:aws:codepipeline:{context.region}:{context.account}:{name}"
        return {"Name": name, "Arn": arn, "Version": str(pipeline["version"])}

    def _set_transitions(self, client: Any, name: str, old: Json, new: Json) -> None:
        key = "DisableInboundStageTransitions"
        closed = {item["StageName"]: item["Reason"] for item in new.get(key) or ()}
        before = {item["StageName"] for item in old.get(key) or ()}
        names = {stage["Name"] for stage in new["Stages"]}
        for stage, reason in closed.items():
            client.disable_stage_transition(
                pipelineName=name, stageName=stage, transitionType="Inbound", reason=reason
            )
        for stage in sorted((before - set(closed)) & names):
            client.enable_stage_transition(
                pipelineName=name, stageName=stage, transitionType="Inbound"
            )


def _declaration(name: str, properties: Json) -> Json:
    shape = wire.model("codepipeline").shape_for("PipelineDeclaration")
    given = {key: value for key, value in properties.items() if key != "ArtifactStores"}
    declared: Json = mapping.to_shape(shape, {**given, "Name": name})
    if properties.get("ArtifactStores"):
        store = wire.model("codepipeline").shape_for("ArtifactStore")
        declared["artifactStores"] = {
            item["Region"]: mapping.to_shape(store, item["ArtifactStore"])
            for item in properties["ArtifactStores"]
        }
    return declared


def _capital(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _capital(item) for key, item in value.items()}
    return value


def _as_properties(type_name: str, context: Context, described: Json) -> Json:
    schema = find_schema(type_name, context.region)
    assert schema is not None, "these types have a schema"  # noqa: S101
    return mapping.to_properties(schema, described)


def _change_tags(
    client: Any, arn: str, old: dict[str, str], new: dict[str, str], *, as_map: bool
) -> None:
    added = {key: value for key, value in new.items() if old.get(key) != value}
    removed = sorted(set(old) - set(new))
    if added:
        listed = [{"key": key, "value": value} for key, value in added.items()]
        client.tag_resource(resourceArn=arn, tags=added if as_map else listed)
    if removed:
        client.untag_resource(resourceArn=arn, tagKeys=removed)


TYPES = (Repository, Project, Pipeline)
