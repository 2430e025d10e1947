"""Monitors: schedules that run over what an endpoint captured."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.sagemaker.conftest import BUCKET, DEV, REGION, Estate
from tests.cloud.sagemaker.monitors import (
    BASELINE_PLACE,
    CAPTURE,
    ENDPOINT,
    ENDPOINT_INPUT,
    OUTPUTS,
    RESOURCES,
    SCHEDULE,
    Monitors,
)
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.sagemaker.monitoring_window import folders
from mlzone_cloud.state import Keeper, forget_everything


@pytest.fixture
def monitors(estate: Estate) -> Monitors:
    """An account with an endpoint that can be watched."""
    return Monitors(estate)


def test_an_hourly_schedule_looks_at_the_requests_of_the_hour(monitors: Monitors) -> None:
    monitors.define()
    monitors.schedule()
    monitors.ask(3)

    due = monitors.next_hour()
    (run,) = monitors.runs()

    assert run["MonitoringExecutionStatus"] == "CompletedWithViolations", run
    assert run["ScheduledTime"] == due
    assert run["MonitoringJobDefinitionName"] == "definition"
    report = f"reports/{ENDPOINT}/{SCHEDULE}/{due:%Y/%m/%d/%H}/seen.json"
    seen = json.loads(monitors.estate.get(report))
    assert seen["records"] == 3
    assert seen["baseline"] == ["constraints.json", "model.tar.gz", "statistics.json"]
    assert json.loads(seen["first"])["captureData"]["endpointInput"]["data"] == "1,2"
    assert json.loads(seen["dataset_format"])["sagemakerCaptureJson"]
    assert seen["start_time"] == f"{due - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert seen["end_time"] == f"{due:%Y-%m-%dT%H:%M:%SZ}"
    assert seen["sagemaker_endpoint_name"] == ENDPOINT
    assert seen["sagemaker_monitoring_schedule_name"] == SCHEDULE
    assert (seen["MLZONE_RELEASE"], seen["publish_cloudwatch_metrics"]) == ("r1", "Disabled")
    job = monitors.job_of(run)
    assert job["RoleArn"] == monitors.estate.role
    assert job["NetworkConfig"]["EnableNetworkIsolation"]
    assert job["MonitoringScheduleArn"].endswith(f"monitoring-schedule/{SCHEDULE}")
    described = monitors.sagemaker.describe_monitoring_schedule(MonitoringScheduleName=SCHEDULE)
    assert described["LastMonitoringExecutionSummary"] == run
    assert (described["MonitoringScheduleStatus"], described["EndpointName"]) == (
        "Scheduled",
        ENDPOINT,
    )


def test_an_hour_without_requests_fails_and_says_so(monitors: Monitors) -> None:
    monitors.define()
    monitors.schedule()

    monitors.next_hour()
    (run,) = monitors.runs()

    assert run["MonitoringExecutionStatus"] == "Failed"
    assert run["FailureReason"].startswith(f'No S3 objects found under S3 URL "{CAPTURE}')
    assert "ProcessingJobArn" not in run


def test_a_one_time_schedule_runs_now_over_the_time_that_it_names(monitors: Monitors) -> None:
    monitors.define()
    now = monitors.cloud.clock.now()
    monitors.capture(now)
    monitors.capture(now - timedelta(hours=9), lines=7)

    monitors.schedule(
        "NOW", name="once", DataAnalysisStartTime="-PT1H", DataAnalysisEndTime="-PT0H"
    )
    (run,) = monitors.runs("once")

    assert run["MonitoringExecutionStatus"] == "Completed"
    inputs = monitors.job_of(run)["ProcessingInputs"]
    requests = [i["S3Input"] for i in inputs if i["InputName"].startswith("endpoint_input")]
    assert [item["S3Uri"] for item in requests] == [
        f"{CAPTURE}/{ENDPOINT}/main/{run['ScheduledTime']:%Y/%m/%d/%H}"
    ]
    monitors.sagemaker.delete_monitoring_schedule(MonitoringScheduleName="once")
    assert monitors.runs("once") == [run]


def test_a_definition_can_be_written_in_the_schedule(monitors: Monitors) -> None:
    monitors.capture(monitors.cloud.clock.now())
    definition = {
        "BaselineConfig": BASELINE_PLACE,
        "MonitoringInputs": [ENDPOINT_INPUT],
        "MonitoringOutputConfig": OUTPUTS,
        "MonitoringResources": RESOURCES,
        "MonitoringAppSpecification": {
            "ImageUri": monitors.estate.image.replace(":1", ":analyzer")
        },
        "RoleArn": monitors.estate.role,
    }

    monitors.sagemaker.create_monitoring_schedule(
        MonitoringScheduleName="inline",
        MonitoringScheduleConfig={
            "ScheduleConfig": {
                "ScheduleExpression": "NOW",
                "DataAnalysisStartTime": "-PT1H",
                "DataAnalysisEndTime": "-PT0H",
            },
            "MonitoringJobDefinition": definition,
        },
    )

    (run,) = monitors.runs("inline")
    assert run["MonitoringExecutionStatus"] == "Completed", run
    assert run["MonitoringType"] == "DataQuality"


def test_a_stopped_schedule_rests_until_it_is_started(monitors: Monitors) -> None:
    monitors.define()
    monitors.schedule()
    monitors.sagemaker.stop_monitoring_schedule(MonitoringScheduleName=SCHEDULE)

    monitors.next_hour()
    rested = monitors.runs()
    monitors.sagemaker.start_monitoring_schedule(MonitoringScheduleName=SCHEDULE)
    monitors.next_hour()

    assert rested == []
    assert len(monitors.runs()) == 1


def test_a_schedule_takes_up_its_new_definition(monitors: Monitors) -> None:
    monitors.define()
    monitors.schedule()
    monitors.estate.put("baseline/constraints.json", json.dumps({"most": 99}))
    monitors.define("second")

    monitors.sagemaker.update_monitoring_schedule(
        MonitoringScheduleName=SCHEDULE,
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": "cron(0 */2 ? * * *)"},
            "MonitoringJobDefinitionName": "second",
            "MonitoringType": "DataQuality",
        },
    )
    monitors.capture(monitors.cloud.clock.now(), lines=3)
    monitors.next_hour()
    monitors.next_hour()
    (run,) = monitors.runs()

    assert run["MonitoringJobDefinitionName"] == "second"
    assert run["MonitoringExecutionStatus"] == "Completed"
    assert run["ScheduledTime"].hour % 2 == 0


def test_runs_and_schedules_are_listed_by_what_is_asked(monitors: Monitors) -> None:
    monitors.define()
    monitors.schedule()
    monitors.schedule(
        "NOW", name="once", DataAnalysisStartTime="-PT1H", DataAnalysisEndTime="-PT0H"
    )
    monitors.runs("once")

    def listed(**given: Any) -> list[str]:
        answer = monitors.sagemaker.list_monitoring_schedules(**given)
        return [item["MonitoringScheduleName"] for item in answer["MonitoringScheduleSummaries"]]

    assert listed(EndpointName=ENDPOINT, SortBy="Name", SortOrder="Ascending") == [
        SCHEDULE,
        "once",
    ]
    assert listed(StatusEquals="Scheduled") == [SCHEDULE]
    assert listed(NameContains="on") == ["once"]
    assert listed(EndpointName="other") == []
    failed = monitors.sagemaker.list_monitoring_executions(
        EndpointName=ENDPOINT, StatusEquals="Failed"
    )["MonitoringExecutionSummaries"]
    assert [item["MonitoringScheduleName"] for item in failed] == ["once"]


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"ScheduleExpression": "cron(5 * ? * * *)"}, "Invalid schedule expression"),
        ({"ScheduleExpression": "rate(1 hour)"}, "Invalid schedule expression"),
        ({"ScheduleExpression": "NOW"}, "are required for a one-time"),
        (
            {
                "ScheduleExpression": "NOW",
                "DataAnalysisStartTime": "-PT0H",
                "DataAnalysisEndTime": "-PT1H",
            },
            "must be before",
        ),
    ],
)
def test_a_schedule_that_sagemaker_does_not_take_is_refused(
    monitors: Monitors, schedule: dict[str, str], words: str
) -> None:
    monitors.define()

    with pytest.raises(ClientError, match=words):
        monitors.schedule(schedule.pop("ScheduleExpression"), **schedule)

    assert not monitors.sagemaker.list_monitoring_schedules()["MonitoringScheduleSummaries"]


def test_only_an_endpoint_that_captures_can_be_watched(monitors: Monitors) -> None:
    monitors.define()
    monitors.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="not-captured")

    def config() -> Any:
        described = monitors.sagemaker.describe_endpoint(EndpointName=ENDPOINT)
        return described["EndpointConfigName"], described["EndpointStatus"]

    eventually(config, lambda found: found == ("not-captured", "InService"), monitors.cloud)

    with pytest.raises(ClientError, match="Data Capture is not enabled"):
        monitors.schedule()
    monitors.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    with pytest.raises(ClientError, match=r"is Deleting|does not exist"):
        monitors.schedule()


@pytest.mark.parametrize(
    "kind", ["data_quality", "model_quality", "model_bias", "model_explainability"]
)
def test_job_definitions_of_all_kinds_are_kept_listed_and_deleted(
    estate: Estate, kind: str
) -> None:
    part = "".join(word.capitalize() for word in kind.split("_"))
    application = {"ImageUri": estate.image}
    if kind in ("model_bias", "model_explainability"):
        application["ConfigUri"] = f"s3://{BUCKET}/config.json"
    given: dict[str, Any] = {
        "JobDefinitionName": "d",
        f"{part}AppSpecification": application,
        f"{part}JobInput": {
            **ENDPOINT_INPUT,
            **(
                {"GroundTruthS3Input": {"S3Uri": f"s3://{BUCKET}/truth"}}
                if kind in ("model_quality", "model_bias")
                else {}
            ),
        },
        f"{part}JobOutputConfig": OUTPUTS,
        "JobResources": RESOURCES,
        "RoleArn": estate.role,
    }
    sagemaker = estate.sagemaker

    arn = getattr(sagemaker, f"create_{kind}_job_definition")(**given)["JobDefinitionArn"]
    with pytest.raises(ClientError, match="already exists"):
        getattr(sagemaker, f"create_{kind}_job_definition")(**given)
    found = getattr(sagemaker, f"describe_{kind}_job_definition")(JobDefinitionName="d")
    listed = getattr(sagemaker, f"list_{kind}_job_definitions")(EndpointName=ENDPOINT)

    assert {key: found[key] for key in given} == given
    assert arn == f"arn:aws:sagemaker:{REGION}:{DEV}:{kind.replace('_', '-')}-job-definition/d"
    (summary,) = listed["JobDefinitionSummaries"]
    assert (summary["MonitoringJobDefinitionArn"], summary["EndpointName"]) == (arn, ENDPOINT)
    getattr(sagemaker, f"delete_{kind}_job_definition")(JobDefinitionName="d")
    with pytest.raises(ClientError, match="does not exist"):
        getattr(sagemaker, f"describe_{kind}_job_definition")(JobDefinitionName="d")


def test_a_day_of_which_everything_counts_is_one_folder() -> None:
    first = datetime(2026, 11, 1, tzinfo=UTC)
    hours = [first + timedelta(hours=n) for n in range(26)]
    captured = [first + timedelta(hours=n) for n in (0, 5, 24, 27)]

    found = folders(hours, captured)

    assert found == ["2026/11/01", "2026/11/02/00"]


def test_schedules_go_on_after_a_restart(monitors: Monitors) -> None:
    Keeper(monitors.cloud).start()
    monitors.define()
    monitors.schedule()
    monitors.capture(monitors.cloud.clock.now())
    assert monitors.cloud.keeper
    monitors.cloud.keeper.stop()
    monitors.cloud.stop()
    forget_everything()

    fresh = Cloud(state_dir=monitors.cloud.state_dir)
    assert Keeper(fresh).load()
    fresh.resume()
    monitors.cloud, monitors.sagemaker = fresh, fresh.client("sagemaker", account=DEV)
    monitors.next_hour()
    (run,) = monitors.runs()
    fresh.stop()

    assert run["MonitoringExecutionStatus"] == "Completed", run
