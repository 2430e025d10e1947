"""Transform jobs: a model's server answers for all records of objects in S3.

Source: Amazon SageMaker AI Developer Guide, "Use your own inference code with batch transform".
"""

import gzip
import http.client
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_cloud.sagemaker import model_server, records
from mlzone_cloud.sagemaker.jobs import api, batch_data
from mlzone_cloud.sagemaker.jobs.job import Job, JobFailedError, JobKind, JobStoppedError, moving
from mlzone_cloud.sagemaker.server_process import InferenceServer
from mlzone_cloud.sagemaker.storage import Storage

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_OK = 200
_PAYLOAD_MIB = 6
_ANSWER_SECONDS = 600.0


def _check(call: Call) -> None:
    """Refuse a model that does not exist, and what is not emulated.

    Raises:
        ApiError: the request asks for it.
    """
    params = call.params
    models = records.store(call.cloud, "Model", call.account, call.region)
    if params["ModelName"] not in models:
        arn = records.arn_of("Model", call.account, call.region, params["ModelName"])
        raise ApiError("ValidationException", f'Could not find model "{arn}".')
    if params["TransformInput"].get("SplitType", "None") not in ("None", "Line"):
        raise ApiError("NotImplemented", "the embedded cloud emulates records of lines alone")
    processing = params.get("DataProcessing") or {}
    if params.get("DataCaptureConfig"):
        call.cloud.gap("the data capture of transform jobs")
    for name in ("InputFilter", "OutputFilter"):
        try:
            batch_data.selector(processing.get(name, "$"), _content_type(params))
        except batch_data.FilterError as error:
            raise ApiError("NotImplemented", str(error)) from error


def _work(job: Job) -> None:
    record = job.record
    model = records.store(job.cloud, "Model", job.account, job.region).get(record["ModelName"])
    if model is None:
        raise JobFailedError(f"ClientError: the model {record['ModelName']} is gone")
    role = model["ExecutionRoleArn"]
    with job.cloud.heavy():
        job.raise_if_interrupted()
        try:
            served = model_server.resolve(job.cloud, model, job.account, job.region)
            server = model_server.start(
                job.cloud,
                served,
                job.base,
                log=job.log_target(),
                environment=_environment(record),
            )
        except model_server.ModelError as error:
            raise JobFailedError(f"ClientError: {error}") from error
        try:
            _transform(job, server, job.storage(role))
        finally:
            server.stop()


def _transform(job: Job, server: InferenceServer, storage: Storage) -> None:
    given, wanted = job.record["TransformInput"], job.record["TransformOutput"]
    source = given["DataSource"]["S3DataSource"]
    objects = moving(
        job,
        "Data download",
        lambda: list(storage.objects(source["S3Uri"], data_type=source["S3DataType"])),
    )
    if not objects:
        raise JobFailedError(f"ClientError: No S3 objects found under {source['S3Uri']}")
    for bucket, key, relative in objects:
        body = moving(job, "Data download", storage.read, f"s3://{bucket}/{key}")
        if given.get("CompressionType") == "Gzip":
            body = gzip.decompress(body)
        try:
            answer = _answer(job, server, body)
        except batch_data.FilterError as error:
            raise JobFailedError(f"ClientError: {relative}: {error}") from error
        moving(
            job,
            "Output upload",
            storage.write,
            f"{wanted['S3OutputPath'].rstrip('/')}/{relative}.out",
            answer,
            key_id=wanted.get("KmsKeyId", ""),
        )


def _answer(job: Job, server: InferenceServer, body: bytes) -> bytes:
    """Return a model's answer for an object, filtered and joined as the job says."""
    record = job.record
    content_type = _content_type(record)
    processing = record.get("DataProcessing") or {}
    chosen = batch_data.selector(processing.get("InputFilter", "$"), content_type)
    kept = batch_data.selector(processing.get("OutputFilter", "$"), content_type)
    joins = processing.get("JoinSource") == "Input"
    parts: list[bytes] = []
    for _, rows in batch_data.batches(
        body,
        split=record["TransformInput"].get("SplitType", "None"),
        strategy=record.get("BatchStrategy", "MultiRecord"),
        most_mib=int(record.get("MaxPayloadInMB", _PAYLOAD_MIB)) or _PAYLOAD_MIB,
    ):
        job.raise_if_interrupted()
        if job.stop.is_set():
            raise JobStoppedError
        reply = _ask(record, server, b"\n".join(chosen(row) for row in rows))
        if not joins and processing.get("OutputFilter", "$") == "$":
            parts.append(reply)
            continue
        lines = reply.splitlines()
        if len(lines) != len(rows):
            raise batch_data.FilterError(
                f"the model answered {len(lines)} lines to {len(rows)} records"
            )
        for row, line in zip(rows, lines, strict=True):
            parts.append(kept(batch_data.joined(row, line, content_type) if joins else line))
    assembled = record["TransformOutput"].get("AssembleWith") == "Line" or joins
    return b"".join(part.rstrip(b"\n") + b"\n" for part in parts) if assembled else b"".join(parts)


def _ask(record: dict[str, Any], server: InferenceServer, payload: bytes) -> bytes:
    headers = {
        "Content-Type": _content_type(record),
        "Accept": record["TransformOutput"].get("Accept", "*/*"),
    }
    try:
        reply = server.request("POST", "/invocations", payload, headers, _ANSWER_SECONDS)
    except (OSError, http.client.HTTPException) as error:
        raise JobFailedError(f"AlgorithmError: the model gave no answer: {error!r}") from error
    if reply.status != _OK:
        text = reply.body.decode(errors="replace")
        raise JobFailedError(f"ClientError: {reply.status} from the model: {text}")
    return reply.body


def _environment(record: dict[str, Any]) -> dict[str, str]:
    return {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(record.get("MaxPayloadInMB", _PAYLOAD_MIB)),
        "SAGEMAKER_BATCH_STRATEGY": {"SingleRecord": "SINGLE_RECORD"}.get(
            record.get("BatchStrategy", ""), "MULTI_RECORD"
        ),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "1",
        **(record.get("Environment") or {}),
    }


def _content_type(record: dict[str, Any]) -> str:
    return str(record["TransformInput"].get("ContentType", "application/octet-stream"))


KIND = JobKind(
    noun="TransformJob",
    log_group="/aws/sagemaker/TransformJobs",
    detail_type="SageMaker Transform Job State Change",
    started="TransformStartTime",
    ended="TransformEndTime",
    work=_work,
    check=_check,
)
api.register(KIND)


def install(cloud: "Cloud") -> None:
    """End interrupted jobs when the cloud starts."""
    cloud.resumers.append(lambda resumed: api.resume(resumed, KIND))
