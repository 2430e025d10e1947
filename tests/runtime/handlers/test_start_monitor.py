"""The engine without Model Monitor: which requests a job gets, and that a window has one job."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from mlzone_runtime.handlers.start_monitor import Settings, start

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
    prefix="aur-retail-credit-default-prod-monitor",
    subnets=("subnet-1", "subnet-2"),
    requests=f"s3://{BUCKET}/{REQUESTS}",
    windows=f"s3://{BUCKET}/credit-default/windows",
    input_folder="/opt/ml/processing/input/endpoint",
    hours=6,
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

    answer = start("2026-11-24T06:20:00Z", SETTINGS, s3=s3, sagemaker=jobs)

    name = "aur-retail-credit-default-prod-monitor-202611240600"
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

    start("2026-11-24T06:20:00Z", SETTINGS, s3=s3, sagemaker=jobs)

    (job,) = jobs.created.values()
    assert job["Environment"] == {
        "MLZONE_MAX_PSI": "0.2",
        "start_time": "2026-11-24T00:00:00Z",
        "end_time": "2026-11-24T06:00:00Z",
    }
    assert job["NetworkConfig"]["VpcConfig"] == {
        "SecurityGroupIds": ["g"],
        "Subnets": ["subnet-1", "subnet-2"],
    }
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://capture/credit-default/reports/2026/11/24/06"
    assert job["ProcessingOutputConfig"]["KmsKeyId"] == "key"
    assert [item["InputName"] for item in job["ProcessingInputs"]] == ["baseline", "endpoint"]


def test_a_window_without_requests_has_no_job(s3):
    jobs = Jobs()

    answer = start("2026-11-24T06:20:00Z", SETTINGS, s3=s3, sagemaker=jobs)

    assert answer == {"skipped": "no requests from 2026-11-24T00:00Z to 2026-11-24T06:00Z"}
    assert jobs.created == {}


def test_a_window_has_one_job_however_often_the_schedule_calls(s3):
    capture(s3, "2026/11/24/05/last.jsonl")
    jobs = Jobs()
    start("2026-11-24T06:20:00Z", SETTINGS, s3=s3, sagemaker=jobs)

    again = start("2026-11-24T06:20:00Z", SETTINGS, s3=s3, sagemaker=jobs)

    assert again == {"running": "aur-retail-credit-default-prod-monitor-202611240600"}
    assert len(jobs.created) == 1
