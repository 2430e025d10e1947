"""SageMaker Pipelines."""

import json

from mlzone_cloud.cfn.provider import Context, Made, tag_list
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, document, only
from mlzone_cloud.cfn.types.model_registry import retag

_SETTINGS = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")


class Pipeline(ExplicitType):
    """`AWS::SageMaker::Pipeline`."""

    type_name = "AWS::SageMaker::Pipeline"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        name = properties["PipelineName"]
        context.client("sagemaker").create_pipeline(
            PipelineName=name,
            Tags=tag_list(properties),
            **only(properties, *_SETTINGS),
            **_definition(properties),
        )
        return Made(name, {})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        sagemaker = context.client("sagemaker")
        sagemaker.update_pipeline(
            PipelineName=physical_id, **only(new, *_SETTINGS), **_definition(new)
        )
        arn = sagemaker.describe_pipeline(PipelineName=physical_id)["PipelineArn"]
        retag(sagemaker, arn, old, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del properties
        context.client("sagemaker").delete_pipeline(PipelineName=physical_id)

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json:
        described = context.client("sagemaker").describe_pipeline(PipelineName=physical_id)
        actual = only(described, "PipelineName", *_SETTINGS)
        given = properties["PipelineDefinition"]
        if "PipelineDefinitionBody" in given:
            text = described["PipelineDefinition"]
            same = json.loads(text) == json.loads(document(given["PipelineDefinitionBody"]))
            actual["PipelineDefinition"] = given if same else {"PipelineDefinitionBody": text}
        return actual


def _definition(properties: Json) -> Json:
    given = properties["PipelineDefinition"]
    if "PipelineDefinitionBody" in given:
        return {"PipelineDefinition": document(given["PipelineDefinitionBody"])}
    location = given["PipelineDefinitionS3Location"]
    version = {"VersionId": location["Version"]} if location.get("Version") else {}
    where = {"Bucket": location["Bucket"], "ObjectKey": location["Key"], **version}
    return {"PipelineDefinitionS3Location": where}


TYPES = (Pipeline,)
