"""Runs a monitor: finds what was captured and starts the processing job."""

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from mlzone_cloud.errors import ApiError
from mlzone_cloud.sagemaker import monitoring_definition as definitions
from mlzone_cloud.sagemaker import monitoring_execution as executions
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.capture import flush_captures
from mlzone_cloud.sagemaker.monitoring_merge import MergeError, merge
from mlzone_cloud.sagemaker.monitoring_request import Monitor
from mlzone_cloud.sagemaker.monitoring_window import Window, folders, hour_of, window_of

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Record = dict[str, Any]
_HOUR_PARTS = 4


class _CannotRunError(Exception):
    """A run cannot begin; the message is its failure reason."""


def run(cloud: "Cloud", account: str, region: str, schedule: Record, due: datetime) -> None:
    """Begin a run of a schedule, in the background.

    Args:
        cloud: the cloud.
        account: the schedule's account.
        region: its Region.
        schedule: its record.
        due: when the run was due.
    """
    job = f"model-monitoring-{due:%Y%m%d%H%M}-{secrets.token_hex(12)}"
    execution: Record = {
        key: schedule[key]
        for key in (
            "MonitoringScheduleName",
            "EndpointName",
            "MonitoringJobDefinitionName",
            "MonitoringType",
        )
        if key in schedule
    }
    now = cloud.clock.now()
    execution |= {
        "ScheduledTime": due,
        "CreationTime": now,
        "LastModifiedTime": now,
        "MonitoringExecutionStatus": executions.PENDING,
        "Config": schedule["MonitoringScheduleConfig"],
        "Tags": schedule.get("Tags") or [],
    }
    executions.add(cloud, account, region, job, execution)
    cloud.submit(launch, cloud, account, region, job, execution)


def launch(cloud: "Cloud", account: str, region: str, job: str, execution: Record) -> None:
    """Start the processing job of a run that is pending."""
    try:
        monitor, window, captured = _prepare(cloud, account, region, execution)
        request = monitor.request(
            name=job,
            schedule=execution["MonitoringScheduleName"],
            due=execution["ScheduledTime"],
            window=window,
            captured=captured,
        )
        sagemaker = cloud.client("sagemaker", account=account, region=region)
        sagemaker.create_processing_job(**request, Tags=execution["Tags"])
    except (_CannotRunError, MergeError, ApiError, BotoCoreError, ClientError) as error:
        if "ResourceInUse" not in str(error):
            executions.change(
                cloud,
                execution,
                MonitoringExecutionStatus=executions.FAILED,
                FailureReason=str(error)[:1024],
            )
            return
        # The process died after the job had begun; nobody else knows its name.
    executions.change(
        cloud,
        execution,
        MonitoringExecutionStatus=executions.IN_PROGRESS,
        ProcessingJobArn=records.arn_of("ProcessingJob", account, region, job),
    )


def _prepare(
    cloud: "Cloud", account: str, region: str, execution: Record
) -> tuple[Monitor, Window, dict[str, str]]:
    monitor = _monitor(cloud, account, region, execution)
    schedule = execution["Config"].get("ScheduleConfig") or {}
    window = window_of(schedule, monitor.endpoint_input, execution["ScheduledTime"])
    sagemaker = cloud.client("sagemaker", account=account, region=region)
    endpoint = sagemaker.describe_endpoint(EndpointName=monitor.endpoint)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    flush_captures(cloud, account, region, monitor.endpoint)
    destination = str((config.get("DataCaptureConfig") or {}).get("DestinationS3Uri", ""))
    base = f"{destination.rstrip('/')}/{monitor.endpoint}"
    s3 = cloud.client(
        "s3", account=account, region=region, role=monitor.role, session_name="SageMaker"
    )
    captured = {
        f"{monitor.endpoint}/{folder}": f"{base}/{folder}" for folder in _captured(s3, base, window)
    }
    if not captured:
        hours = list(window.hours())
        last = f"{base}/*/{hours[-1]:%Y/%m/%d/%H}" if hours else base
        raise _CannotRunError(
            f'No S3 objects found under S3 URL "{last}" given in input data source. Please ensure '
            f"that the bucket exists in the selected region ({region}), that objects exist under "
            f'that S3 prefix, and that the role "{monitor.role}" has "s3:ListBucket" permissions '
            f'on bucket "{destination.removeprefix("s3://").split("/")[0]}".'
        )
    if monitor.ground_truth:
        due = execution["ScheduledTime"]
        captured = merge(
            s3,
            captured,
            ground_truth=monitor.ground_truth,
            target=f"{monitor.merged}/{execution['MonitoringScheduleName']}/{due:%Y/%m/%d/%H}",
            window=window,
            due=due,
            key_id=monitor.outputs.get("KmsKeyId", ""),
        )
    return monitor, window, captured


def _monitor(cloud: "Cloud", account: str, region: str, execution: Record) -> Monitor:
    config = execution["Config"]
    name = config.get("MonitoringJobDefinitionName")
    if not name:
        return Monitor.of_inline(config["MonitoringJobDefinition"])
    kind = definitions.KINDS[execution["MonitoringType"]]
    return Monitor.of_definition(kind, definitions.find(cloud, kind, account, region, name))


def _captured(s3: Any, base: str, window: Window) -> list[str]:
    """Return the folders of captured requests that a window touches, below a base."""
    bucket, _, prefix = base.removeprefix("s3://").partition("/")
    hours = list(window.hours())
    found: list[str] = []
    variants = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/", Delimiter="/")
    for item in variants.get("CommonPrefixes", ()):
        variant = item["Prefix"].rstrip("/").rsplit("/", 1)[-1]
        captured: set[datetime] = set()
        for day in sorted({f"{hour:%Y/%m/%d}" for hour in hours}):
            listed = s3.list_objects_v2(
                Bucket=bucket, Prefix=f"{prefix}/{variant}/{day}/", Delimiter="/"
            )
            captured.update(
                hour_of("/".join(folder["Prefix"].rstrip("/").split("/")[-_HOUR_PARTS:]))
                for folder in listed.get("CommonPrefixes", ())
            )
        found.extend(f"{variant}/{folder}" for folder in folders(hours, captured))
    return found
