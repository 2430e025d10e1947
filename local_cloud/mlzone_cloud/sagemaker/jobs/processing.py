"""Processing jobs.

Source: Amazon SageMaker AI Developer Guide, "Build your own processing container".
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.container import Container, inside
from mlzone_cloud.sagemaker.jobs import api
from mlzone_cloud.sagemaker.jobs.job import (
    Job,
    JobFailedError,
    JobKind,
    JobStoppedError,
    failure,
    moving,
    text_of,
)
from mlzone_cloud.sagemaker.storage import StorageError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_DAY = 86_400
_SCRIPT_INPUT = "code"


def _check(call: Call) -> None:
    """Refuse inputs and outputs that are not emulated, and folders that are not there.

    Raises:
        ApiError: the request asks for one.
    """
    params = call.params
    for item in params.get("ProcessingInputs") or ():
        if "S3Input" not in item:
            raise ApiError("NotImplemented", "the embedded cloud emulates inputs from S3 alone")
    for item in (params.get("ProcessingOutputConfig") or {}).get("Outputs") or ():
        if "S3Output" not in item:
            raise ApiError("NotImplemented", "the embedded cloud emulates outputs to S3 alone")
    for path in (
        *(item["S3Input"].get("LocalPath") for item in params.get("ProcessingInputs") or ()),
        *(item["S3Output"].get("LocalPath") for item in _outputs(params)),
    ):
        if path and not path.startswith("/opt/ml/processing"):
            raise ApiError(
                "ValidationException", f"LocalPath must be under /opt/ml/processing: {path}"
            )
    instances = params["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
    if instances > 1:
        call.cloud.gap("processing jobs on several instances: one process does all the work")


def _work(job: Job) -> None:
    record = job.record
    role, application = record["RoleArn"], record["AppSpecification"]
    isolated = bool((record.get("NetworkConfig") or {}).get("EnableNetworkIsolation"))
    image = job.image(application["ImageUri"], role)
    entrypoint = application.get("ContainerEntrypoint") or image.entrypoint
    if not entrypoint:
        raise JobFailedError(
            f"ClientError: the image {image.uri} names no program, and the job gives no entry point"
        )
    container = Container(
        base=job.base,
        argv=[*entrypoint, *(application.get("ContainerArguments") or ())],
        environment={
            **image.environment,
            **job.environment(role, isolated=isolated),
            **(record.get("Environment") or {}),
        },
        offline=isolated,
        folders=image.folders,
    )
    _lay_out(job, container)
    seconds = (record.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", _DAY)
    outcome = job.run(container, limit=timedelta(seconds=seconds))
    message = text_of(container.root / "output" / "message")
    if message:
        job.change(ExitMessage=message)
    if outcome.succeeded:
        _upload(job, container, continuous_only=False)
        return
    _upload(job, container, continuous_only=True)
    if outcome.stopped:
        raise JobStoppedError
    if outcome.timed_out:
        raise JobStoppedError(f"MaxRuntimeExceeded: the job ran longer than {seconds} seconds")
    raise failure(outcome, text_of(container.root / "output" / "failure") or message)


def _lay_out(job: Job, container: Container) -> None:
    """Make `/opt/ml` as the container expects it, with the inputs."""
    root = container.root
    for folder in ("config", "output", "processing"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"]}
    _write(root / "config" / "resourceconfig.json", hosts)
    configuration = records.shown("DescribeProcessingJob", job.record)
    _write(root / "config" / "processingjobconfig.json", configuration)
    storage = job.storage(job.record["RoleArn"])
    for item in job.record.get("ProcessingInputs") or ():
        source = item["S3Input"]
        target = inside(root, source["LocalPath"])
        moving(
            job,
            "Data download",
            storage.download,
            source["S3Uri"],
            target,
            data_type=source.get("S3DataType", "S3Prefix"),
            compression=source.get("S3CompressionType", "None"),
        )
        if item["InputName"] == _SCRIPT_INPUT:
            container.adapt_scripts(target)
    for item in _outputs(job.record):
        inside(root, item["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)


def _upload(job: Job, container: Container, *, continuous_only: bool) -> None:
    storage = job.storage(job.record["RoleArn"])
    key_id = (job.record.get("ProcessingOutputConfig") or {}).get("KmsKeyId", "")
    for item in _outputs(job.record):
        target = item["S3Output"]
        if continuous_only and target.get("S3UploadMode") != "Continuous":
            continue
        folder = inside(container.root, target["LocalPath"])
        try:
            storage.upload(folder, target["S3Uri"], key_id=key_id)
        except StorageError as error:
            raise JobFailedError(f"ClientError: Failed to upload output: {error}") from error


def _outputs(record: dict[str, Any]) -> list[dict[str, Any]]:
    return list((record.get("ProcessingOutputConfig") or {}).get("Outputs") or ())


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, default=str), encoding="utf-8")


KIND = JobKind(
    noun="ProcessingJob",
    log_group="/aws/sagemaker/ProcessingJobs",
    detail_type="SageMaker Processing Job State Change",
    started="ProcessingStartTime",
    ended="ProcessingEndTime",
    work=_work,
    check=_check,
)
api.register(KIND)


def install(cloud: "Cloud") -> None:
    """End interrupted jobs when the cloud starts."""
    cloud.resumers.append(lambda resumed: api.resume(resumed, KIND))
