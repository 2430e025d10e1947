"""Batches: a day is asked about once, it is known what answered what, and faults say where."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from mlzone_runtime.batch.record import BatchError, Settings
from mlzone_runtime.handlers import batch
from mlzone_runtime.handlers.batch import Clients
from mlzone_runtime.handlers.platform_event import ModelScope

DATA, RELEASES, CAPTURE = "data", "releases", "capture"
GIVEN, MADE = "loans/batches/review/input", "loans/batches/review/output"
VERSION = "arn:aws:sagemaker:sa-east-1:100000000002:model-package/aur-retail-review/3"
JOBS = "aur-retail-review-prod-batch"
DAY, SCHEDULED = "2026-11-28", "2026-11-29T02:00:00Z"
SETTINGS = Settings(
    scope=ModelScope(unit="retail", team="risk", model="review", environment="prod"),
    bus_arn="arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform",
    served="aur-retail-review-prod-0a1b2c3d-v3-abcdef",
    release="v3-abcdef",
    model_package_arn=VERSION,
    image="100000000002.dkr.ecr.sa-east-1.amazonaws.com/aur/tabular@sha256:" + "a" * 64,
    releases=f"s3://{RELEASES}/review",
    given=f"s3://{DATA}/{GIVEN}",
    made=f"s3://{DATA}/{MADE}",
    jobs=JOBS,
    hour=2,
    capture=f"s3://{CAPTURE}/review/requests/aur-retail-review-prod/AllTraffic",
    capture_percentage=100,
    job={
        "TransformResources": {"InstanceType": "ml.m5.large", "VolumeKmsKeyId": "unit-key"},
        "TransformOutput": {"AssembleWith": "Line", "KmsKeyId": "team-key"},
    },
)
FILE = "purpose,id,amount\ncar,loan-1,1000\nhouse,loan-2,2500.5\n"


class SageMaker:
    """Transform jobs; two never have the same name, and one answers 0.5 when it is told to end."""

    def __init__(self, s3: Any) -> None:
        self.s3, self.jobs = s3, dict[str, dict[str, Any]]()

    def create_transform_job(self, **request: Any) -> None:
        name = request["TransformJobName"]
        if name in self.jobs:
            raise ClientError({"Error": {"Code": "ResourceInUse", "Message": ""}}, "Create")
        self.jobs[name] = {**request, "TransformJobStatus": "InProgress"}

    def describe_transform_job(self, *, TransformJobName: str) -> dict[str, Any]:  # noqa: N803
        if TransformJobName not in self.jobs:
            raise ClientError({"Error": {"Code": "ResourceNotFound", "Message": ""}}, "Describe")
        return self.jobs[TransformJobName]

    def end(self, name: str, status: str = "Completed", when: str = "2026-11-29T02:20:00") -> None:
        job = self.jobs[name]
        job |= {
            "TransformJobStatus": status,
            "TransformEndTime": datetime.fromisoformat(when).replace(tzinfo=UTC),
            "FailureReason": "the instance is gone" if status == "Failed" else "",
        }
        source = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        prefix = source.removeprefix(f"s3://{DATA}/")
        target = job["TransformOutput"]["S3OutputPath"].removeprefix(f"s3://{DATA}/")
        for item in self.s3.list_objects_v2(Bucket=DATA, Prefix=prefix)["Contents"]:
            rows = read(self.s3, DATA, item["Key"]).splitlines()
            name = item["Key"].removeprefix(prefix)
            body = "".join(f"{row},0.5\n" for row in rows)
            self.s3.put_object(Bucket=DATA, Key=f"{target}/{name}.out", Body=body)


class Heard:
    """What the platform's bus and CloudWatch were told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.metrics: dict[str, float] = {}

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.events += [(item["DetailType"], json.loads(item["Detail"])) for item in Entries]
        return {"FailedEntryCount": 0}

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803
        assert Namespace == "MLZone/Batches"
        self.metrics |= {item["MetricName"]: item["Value"] for item in MetricData}


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in (DATA, RELEASES, CAPTURE):
            s3.create_bucket(Bucket=bucket)
        features = [{"name": "amount", "type": "number"}, {"name": "purpose", "type": "category"}]
        document = json.dumps({"features": features})
        s3.put_object(Bucket=RELEASES, Key="review/v3-abcdef/release.json", Body=document)
        heard = Heard()
        yield Clients(s3=s3, sagemaker=SageMaker(s3), cloudwatch=heard, events=heard)


def read(s3: Any, bucket: str, key: str) -> str:
    return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())


