"""Monitors that compare answers with what became true: SageMaker merges both first."""

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.cloud.sagemaker.conftest import BUCKET, Estate
from tests.cloud.sagemaker.test_monitoring import (
    BASELINE_PLACE,
    ENDPOINT,
    ENDPOINT_INPUT,
    OUTPUTS,
    RESOURCES,
    Monitors,
)

TRUTH = f"s3://{BUCKET}/truth"
ANALYZER = """
import json, os, pathlib
lines = [
    json.loads(line)
    for path in sorted(pathlib.Path(os.environ['dataset_source']).rglob('*.jsonl'))
    for line in path.read_text().splitlines()
]
out = pathlib.Path(os.environ['output_path'])
(out / 'seen.json').write_text(json.dumps({'lines': lines, **os.environ}))
pathlib.Path('/opt/ml/output/message').write_text('Completed: fine')
"""
PARTS = {"model_quality": "ModelQuality", "model_bias": "ModelBias"}


@pytest.fixture(params=sorted(PARTS))
def watched(request: pytest.FixtureRequest, estate: Estate) -> Monitors:
    """An endpoint whose answers are compared with what became true, an hour later."""
    monitors = Monitors(estate)
    estate.publish("python3", "-c", ANALYZER, tag="analyzer")
    part = PARTS[request.param]
    application = {
        "ImageUri": estate.image.replace(":1", ":analyzer"),
        "Environment": {"MLZONE_MONITOR": request.param},
    }
    if part == "ModelBias":
        application["ConfigUri"] = f"s3://{BUCKET}/baseline/constraints.json"
    else:
        application["ProblemType"] = "BinaryClassification"
    getattr(monitors.sagemaker, f"create_{request.param}_job_definition")(
        JobDefinitionName="definition",
        **{
            f"{part}AppSpecification": application,
            f"{part}BaselineConfig": {
                "ConstraintsResource": {"S3Uri": BASELINE_PLACE["StatisticsResource"]["S3Uri"]}
            },
            f"{part}JobInput": {
                "EndpointInput": {
                    **ENDPOINT_INPUT["EndpointInput"],
                    "StartTimeOffset": "-PT2H",
                    "EndTimeOffset": "-PT1H",
                },
                "GroundTruthS3Input": {"S3Uri": TRUTH},
            },
            f"{part}JobOutputConfig": OUTPUTS,
        },
        JobResources=RESOURCES,
        RoleArn=estate.role,
    )
    monitors.sagemaker.create_monitoring_schedule(
        MonitoringScheduleName="hourly",
        MonitoringScheduleConfig={
            "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
            "MonitoringJobDefinitionName": "definition",
            "MonitoringType": part,
        },
    )
    return monitors


def labels(monitors: Monitors, known: dict[str, str]) -> None:
    """Put what became true where it is collected, in the present hour."""
    now = monitors.cloud.clock.now()
    lines = [
        json.dumps(
            {
                "groundTruthData": {"data": value, "encoding": "CSV"},
                "eventMetadata": {"eventId": name},
                "eventVersion": "0",
            }
        )
        for name, value in known.items()
    ]
    monitors.estate.put(f"truth/{now:%Y/%m/%d/%H}/labels.jsonl", "\n".join([*lines, "{half"]))


def ask(monitors: Monitors, name: str = "") -> None:
    more = {"InferenceId": name} if name else {}
    monitors.estate.runtime.invoke_endpoint(
        EndpointName=ENDPOINT, ContentType="text/csv", Body=b"1,2", **more
    )


def seen(monitors: Monitors, run: dict[str, Any]) -> dict[str, Any]:
    (output,) = monitors.job_of(run)["ProcessingOutputConfig"]["Outputs"]
    bucket, _, prefix = output["S3Output"]["S3Uri"].removeprefix("s3://").partition("/")
    s3 = monitors.estate.cloud.client("s3", account=monitors.estate.role.split(":")[4])
    return dict(json.loads(s3.get_object(Bucket=bucket, Key=f"{prefix}/seen.json")["Body"].read()))


def test_requests_are_merged_with_what_became_true_by_their_inference_id(watched: Monitors) -> None:
    ask(watched, "first")
    ask(watched, "never-known")
    ask(watched)
    watched.next_hour()
    labels(watched, {"first": "1", "of-somebody-else": "0"})

    watched.next_hour()
    run, before = watched.runs()

    assert run["MonitoringExecutionStatus"] == "Completed", run
    found = seen(watched, run)
    (line,) = found["lines"]
    assert line["eventMetadata"]["inferenceId"] == "first"
    assert line["groundTruthData"] == {"data": "1", "encoding": "CSV"}
    assert line["captureData"]["endpointOutput"]["data"] == "0.5"
    assert "sagemakerMergeJson" in json.loads(found["dataset_format"])
    assert found["baseline_constraints"] == "/opt/ml/processing/baseline/constraints"
    # What it was asked in the hour before can have no outcome yet.
    assert before["MonitoringExecutionStatus"] == "Failed"


def test_a_request_without_inference_id_is_found_by_the_id_of_its_capture(
    watched: Monitors,
) -> None:
    ask(watched)
    watched.next_hour()
    watched.runs()
    captured = f"capture/{ENDPOINT}/main/"
    s3 = watched.estate.cloud.client("s3", account=watched.estate.role.split(":")[4])
    (item,) = s3.list_objects_v2(Bucket=BUCKET, Prefix=captured)["Contents"]
    record = json.loads(s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read())
    labels(watched, {record["eventMetadata"]["eventId"]: "0"})

    watched.next_hour()
    run, _ = watched.runs()

    (line,) = seen(watched, run)["lines"]
    assert line["groundTruthData"]["data"] == "0"


def test_without_any_ground_truth_a_run_fails_and_says_so(watched: Monitors) -> None:
    ask(watched, "first")
    watched.cloud.advance(timedelta(hours=2))

    run = watched.runs()[0]

    assert run["MonitoringExecutionStatus"] == "Failed"
    assert f'"{TRUTH}" given as ground truth' in run["FailureReason"]


def test_ground_truth_of_unknown_requests_alone_is_no_run(watched: Monitors) -> None:
    ask(watched, "first")
    watched.next_hour()
    labels(watched, {"somebody-else": "1"})

    watched.next_hour()
    run = watched.runs()[0]

    assert run["MonitoringExecutionStatus"] == "Failed"
    assert "None of the 1 ground truth records" in run["FailureReason"]
