"""Training jobs.

Source: Amazon SageMaker AI Developer Guide, "Use your own training algorithms".
"""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute.process import Outcome
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_cloud.sagemaker.container import OPT_ML, Container, inside
from mlzone_cloud.sagemaker.jobs import api, toolkit
from mlzone_cloud.sagemaker.jobs.job import (
    Job,
    JobFailedError,
    JobKind,
    JobStoppedError,
    failure,
    moving,
    text_of,
)
from mlzone_cloud.sagemaker.jobs.metrics import Metrics
from mlzone_cloud.sagemaker.storage import Storage, StorageError, pack

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_DAY = 86_400
_SCRIPT_CHANNELS = frozenset({"code", "sm_drivers"})
"""Channels in which the SDK brings scripts, which name `/opt/ml`."""


def _check(call: Call) -> None:
    """Refuse what is not emulated, and what SageMaker refuses.

    Raises:
        ApiError: the request asks for it.
    """
    params = call.params
    algorithm = params.get("AlgorithmSpecification") or {}
    if "TrainingImage" not in algorithm:
        raise ApiError(
            "NotImplemented", "the embedded cloud emulates training in an image of one's own alone"
        )
    for item in params.get("InputDataConfig") or ():
        mode = item.get("InputMode") or algorithm.get("TrainingInputMode", "File")
        if "S3DataSource" not in item["DataSource"] or mode == "Pipe":
            raise ApiError(
                "NotImplemented", "the embedded cloud emulates channels of files from S3 alone"
            )
    for definition in algorithm.get("MetricDefinitions") or ():
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise ApiError(
                "ValidationException",
                f"Invalid regular expression of metric {definition['Name']}: {error}",
            ) from error
    if int((params.get("ResourceConfig") or {}).get("InstanceCount", 1)) > 1:
        call.cloud.gap("training jobs on several instances: one process does all the work")


def _work(job: Job) -> None:
    record = job.record
    job.enter("Starting")
    container = _container(job)
    storage = job.storage(record["RoleArn"])
    job.enter("Downloading")
    _lay_out(job, container, storage)
    job.enter("Training")
    metrics = Metrics(job, record["AlgorithmSpecification"].get("MetricDefinitions") or [])
    seconds = (record.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", _DAY)
    outcome = job.run(container, limit=timedelta(seconds=seconds), on_line=metrics.read)
    metrics.publish()
    final = metrics.final()
    if final:
        job.change(FinalMetricDataList=final)
    job.enter("Uploading")
    try:
        _upload(job, container, storage, outcome)
    except StorageError as error:
        raise JobFailedError(f"ClientError: Artifact upload failed: {error}") from error
    spent = int((job.cloud.clock.now() - record["TrainingStartTime"]).total_seconds())
    job.change(TrainingTimeInSeconds=max(spent, 1), BillableTimeInSeconds=max(spent, 1))
    if outcome.stopped:
        raise JobStoppedError
    if outcome.timed_out:
        raise JobStoppedError("MaxRuntimeExceeded")
    if not outcome.succeeded:
        raise failure(outcome, text_of(container.root / "output" / "failure"))


def _container(job: Job) -> Container:
    record = job.record
    role, algorithm = record["RoleArn"], record["AlgorithmSpecification"]
    isolated = bool(record.get("EnableNetworkIsolation"))
    image = job.image(algorithm["TrainingImage"], role)
    if algorithm.get("ContainerEntrypoint"):
        argv = list(algorithm["ContainerEntrypoint"])
    elif image.entrypoint:
        argv = [*image.entrypoint, *([] if algorithm.get("ContainerArguments") else ["train"])]
    else:
        raise JobFailedError(
            f"ClientError: the image {image.uri} names no program, and the job gives no entry point"
        )
    return Container(
        base=job.base,
        argv=[*argv, *(algorithm.get("ContainerArguments") or ())],
        environment={
            **image.environment,
            **toolkit.variables(record),
            **job.environment(role, isolated=isolated),
            **(record.get("Environment") or {}),
        },
        offline=isolated,
        folders=image.folders,
    )


def _lay_out(job: Job, container: Container, storage: Storage) -> None:
    """Make `/opt/ml` as the container expects it, with the channels."""
    root = container.root
    for folder in ("input/data", "model", "output/data", "code"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    toolkit.write_configuration(root, job.record)
    for item in job.record.get("InputDataConfig") or ():
        source = item["DataSource"]["S3DataSource"]
        target = root / "input" / "data" / item["ChannelName"]
        moving(
            job,
            "Data download",
            storage.download,
            source["S3Uri"],
            target,
            data_type=source.get("S3DataType", "S3Prefix"),
            compression=item.get("CompressionType", "None"),
        )
        if item["ChannelName"] in _SCRIPT_CHANNELS:
            container.adapt_scripts(target)
    checkpoints = _checkpoints(job.record)
    if checkpoints:
        uri, path = checkpoints
        kept = inside(root, path)
        kept.mkdir(parents=True, exist_ok=True)
        if moving(job, "Checkpoint download", lambda: list(storage.objects(uri))):
            moving(job, "Checkpoint download", storage.download, uri, kept)


def _upload(job: Job, container: Container, storage: Storage, outcome: Outcome) -> None:
    """Take to S3 what the job made: the model unless it failed, the rest in any case."""
    configuration = job.record["OutputDataConfig"]
    key_id = configuration.get("KmsKeyId", "")
    base = f"{configuration['S3OutputPath'].rstrip('/')}/{job.name}/output"
    root = container.root
    checkpoints = _checkpoints(job.record)
    if checkpoints:
        storage.upload(inside(root, checkpoints[1]), checkpoints[0], key_id=key_id)
    if any((root / "output" / "data").iterdir()):
        _upload_packed(job, storage, "output/data", f"{base}/output.tar.gz", key_id)
    if not (outcome.succeeded or outcome.stopped or outcome.timed_out):
        return
    if configuration.get("CompressionType") == "NONE":
        storage.upload(root / "model", f"{base}/model", key_id=key_id)
        artifacts = f"{base}/model/"
    else:
        _upload_packed(job, storage, "model", f"{base}/model.tar.gz", key_id)
        artifacts = f"{base}/model.tar.gz"
    job.change(ModelArtifacts={"S3ModelArtifacts": artifacts})


def _upload_packed(job: Job, storage: Storage, folder: str, uri: str, key_id: str) -> None:
    archive = job.base / "packed.tar.gz"
    pack(job.base / "ml" / folder, archive)
    storage.write(uri, archive.read_bytes(), key_id=key_id)


def _checkpoints(record: dict[str, Any]) -> tuple[str, str] | None:
    """Return where checkpoints are in S3 and in the container, if the job has some."""
    configuration = record.get("CheckpointConfig")
    if not configuration:
        return None
    return configuration["S3Uri"], configuration.get("LocalPath", f"{OPT_ML}/checkpoints")


KIND = JobKind(
    noun="TrainingJob",
    log_group="/aws/sagemaker/TrainingJobs",
    detail_type="SageMaker Training Job State Change",
    started="TrainingStartTime",
    ended="TrainingEndTime",
    work=_work,
    first={"SecondaryStatus": "Starting", "SecondaryStatusTransitions": []},
    check=_check,
)
api.register(KIND)


def install(cloud: "Cloud") -> None:
    """End interrupted jobs when the cloud starts."""
    cloud.resumers.append(lambda resumed: api.resume(resumed, KIND))
