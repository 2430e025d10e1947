"""Monitors that stacks make, change and remove."""

from typing import Any

from tests.cloud.cfn.conftest import Stacks
from tests.cloud.sagemaker.conftest import DEV, Estate
from tests.cloud.sagemaker.test_monitoring import (
    BASELINE_PLACE,
    ENDPOINT_INPUT,
    OUTPUTS,
    RESOURCES,
    Monitors,
)


def resources(estate: Estate, name: str, expression: str) -> dict[str, Any]:
    """Return a definition named after its content and a schedule that uses it."""
    definition = {
        "JobDefinitionName": name,
        "RoleArn": estate.role,
        "DataQualityAppSpecification": {"ImageUri": estate.image.replace(":1", ":analyzer")},
        "DataQualityBaselineConfig": BASELINE_PLACE,
        "DataQualityJobInput": ENDPOINT_INPUT,
        "DataQualityJobOutputConfig": OUTPUTS,
        "JobResources": RESOURCES,
    }
    schedule = {
        "MonitoringScheduleName": "hourly",
        "MonitoringScheduleConfig": {
            "MonitoringJobDefinitionName": name,
            "MonitoringType": "DataQuality",
            "ScheduleConfig": {"ScheduleExpression": expression},
        },
    }
    return {
        "Definition": {
            "Type": "AWS::SageMaker::DataQualityJobDefinition",
            "Properties": definition,
        },
        "Schedule": {
            "Type": "AWS::SageMaker::MonitoringSchedule",
            "Properties": schedule,
            "DependsOn": "Definition",
        },
    }


def test_a_release_replaces_the_definition_and_keeps_the_schedule(estate: Estate) -> None:
    estate.cloud.strict = True
    stacks, monitors = Stacks(estate.cloud, account=DEV), Monitors(estate)

    made = stacks.create("s", resources(estate, "first", "cron(0 * ? * * *)"))
    assert made["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    schedule = stacks.physical_id("s", "Schedule")
    updated = stacks.update("s", resources(estate, "second", "cron(0 */1 ? * * *)"))
    monitors.capture(estate.cloud.clock.now())
    monitors.next_hour()
    (run,) = monitors.runs()

    assert updated["StackStatus"] == "UPDATE_COMPLETE", stacks.reasons("s")
    assert stacks.physical_id("s", "Schedule") == schedule
    assert run["MonitoringJobDefinitionName"] == "second"
    listed = estate.sagemaker.list_data_quality_job_definitions()["JobDefinitionSummaries"]
    assert [item["MonitoringJobDefinitionName"] for item in listed] == ["second"]
    removed = stacks.delete("s")
    assert removed["StackStatus"] == "DELETE_COMPLETE", stacks.reasons(removed["StackId"])
    assert not estate.sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]
