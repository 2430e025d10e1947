"""SageMaker's operations on monitoring schedules."""

import copy
from typing import Any

from botocore.exceptions import ClientError

from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic import paging
from mlzone_cloud.generic.crud import ARN
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import monitoring_definition as definitions
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.listing import in_order, select
from mlzone_cloud.sagemaker.monitoring_execution import history
from mlzone_cloud.sagemaker.monitoring_run import run
from mlzone_cloud.sagemaker.monitoring_window import NOW, check

SCHEDULE = "MonitoringSchedule"
_MISSING = "Could not find requested schedule: {arn}"
_NAME = "MonitoringScheduleName"
_SUMMARY = (
    "MonitoringScheduleName",
    "MonitoringScheduleArn",
    "CreationTime",
    "LastModifiedTime",
    "MonitoringScheduleStatus",
    "EndpointName",
    "MonitoringJobDefinitionName",
    "MonitoringType",
)
_NOT_READY = frozenset({"Creating", "Deleting", "Failed", "OutOfService"})
Record = dict[str, Any]


@operation("sagemaker", "CreateMonitoringSchedule")
def create_schedule(call: Call) -> dict[str, Any]:
    """Make a schedule; a one-time schedule runs at once."""
    validate(call.service, call.operation, call.params)
    store = records.store(call.cloud, SCHEDULE, call.account, call.region)
    name = call.params["MonitoringScheduleName"]
    if name in store:
        arn = store[name][ARN]
        raise ApiError("ResourceInUse", f"Monitoring Schedule {arn} already exists.")
    record = records.new(call, SCHEDULE)
    _configure(call, record)
    store[name] = record
    _run_if_now(call, record)
    return {"MonitoringScheduleArn": record[ARN]}


@operation("sagemaker", "UpdateMonitoringSchedule")
def update_schedule(call: Call) -> dict[str, Any]:
    """Give a schedule another configuration."""
    validate(call.service, call.operation, call.params)
    record = records.find(call, SCHEDULE, _MISSING)
    changed = {**record, **copy.deepcopy(call.params), "LastModifiedTime": call.cloud.clock.now()}
    _configure(call, changed)
    record.update(changed)
    _run_if_now(call, record)
    return {"MonitoringScheduleArn": record[ARN]}


@operation("sagemaker", "DescribeMonitoringSchedule")
def describe_schedule(call: Call) -> dict[str, Any]:
    """Describe a schedule with its last run."""
    record = records.find(call, SCHEDULE, _MISSING)
    shown = records.shown(call.operation, record)
    runs = history(call.cloud, call.account, call.region, record["MonitoringScheduleName"])
    if runs:
        shown["LastMonitoringExecutionSummary"] = max(runs, key=lambda item: item["CreationTime"])
    return shown


@operation("sagemaker", "ListMonitoringSchedules")
def list_schedules(call: Call) -> dict[str, Any]:
    """List schedules, newest first unless asked otherwise."""
    params = dict(call.params)
    wanted = {
        "EndpointName": params.get("EndpointName"),
        "MonitoringJobDefinitionName": params.get("MonitoringJobDefinitionName"),
        "MonitoringType": params.get("MonitoringTypeEquals"),
        "MonitoringScheduleStatus": params.get("StatusEquals"),
    }
    found = [
        item
        for item in records.store(call.cloud, SCHEDULE, call.account, call.region).values()
        if all(value in (None, item.get(key)) for key, value in wanted.items())
    ]
    found = select(found, params, _NAME, moments=("CreationTime", "LastModifiedTime"))
    if params.get("SortBy") == "Status":
        params["SortBy"] = "MonitoringScheduleStatus"
    page, token = paging.cut(in_order(found, params, _NAME, default="Descending"), params)
    summaries = [{key: item[key] for key in _SUMMARY if key in item} for item in page]
    return {"MonitoringScheduleSummaries": summaries} | ({"NextToken": token} if token else {})


@operation("sagemaker", "StartMonitoringSchedule")
def start_schedule(call: Call) -> dict[str, Any]:
    """Let a stopped schedule run again."""
    record = records.find(call, SCHEDULE, _MISSING)
    record["MonitoringScheduleStatus"] = "Scheduled"
    record["Checked"] = record["LastModifiedTime"] = call.cloud.clock.now()
    _run_if_now(call, record)
    return {}


@operation("sagemaker", "StopMonitoringSchedule")
def stop_schedule(call: Call) -> dict[str, Any]:
    """Stop a schedule; a run that is under way goes on."""
    record = records.find(call, SCHEDULE, _MISSING)
    record["MonitoringScheduleStatus"] = "Stopped"
    record["LastModifiedTime"] = call.cloud.clock.now()
    return {}


@operation("sagemaker", "DeleteMonitoringSchedule")
def delete_schedule(call: Call) -> dict[str, Any]:
    """Delete a schedule; the history of its runs stays."""
    record = records.find(call, SCHEDULE, _MISSING)
    name = record["MonitoringScheduleName"]
    del records.store(call.cloud, SCHEDULE, call.account, call.region)[name]
    return {}


def _configure(call: Call, record: Record) -> None:
    """Check a schedule's configuration and note what follows from it.

    Raises:
        ApiError: it cannot run.
    """
    config = record["MonitoringScheduleConfig"]
    named, inline = config.get("MonitoringJobDefinitionName"), config.get("MonitoringJobDefinition")
    if bool(named) == bool(inline):
        raise ApiError(
            "ValidationException",
            "Either MonitoringJobDefinitionName or MonitoringJobDefinition must be given",
        )
    kind = definitions.KINDS[config.get("MonitoringType") or "DataQuality"]
    if named:
        definition = definitions.find(call.cloud, kind, call.account, call.region, named)
        given = definition[kind.input]
    else:
        definitions.refuse_unknown_input(inline)
        (given,) = inline["MonitoringInputs"]
    schedule = config.get("ScheduleConfig")
    if schedule:
        check(schedule)
    endpoint = given["EndpointInput"]["EndpointName"]
    _check_endpoint(call, endpoint)
    record.update(
        {
            "MonitoringScheduleStatus": "Scheduled" if schedule else "Stopped",
            "MonitoringType": kind.name,
            "EndpointName": endpoint,
            "Checked": call.cloud.clock.now(),
        }
    )
    record.pop("MonitoringJobDefinitionName", None)
    if named:
        record["MonitoringJobDefinitionName"] = named


def _check_endpoint(call: Call, name: str) -> None:
    sagemaker = call.cloud.client("sagemaker", account=call.account, region=call.region)
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
        config = sagemaker.describe_endpoint_config(
            EndpointConfigName=endpoint["EndpointConfigName"]
        )
    except ClientError as error:
        raise ApiError(
            "ValidationException", f"Endpoint {name} of the schedule does not exist: {error}"
        ) from error
    if endpoint["EndpointStatus"] in _NOT_READY:
        raise ApiError(
            "ValidationException", f"Endpoint {name} is {endpoint['EndpointStatus']}, not InService"
        )
    if not (config.get("DataCaptureConfig") or {}).get("EnableCapture"):
        raise ApiError("ValidationException", f"Data Capture is not enabled for Endpoint {name}")


def _run_if_now(call: Call, record: Record) -> None:
    schedule = record["MonitoringScheduleConfig"].get("ScheduleConfig") or {}
    if (
        schedule.get("ScheduleExpression") == NOW
        and record["MonitoringScheduleStatus"] != "Stopped"
    ):
        record["MonitoringScheduleStatus"] = "Stopped"
        run(call.cloud, call.account, call.region, record, call.cloud.clock.now())
