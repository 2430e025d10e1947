"""SageMaker's operations on pipelines."""

from typing import Any

from botocore.exceptions import ClientError

from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic import paging
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.listing import in_order, select
from mlzone_cloud.sagemaker.pipelines.definition import parse
from mlzone_cloud.sagemaker.pipelines.record import ACTIVE, PIPELINE, Record, executions
from mlzone_cloud.sagemaker.registry import identity_of

_MISSING = "Pipeline '{arn}' does not exist."
_SETTINGS = (
    "PipelineDisplayName",
    "PipelineDescription",
    "RoleArn",
    "ParallelismConfiguration",
)


def find_pipeline(call: Call) -> Record:
    """Return the pipeline that the parameters name, by name or ARN.

    Raises:
        ApiError: there is none.
    """
    name = str(call.params["PipelineName"]).rsplit("/", 1)[-1]
    pipelines = records.store(call.cloud, PIPELINE, call.account, call.region)
    if name not in pipelines:
        arn = records.arn_of(PIPELINE, call.account, call.region, name)
        raise ApiError("ResourceNotFound", _MISSING.format(arn=arn))
    return pipelines[name]


def version_of(pipeline: Record, number: int | None = None) -> Record:
    """Return a version of a pipeline, the newest unless a number is given.

    Raises:
        ApiError: there is none of this number.
    """
    versions: list[Record] = pipeline["Versions"]
    found = [item for item in versions if number in (None, item["PipelineVersionId"])]
    if not found:
        raise ApiError("ResourceNotFound", f"there is no pipeline version {number}")
    return found[-1]


@operation("sagemaker", "CreatePipeline")
def create_pipeline(call: Call) -> dict[str, Any]:
    """Make a pipeline from a valid definition."""
    validate(call.service, call.operation, call.params)
    text = _definition(call, required=True)
    pipelines = records.store(call.cloud, PIPELINE, call.account, call.region)
    name = call.params["PipelineName"]
    known = pipelines.get(name)
    if known is not None:
        if known["ClientRequestToken"] == call.params["ClientRequestToken"]:
            return {"PipelineArn": known["PipelineArn"]}
        raise ApiError(
            "ValidationException",
            f"Pipeline names must be unique within an AWS account and region. Pipeline with name "
            f"({name}) already exists.",
        )
    record = records.new(call, PIPELINE)
    for given in ("PipelineDefinition", "PipelineDefinitionS3Location"):
        record.pop(given, None)
    record |= {
        "PipelineStatus": "Active",
        "CreatedBy": identity_of(call),
        "LastModifiedBy": identity_of(call),
        "Versions": [],
    }
    _add_version(call, record, text)
    pipelines[name] = record
    return {"PipelineArn": record["PipelineArn"]}


@operation("sagemaker", "UpdatePipeline")
def update_pipeline(call: Call) -> dict[str, Any]:
    """Change a pipeline; another definition is another version."""
    validate(call.service, call.operation, call.params)
    pipeline = find_pipeline(call)
    text = _definition(call, required=False)
    if text and text != version_of(pipeline)["Definition"]:
        _add_version(call, pipeline, text)
    pipeline.update({key: call.params[key] for key in _SETTINGS if key in call.params})
    pipeline["LastModifiedTime"] = call.cloud.clock.now()
    pipeline["LastModifiedBy"] = identity_of(call)
    return {
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineVersionId": version_of(pipeline)["PipelineVersionId"],
    }


@operation("sagemaker", "DescribePipeline")
def describe_pipeline(call: Call) -> dict[str, Any]:
    """Describe a pipeline with its definition."""
    pipeline = find_pipeline(call)
    version = version_of(pipeline, call.params.get("PipelineVersionId"))
    return {
        **records.shown("DescribePipeline", pipeline),
        "PipelineDefinition": version["Definition"],
    }


@operation("sagemaker", "ListPipelines")
def list_pipelines(call: Call) -> dict[str, Any]:
    """List pipelines, newest first unless asked otherwise."""
    params = {
        **call.params,
        "CreationTimeAfter": call.params.get("CreatedAfter"),
        "CreationTimeBefore": call.params.get("CreatedBefore"),
    }
    pipelines = records.store(call.cloud, PIPELINE, call.account, call.region)
    prefix = params.get("PipelineNamePrefix", "")
    found = [item for item in pipelines.values() if item["PipelineName"].startswith(prefix)]
    found = select(found, params, "PipelineName")
    found = in_order(found, params, "PipelineName", default="Descending")
    page, token = paging.cut(found, params)
    fields = (
        "PipelineArn",
        "PipelineName",
        "PipelineDisplayName",
        "PipelineDescription",
        "RoleArn",
        "CreationTime",
        "LastModifiedTime",
        "LastExecutionTime",
    )
    summaries = [{key: item[key] for key in fields if key in item} for item in page]
    return {"PipelineSummaries": summaries} | ({"NextToken": token} if token else {})


@operation("sagemaker", "ListPipelineVersions")
def list_versions(call: Call) -> dict[str, Any]:
    """List the versions of a pipeline, newest first unless asked otherwise."""
    pipeline = find_pipeline(call)
    found = in_order(pipeline["Versions"], call.params, "", default="Descending")
    page, token = paging.cut(found, call.params)
    summaries = [
        {
            "PipelineArn": pipeline["PipelineArn"],
            "PipelineVersionId": item["PipelineVersionId"],
            "CreationTime": item["CreationTime"],
        }
        for item in page
    ]
    return {"PipelineVersionSummaries": summaries} | ({"NextToken": token} if token else {})


@operation("sagemaker", "DeletePipeline")
def delete_pipeline(call: Call) -> dict[str, Any]:
    """Delete a pipeline of which no execution runs."""
    pipeline = find_pipeline(call)
    arn = pipeline["PipelineArn"]
    made = executions(call.cloud, call.account, call.region)
    own = {key: item for key, item in made.items() if item["PipelineArn"] == arn}
    if any(item["PipelineExecutionStatus"] in ACTIVE for item in own.values()):
        raise ApiError("ConflictException", f"executions of the pipeline {arn} are running")
    for key in own:
        del made[key]
    del records.store(call.cloud, PIPELINE, call.account, call.region)[pipeline["PipelineName"]]
    return {"PipelineArn": arn}


def _definition(call: Call, *, required: bool) -> str:
    """Return the definition that a call gives, checked; empty if it gives none."""
    text = call.params.get("PipelineDefinition")
    location = call.params.get("PipelineDefinitionS3Location")
    if text and location:
        raise ApiError(
            "ValidationException",
            "Only one of PipelineDefinition and PipelineDefinitionS3Location can be given",
        )
    if location:
        s3 = call.cloud.client("s3", account=call.account, region=call.region)
        where = {"Bucket": location["Bucket"], "Key": location["ObjectKey"]}
        if location.get("VersionId"):
            where["VersionId"] = location["VersionId"]
        try:
            text = s3.get_object(**where)["Body"].read().decode()
        except (ClientError, UnicodeDecodeError) as error:
            raise ApiError(
                "ValidationException", f"the pipeline definition cannot be read: {error}"
            ) from error
    if not text:
        if required:
            raise ApiError("ValidationException", "a pipeline definition must be given")
        return ""
    parse(text)
    return str(text)


def _add_version(call: Call, pipeline: Record, text: str) -> None:
    pipeline["Versions"].append(
        {
            "PipelineVersionId": len(pipeline["Versions"]) + 1,
            "Definition": text,
            "CreationTime": call.cloud.clock.now(),
        }
    )