def keys(s3: Any, bucket: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def bring(clients: Clients, text: str = FILE, name: str = "a.csv") -> None:
    clients.s3.put_object(Bucket=DATA, Key=f"{GIVEN}/2026/11/28/{name}", Body=text.encode())


def begin(clients: Clients, settings: Settings = SETTINGS) -> dict[str, Any]:
    return batch.handle({"time": SCHEDULED}, settings, clients)


def close(clients: Clients, job: str) -> dict[str, Any]:
    # As EventBridge sends it: every event has a time as well.
    event = {"time": SCHEDULED, "detail": {"TransformJobName": job}}
    return batch.handle(event, SETTINGS, clients)


def record_of(clients: Clients, begun: dict[str, Any]) -> dict[str, Any]:
    folder = begun["results"].removeprefix(f"s3://{DATA}/").removesuffix("/results")
    found: dict[str, Any] = json.loads(read(clients.s3, DATA, f"{folder}/run.json"))
    return found


def test_the_schedule_asks_about_the_day_before(clients: Clients):
    bring(clients)

    begun = begin(clients)

    assert (begun["day"], begun["state"], begun["new"]) == (DAY, "InProgress", True)
    job = clients.sagemaker.jobs[begun["job"]]
    assert job["ModelName"] == SETTINGS.served
    prepared = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    key = f"{prepared.removeprefix(f's3://{DATA}/')}a.csv"
    assert read(clients.s3, DATA, key) == "loan-1,1000,car\nloan-2,2500.5,house\n"


def test_ENC_02_the_answers_and_the_disk_are_encrypted(clients: Clients):
    bring(clients)

    job = clients.sagemaker.jobs[begin(clients)["job"]]

    assert job["TransformOutput"]["KmsKeyId"] == "team-key"
    assert job["TransformResources"]["VolumeKmsKeyId"] == "unit-key"


def test_the_model_does_not_see_the_id_and_the_results_have_it(clients: Clients):
    bring(clients)

    job = clients.sagemaker.jobs[begin(clients)["job"]]

    assert job["DataProcessing"] == {
        "InputFilter": "$[1:]",
        "JoinSource": "Input",
        "OutputFilter": "$",
    }


def test_the_same_day_is_asked_about_once(clients: Clients):
    bring(clients)
    first = begin(clients)
    again = begin(clients)
    clients.sagemaker.end(first["job"])
    later = begin(clients)

    assert (again["job"], again["state"], again["new"]) == (first["job"], "InProgress", False)
    assert (later["job"], later["state"], later["new"]) == (first["job"], "Completed", False)
    assert list(clients.sagemaker.jobs) == [first["job"]]


@pytest.mark.parametrize("changed", ["input", "release"])
def test_new_input_and_a_new_release_are_answered_anew(clients: Clients, changed: str):
    bring(clients)
    first = begin(clients)
    settings = SETTINGS
    if changed == "input":
        bring(clients, FILE.replace("1000", "1001"))
    else:
        settings = Settings(**{**vars(SETTINGS), "release": "v4-abcdef"})
        document = clients.s3.get_object(Bucket=RELEASES, Key="review/v3-abcdef/release.json")
        clients.s3.put_object(
            Bucket=RELEASES, Key="review/v4-abcdef/release.json", Body=document["Body"].read()
        )

    second = begin(clients, settings)

    assert second["new"]
    assert second["job"] != first["job"]
    assert second["results"] != first["results"]


def test_a_job_that_failed_is_tried_again_under_another_name(clients: Clients):
    bring(clients)
    first = begin(clients)
    clients.sagemaker.end(first["job"], "Failed")

    second = begin(clients)

    assert second["job"] == f"{first['job']}-2"
    assert record_of(clients, second)["attempt"] == 2
    with pytest.raises(BatchError, match="was followed by"):
        close(clients, first["job"])


def test_what_always_fails_is_not_tried_for_ever(clients: Clients):
    bring(clients)
    for _ in range(5):
        clients.sagemaker.end(begin(clients)["job"], "Failed")

    last = begin(clients)

    assert (last["state"], last["reason"], last["new"]) == ("Failed", "the instance is gone", False)


def test_a_day_without_input_is_no_fault(clients: Clients):
    assert begin(clients)["state"] == "NoInput"
    assert clients.events.events == []


def test_nothing_is_asked_while_the_model_is_stopped(clients: Clients):
    bring(clients)

    with pytest.raises(BatchError, match="no release here, or it is stopped"):
        begin(clients, Settings(**{**vars(SETTINGS), "served": ""}))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id,amount\nloan-1,1\n", "a.csv has no column purpose"),
        ("id,amount,purpose,sex\nloan-1,1,car,f\n", "a column sex, which the model lacks"),
        ("id,amount,purpose\nloan-1,1\n", "a.csv, row 2: 2 values, the header has 3"),
        ("id,amount,purpose\nloan 1,1,car\n", "row 2: the id is not up to 64 letters"),
        ('id,amount,purpose\nloan-1,1,"a, b"\n', "row 2: a value holds a comma"),
        ("id,amount,purpose\n", "a.csv holds no record"),
        ("", "a.csv has no column id"),
    ],
)
def test_a_file_that_is_not_as_agreed_stops_the_day_and_says_where(
    clients: Clients, text: str, reason: str
):
    bring(clients, text)

    answer = begin(clients)

    assert answer["state"] == "Failed"
    assert reason in answer["reason"]
    ((kind, detail),) = clients.events.events
    assert kind == "Batch Failed"
    assert detail["facts"]["reason"] == answer["reason"]
    assert clients.cloudwatch.metrics["Failed"] == 1
    assert clients.sagemaker.jobs == {}


