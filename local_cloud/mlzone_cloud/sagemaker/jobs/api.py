"""The operations that all kinds of jobs share: create, describe, list, stop, delete."""

import threading
import traceback
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.jobs.job import (
    Job,
    JobFailedError,
    JobInterruptedError,
    JobKind,
    JobStoppedError,
)
from mlzone_cloud.sagemaker.model_server import require_trust

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

INTERRUPTED = "InternalServerError: the job was interrupted: the cloud stopped while it ran"
_ACTIVE = ("InProgress", "Stopping")
_running: dict[str, Job] = {}
"""Jobs under way, by ARN."""


def register(kind: JobKind) -> None:
    """Register the operations of a kind of job."""
    noun = kind.noun

    @operation("sagemaker", f"Create{noun}")
    def create(call: Call) -> dict[str, Any]:
        """Begin a job."""
        validate("sagemaker", call.operation, call.params)
        kept = records.store(call.cloud, noun, call.account, call.region)
        name = call.params[f"{noun}Name"]
        if name in kept:
            raise ApiError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this "
                f"name already exists ({kept[name][f'{noun}Arn']})",
            )
        if "RoleArn" in call.params:
            require_trust(call.cloud, call.params["RoleArn"])
        kind.check(call)
        record = {**records.new(call, noun), **kind.first, f"{noun}Status": "InProgress"}
        kept[name] = record
        job = Job(
            cloud=call.cloud, kind=kind, account=call.account, region=call.region, record=record
        )
        _running[job.arn] = job
        job.announce()
        call.cloud.background += 1
        threading.Thread(target=_do, args=(job,), name=job.name, daemon=True).start()
        return {f"{noun}Arn": job.arn}

    @operation("sagemaker", f"Describe{noun}")
    def describe(call: Call) -> dict[str, Any]:
        """Describe a job."""
        return records.shown(call.operation, _find(call, noun))

    @operation("sagemaker", f"List{noun}s")
    def list_jobs(call: Call) -> dict[str, Any]:
        """List jobs, the newest first."""
        return records.listing(call, noun, f"{noun}Summaries")

    _register_end(noun)


def _register_end(noun: str) -> None:
    @operation("sagemaker", f"Stop{noun}")
    def stop(call: Call) -> dict[str, Any]:
        """Ask a job to stop; one that has ended stays as it is, except that this is refused."""
        record = _find(call, noun)
        if record[f"{noun}Status"] not in _ACTIVE:
            raise ApiError(
                "ValidationException",
                f"The request was rejected because the {_words(noun)} is in status "
                f"{record[f'{noun}Status']}.",
            )
        record[f"{noun}Status"] = "Stopping"
        job = _running.get(record[f"{noun}Arn"])
        if job:
            job.stop.set()
            job.announce()
        return {}

    @operation("sagemaker", f"Delete{noun}")
    def delete(call: Call) -> dict[str, Any]:
        """Forget a job that has ended."""
        record = _find(call, noun)
        if record[f"{noun}Status"] in _ACTIVE:
            raise ApiError(
                "ResourceInUse", f"The {_words(noun)} {record[f'{noun}Arn']} has not ended."
            )
        del records.store(call.cloud, noun, call.account, call.region)[record[f"{noun}Name"]]
        return {}


def resume(cloud: "Cloud", kind: JobKind) -> None:
    """End the jobs that a stop of the cloud has interrupted."""
    for name, account, region in list(cloud.stores):
        if name != f"sagemaker.{kind.noun}":
            continue
        for record in records.store(cloud, kind.noun, account, region).values():
            if record[f"{kind.noun}Status"] in _ACTIVE:
                job = Job(cloud=cloud, kind=kind, account=account, region=region, record=record)
                # What was taken up before may have begun jobs already.
                if (begun := _running.get(job.arn)) and begun.cloud is cloud:
                    continue
                job.remove_folder()
                job.finish("Failed", FailureReason=INTERRUPTED)


def _do(job: Job) -> None:
    try:
        _work(job)
    except Exception as error:  # noqa: BLE001 - the thread's end is the last to see it
        if not job.cloud.stopping:
            job.cloud.record_error(f"{job.arn}: {''.join(traceback.format_exception(error)[-3:])}")
    finally:
        job.cloud.background -= 1
        _running.pop(job.arn, None)
        job.remove_folder()


def _work(job: Job) -> None:
    job.remove_folder()
    job.base.mkdir(parents=True)
    job.change(**{job.kind.started: job.cloud.clock.now()})
    try:
        job.kind.work(job)
    except JobInterruptedError:
        return
    except JobStoppedError as stopped:
        job.finish("Stopped", **_why_stopped(job, str(stopped)))
    except JobFailedError as failed:
        job.finish("Failed", FailureReason=str(failed))
    except Exception as error:
        if job.cloud.stopping:
            return
        job.finish("Failed", FailureReason=f"InternalServerError: {error!r}")
        raise
    else:
        job.finish("Completed")


def _why_stopped(job: Job, why: str) -> dict[str, str]:
    if why and "SecondaryStatusTransitions" in job.record:
        return {"SecondaryStatus": why}
    return {"FailureReason": why} if why else {}


def _find(call: Call, noun: str) -> dict[str, Any]:
    name = str(call.params[f"{noun}Name"])
    record = records.store(call.cloud, noun, call.account, call.region).get(name)
    if record is None:
        raise ApiError("ResourceNotFound", f"Could not find requested job with name: {name}")
    return record


def _words(noun: str) -> str:
    return f"{noun.removesuffix('Job').lower()} job"
