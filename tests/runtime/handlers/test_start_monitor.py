"""The engine without Model Monitor: which requests a job gets, and that a window has one job."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from mlzone_runtime.handlers.start_monitor import Monitor, Settings, Window, start

BUCKET, REQUESTS = "capture", "credit-default/requests/endpoint/AllTraffic"
SETTINGS = Settings(
    job={
        "AppSpecification": {"ImageUri": "analyzer"},
        "Environment": {"MLZONE_MAX_PSI": "0.2"},
        "ProcessingInputs": [{"InputName": "baseline"}],
        "NetworkConfig": {"EnableNetworkIsolation": True, "VpcConfig": {"SecurityGroupIds": ["g"]}},
        "ProcessingOutputConfig": {
            "KmsKeyId": "key",
            "Outputs": [{"S3Output": {"S3Uri": "s3://capture/credit-default/reports"}}],
        },
    },
    subnets=("subnet-1", "subnet-2"),
    requests=f"s3://{BUCKET}/{REQUESTS}",
    windows=f"s3://{BUCKET}/credit-default/windows",
    input_folder="/opt/ml/processing/input/endpoint",
    ground_truth="s3://data/credit-applications/ground-truth/credit-default",
    ground_truth_folder="/opt/ml/processing/input/ground_truth",
)
PREFIX = "aur-retail-credit-default-prod-data-quality"
DATA_QUALITY = Monitor(
    kind="data-quality",
    schedule="aur-retail-credit-default-prod-data-quality",
    prefix=PREFIX,
    hours=6,
    lag_hours=0,
    ground_truth=False,
)


class Jobs:
    """The jobs of an account; two never have the same name."""

    def __init__(self) -> None:
        self.created: dict[str, dict[str, Any]] = {}

    def create_processing_job(self, **request: Any) -> None:
        name = request["ProcessingJobName"]
        if name in self.created:
            error = {"Error": {"Code": "ResourceInUse", "Message": "exists"}}
            raise ClientError(error, "CreateProcessingJob")
        self.created[name] = request


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def capture(s3: Any, *names: str) -> None:
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=f"{REQUESTS}/{name}", Body=b"{}")


def test_MON_02_a_job_looks_at_the_requests_since_the_last_run(s3):
    capture(
        s3,
        "2026/11/23/23/too-early.jsonl",
        "2026/11/24/00/first.jsonl",
        "2026/11/24/05/last.jsonl",
        "2026/11/24/06/too-late.jsonl",
    )
    jobs = Jobs()

    answer = start("2026-11-24T06:20:00Z", DATA_QUALITY, SETTINGS, s3=s3, sagemaker=jobs)

    name = f"{PREFIX}-202611240600"
    assert answer == {"started": name}
    manifest = jobs.created[name]["ProcessingInputs"][1]["S3Input"]
    assert manifest["S3DataType"] == "ManifestFile"
    key = manifest["S3Uri"].removeprefix(f"s3://{BUCKET}/")
    assert json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) == [
        {"prefix": f"s3://{BUCKET}/{REQUESTS}/"},
        "2026/11/24/00/first.jsonl",
        "2026/11/24/05/last.jsonl",
    ]


def test_a_job_gets_what_the_stack_says_and_its_own_window(s3):
    capture(s3, "2026/11/24/05/last.jsonl")
    jobs = Jobs()

    start("2026-11-24T06:20:00Z", DATA_QUALITY, SETTINGS, s3=s3, sagemaker=jobs)

    (job,) = jobs.created.values()
    assert job["Environment"] == {
        "MLZONE_MAX_PSI": "0.2",
        "MLZONE_MONITOR": "data-quality",
        "sagemaker_monitoring_schedule_name": "aur-retail-credit-default-prod-data-quality",
        "start_time": "2026-11-24T00:00:00Z",
        "end_time": "2026-11-24T06:00:00Z",
    }
    assert job["NetworkConfig"]["VpcConfig"] == {
        "SecurityGroupIds": ["g"],
        "Subnets": ["subnet-1", "subnet-2"],
    }
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    assert (
        output["S3Output"]["S3Uri"]
        == "s3://capture/credit-default/reports/data-quality/2026/11/24/06"
    )
    assert job["ProcessingOutputConfig"]["KmsKeyId"] == "key"
    assert [item["InputName"] for item in job["ProcessingInputs"]] == ["baseline", "endpoint"]


def test_a_window_without_requests_has_no_job(s3):
    jobs = Jobs()

    answer = start("2026-11-24T06:20:00Z", DATA_QUALITY, SETTINGS, s3=s3, sagemaker=jobs)

    assert answer == {"skipped": "no requests from 2026-11-24T00:00Z to 2026-11-24T06:00Z"}
    assert jobs.created == {}


def test_a_window_has_one_job_however_often_the_schedule_calls(s3):
    capture(s3, "2026/11/24/05/last.jsonl")
    jobs = Jobs()
    start("2026-11-24T06:20:00Z", DATA_QUALITY, SETTINGS, s3=s3, sagemaker=jobs)

    again = start("2026-11-24T06:20:00Z", DATA_QUALITY, SETTINGS, s3=s3, sagemaker=jobs)

    assert again == {"running": f"{PREFIX}-202611240600"}
    assert len(jobs.created) == 1


def test_a_monitor_with_ground_truth_looks_at_older_requests_and_all_that_is_known_since(s3):
    s3.create_bucket(Bucket="data")
    above = "credit-applications/ground-truth/credit-default"
    for hour in ("2026/11/22/05", "2026/11/22/06", "2026/11/24/05", "2026/11/24/06"):
        s3.put_object(Bucket="data", Key=f"{above}/{hour}/labels.jsonl", Body=b"{}")
    capture(s3, "2026/11/23/05/in.jsonl", "2026/11/23/06/too-young.jsonl")
    jobs = Jobs()
    monitor = replace(
        DATA_QUALITY, kind="model-quality", prefix="mq", hours=24, lag_hours=24, ground_truth=True
    )

    start("2026-11-24T06:20:00Z", monitor, SETTINGS, s3=s3, sagemaker=jobs)

    (job,) = jobs.created.values()
    assert job["Environment"]["MLZONE_MONITOR"] == "model-quality"
    assert job["Environment"]["end_time"] == "2026-11-23T06:00:00Z"
    requests, truth = job["ProcessingInputs"][1:]
    assert truth["S3Input"]["LocalPath"] == "/opt/ml/processing/input/ground_truth"

    def files(source: dict[str, Any]) -> list[Any]:
        bucket, _, key = source["S3Input"]["S3Uri"].removeprefix("s3://").partition("/")
        return list(json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()))

    assert files(requests)[1:] == ["2026/11/23/05/in.jsonl"]
    assert files(truth) == [
        {"prefix": f"s3://data/{above}/"},
        "2026/11/22/06/labels.jsonl",
        "2026/11/24/05/labels.jsonl",
    ]


def test_requests_of_which_nothing_is_known_yet_are_looked_at_all_the_same(s3):
    s3.create_bucket(Bucket="data")
    capture(s3, "2026/11/24/05/last.jsonl")
    jobs = Jobs()
    monitor = replace(DATA_QUALITY, ground_truth=True)

    start("2026-11-24T06:20:00Z", monitor, SETTINGS, s3=s3, sagemaker=jobs)

    (job,) = jobs.created.values()
    assert [item["InputName"] for item in job["ProcessingInputs"]] == ["baseline", "endpoint"]


def test_an_outcome_can_be_known_a_year_later_and_days_are_looked_up_whole():
    window = Window.before("2026-11-24T10:05:00Z", 2, 8784).since(8784)

    folders = list(window.folders())

    assert folders[:2] == ["2025/11/23/08/", "2025/11/23/09/"]
    assert folders[16:18] == ["2025/11/24/", "2025/11/25/"]
    assert folders[-1] == "2026/11/24/09/"
    assert len(folders) < 400