def test_MOD_02_a_run_says_which_version_answered_which_records(clients: Clients):
    bring(clients)
    bring(clients, FILE.replace("loan", "lease"), "b.csv")
    begun = begin(clients)
    clients.sagemaker.end(begun["job"])

    close(clients, begun["job"])

    run = record_of(clients, begun)
    assert (run["model_package_arn"], run["release"], run["image"]) == (
        VERSION,
        SETTINGS.release,
        SETTINGS.image,
    )
    assert (run["day"], run["status"], run["records"], run["asked_by"]) == (
        DAY,
        "Completed",
        4,
        "schedule",
    )
    assert run["columns"] == ["id", "amount", "purpose", "probability"]
    assert [item["uri"].rpartition("/")[2] for item in run["inputs"]] == ["a.csv", "b.csv"]
    assert all(len(item["sha256"]) == 64 for item in (*run["inputs"], *run["outputs"]))
    assert [item["records"] for item in run["outputs"]] == [2, 2]


def test_the_end_is_told_once(clients: Clients):
    bring(clients)
    begun = begin(clients)
    clients.sagemaker.end(begun["job"])

    first, second = close(clients, begun["job"]), close(clients, begun["job"])

    assert (first["before"], second["before"]) == (False, True)
    ((kind, detail),) = clients.events.events
    assert kind == "Batch Completed"
    assert (detail["release"], detail["facts"]["records"]) == (SETTINGS.release, 2)
    assert clients.cloudwatch.metrics == {"Failed": 0, "Records": 2}


def test_a_job_that_failed_is_told_with_its_reason(clients: Clients):
    bring(clients)
    begun = begin(clients)
    clients.sagemaker.end(begun["job"], "Failed")

    close(clients, begun["job"])

    ((kind, detail),) = clients.events.events
    assert (kind, detail["facts"]["reason"]) == ("Batch Failed", "the instance is gone")
    assert record_of(clients, begun)["status"] == "Failed"


def test_MON_01_answers_are_captured_as_an_endpoints_are(clients: Clients):
    bring(clients)
    begun = begin(clients)
    clients.sagemaker.end(begun["job"])

    close(clients, begun["job"])

    (key,) = keys(clients.s3, CAPTURE)
    folder = "review/requests/aur-retail-review-prod/AllTraffic/2026/11/29/02"
    assert key == f"{folder}/{begun['job']}-1.jsonl"
    first = json.loads(read(clients.s3, CAPTURE, key).splitlines()[0])
    assert first["captureData"]["endpointInput"]["data"] == "1000,car"
    assert first["captureData"]["endpointOutput"]["data"] == "0.5"
    assert first["eventMetadata"]["inferenceId"] == "loan-1"
    assert first["eventMetadata"]["inferenceTime"] == "2026-11-29T02:20:00Z"


def test_a_day_that_is_made_up_for_later_counts_as_if_it_had_been_on_time(clients: Clients):
    bring(clients)
    begun = begin(clients)
    clients.sagemaker.end(begun["job"], when="2026-12-24T10:00:00")

    close(clients, begun["job"])

    (key,) = keys(clients.s3, CAPTURE)
    assert "/2026/11/29/02/" in key


def test_a_share_of_the_answers_is_captured(clients: Clients):
    rows = "".join(f"car,loan-{number},1\n" for number in range(400))
    bring(clients, f"purpose,id,amount\n{rows}")
    begun = begin(clients)
    clients.sagemaker.end(begun["job"])
    half = Settings(**{**vars(SETTINGS), "capture_percentage": 50})

    batch.handle({"detail": {"TransformJobName": begun["job"]}}, half, clients)

    (key,) = keys(clients.s3, CAPTURE)
    assert 150 < len(read(clients.s3, CAPTURE, key).splitlines()) < 250


def test_a_release_is_tested_and_nobody_uses_or_watches_the_answers(clients: Clients):
    rows = [["1000", "car"], ["", ""]]
    begun = batch.handle({"smoke": "execution-1", "rows": rows}, SETTINGS, clients)
    clients.sagemaker.end(begun["job"])
    close(clients, begun["job"])

    answers = batch.handle({"answers": begun["job"]}, SETTINGS, clients)["answers"]

    assert answers == [["smoke-1", "0.5"], ["smoke-2", "0.5"]]
    assert keys(clients.s3, CAPTURE) == []
    assert clients.events.events == []


def test_IAM_06_the_answers_of_a_day_are_not_handed_out(clients: Clients):
    bring(clients)
    begun = begin(clients)
    clients.sagemaker.end(begun["job"])

    with pytest.raises(BatchError, match="its results are the team's data"):
        batch.handle({"answers": begun["job"]}, SETTINGS, clients)


def test_the_job_of_another_model_is_none_of_its_business(clients: Clients):
    with pytest.raises(BatchError, match="is no batch of review"):
        close(clients, "aur-retail-other-prod-batch-20261128-0123456789")
