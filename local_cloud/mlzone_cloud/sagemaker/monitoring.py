"""SageMaker Model Monitor: schedules that run processing jobs over captured requests.

The clock begins the runs, the events of their jobs end them; both live in the state, so that a
restart neither loses nor repeats one.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute.schedule_expression import next_fire
from mlzone_cloud.operations import Call, after
from mlzone_cloud.sagemaker import monitoring_execution as executions
from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.monitoring_run import launch, run
from mlzone_cloud.sagemaker.monitoring_schedule import SCHEDULE
from mlzone_cloud.sagemaker.monitoring_window import NOW, last_due

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Record = dict[str, Any]


def install(cloud: "Cloud") -> None:
    """Let the clock begin runs and jobs end them; take up what a stopped process left."""

    def heard(account: str, region: str, detail: dict[str, Any]) -> None:
        job = str(detail.get("ProcessingJobName"))
        execution = cloud.stores.get((f"sagemaker.{executions.EXECUTION}", account, region), {})
        if job in execution and "ProcessingJobArn" in execution[job]:
            cloud.submit(executions.settle, cloud, account, region, job, execution[job])

    cloud.listen("SageMaker Processing Job State Change", heard)
    cloud.add_ticker(_tick, _next_due)
    cloud.resumers.append(_resume)


@after("sagemaker", "DescribeProcessingJob")
def name_schedule(call: Call, result: dict[str, Any]) -> None:
    """Say of a monitor's job whose it is."""
    execution = call.cloud.stores.get(
        (f"sagemaker.{executions.EXECUTION}", call.account, call.region), {}
    ).get(call.params["ProcessingJobName"])
    if execution:
        name = execution["MonitoringScheduleName"]
        result["MonitoringScheduleArn"] = records.arn_of(SCHEDULE, call.account, call.region, name)


def _of_kind(cloud: "Cloud", noun: str) -> Iterator[tuple[str, str, str, Record]]:
    for (store, account, region), items in list(cloud.stores.items()):
        if store == f"sagemaker.{noun}":
            for name, record in list(items.items()):
                yield account, region, name, record


def _expression(schedule: Record) -> str:
    """Return the expression of a schedule that waits for the clock; empty if it does not."""
    config = schedule["MonitoringScheduleConfig"].get("ScheduleConfig") or {}
    expression = str(config.get("ScheduleExpression", NOW))
    waits = schedule["MonitoringScheduleStatus"] == "Scheduled" and expression != NOW
    return expression if waits else ""


def _tick(cloud: "Cloud", now: datetime) -> None:
    for account, region, _, schedule in _of_kind(cloud, SCHEDULE):
        expression = _expression(schedule)
        due = last_due(expression, schedule["Checked"], now) if expression else None
        if due:
            schedule["Checked"] = due
            run(cloud, account, region, schedule, due)
    for account, region, job, execution in _of_kind(cloud, executions.EXECUTION):
        if (
            execution["MonitoringExecutionStatus"] in executions.UNDER_WAY
            and "ProcessingJobArn" in execution
        ):
            executions.settle(cloud, account, region, job, execution)


def _next_due(cloud: "Cloud", now: datetime) -> datetime | None:
    del now
    due = [
        moment
        for _, _, _, schedule in _of_kind(cloud, SCHEDULE)
        if (expression := _expression(schedule))
        and (moment := next_fire(expression, schedule["Checked"]))
    ]
    return min(due, default=None)


def _resume(cloud: "Cloud") -> None:
    for account, region, job, execution in _of_kind(cloud, executions.EXECUTION):
        if execution["MonitoringExecutionStatus"] not in executions.UNDER_WAY:
            continue
        if "ProcessingJobArn" not in execution:
            cloud.submit(launch, cloud, account, region, job, execution)
