"""The runs of monitors: what is kept of them and how they are listed."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlzone_cloud.generic import paging
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.listing import in_order, select

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Record = dict[str, Any]
EXECUTION = "MonitoringExecution"
PENDING, IN_PROGRESS = "Pending", "InProgress"
COMPLETED, VIOLATED, FAILED = "Completed", "CompletedWithViolations", "Failed"
UNDER_WAY = (PENDING, IN_PROGRESS, "Stopping")
_KEPT = 200
"""How many runs of a schedule are kept; more than a week of hours."""
_SUMMARY = (
    "MonitoringScheduleName",
    "ScheduledTime",
    "CreationTime",
    "LastModifiedTime",
    "MonitoringExecutionStatus",
    "ProcessingJobArn",
    "EndpointName",
    "FailureReason",
    "MonitoringJobDefinitionName",
    "MonitoringType",
)
_MOMENTS = ("ScheduledTime", "CreationTime", "LastModifiedTime")


def history(cloud: "Cloud", account: str, region: str, schedule: str) -> list[Record]:
    """Return the summaries of a schedule's runs, oldest first."""
    return [
        summary_of(item)
        for item in list(records.store(cloud, EXECUTION, account, region).values())
        if item["MonitoringScheduleName"] == schedule
    ]


def summary_of(execution: Record) -> Record:
    """Return what listings show of a run."""
    return {name: execution[name] for name in _SUMMARY if name in execution}


def add(cloud: "Cloud", account: str, region: str, job: str, execution: Record) -> None:
    """Keep a run under the name of its job; the oldest of the schedule may go."""
    store = records.store(cloud, EXECUTION, account, region)
    name = execution["MonitoringScheduleName"]
    own = [key for key, item in store.items() if item["MonitoringScheduleName"] == name]
    for key in own[: max(0, len(own) + 1 - _KEPT)]:
        del store[key]
    store[job] = execution


def change(cloud: "Cloud", execution: Record, **fields: Any) -> None:
    """Change a run."""
    execution.update(fields, LastModifiedTime=cloud.clock.now())
    cloud.changed()


def settle(cloud: "Cloud", account: str, region: str, job: str, execution: Record) -> None:
    """Take over what became of a run's job; several may do it at once."""
    sagemaker = cloud.client("sagemaker", account=account, region=region)
    try:
        found = sagemaker.describe_processing_job(ProcessingJobName=job)
    except ClientError as error:
        found = {"ProcessingJobStatus": FAILED, "FailureReason": str(error)}
    fields = {"MonitoringExecutionStatus": found["ProcessingJobStatus"]}
    if (
        VIOLATED in found.get("ExitMessage", "")
        and fields["MonitoringExecutionStatus"] == COMPLETED
    ):
        fields["MonitoringExecutionStatus"] = VIOLATED
    if fields["MonitoringExecutionStatus"] == FAILED:
        fields["FailureReason"] = found.get("FailureReason", "the job failed")
    with cloud.lock:
        before = execution["MonitoringExecutionStatus"]
        if before in UNDER_WAY and before != fields["MonitoringExecutionStatus"]:
            change(cloud, execution, **fields)


@operation("sagemaker", "ListMonitoringExecutions")
def list_executions(call: Call) -> dict[str, Any]:
    """List runs, newest first unless asked otherwise."""
    params = dict(call.params)
    wanted = {
        "MonitoringScheduleName": params.get("MonitoringScheduleName"),
        "EndpointName": params.get("EndpointName"),
        "MonitoringExecutionStatus": params.get("StatusEquals"),
        "MonitoringJobDefinitionName": params.get("MonitoringJobDefinitionName"),
        "MonitoringType": params.get("MonitoringTypeEquals"),
    }
    found = [
        item
        for item in records.store(call.cloud, EXECUTION, call.account, call.region).values()
        if all(value in (None, item.get(key)) for key, value in wanted.items())
    ]
    found = select(found, params, "", moments=_MOMENTS)
    if params.get("SortBy") == "Status":
        params["SortBy"] = "MonitoringExecutionStatus"
    found = in_order(found, params, "", default="Descending")
    page, token = paging.cut(found, params)
    return {"MonitoringExecutionSummaries": [summary_of(item) for item in page]} | (
        {"NextToken": token} if token else {}
    )
