"""Processing jobs run real processes with the container contract."""

import json
import socket
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.waiting import eventually

from mlzone_cloud.sagemaker import container

READ_ALL = """
import json, os, pathlib, sys
data = pathlib.Path("/opt/ml/processing/input")
out = pathlib.Path("/opt/ml/processing/output")
config = json.loads(pathlib.Path("/opt/ml/config/processingjobconfig.json").read_text())
found = {str(p.relative_to(data)): p.read_text() for p in data.rglob("*") if p.is_file()}
(out / "report").mkdir()
(out / "report" / "found.json").write_text(json.dumps(found))
(out / "job.json").write_text(json.dumps({
    "name": config["ProcessingJobName"], "arguments": sys.argv[1:],
    "level": os.environ["LEVEL"], "key": os.environ.get("AWS_ACCESS_KEY_ID", ""),
    "endpoint": os.environ.get("AWS_ENDPOINT_URL", ""),
    "hosts": json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text())["hosts"],
}))
pathlib.Path("/opt/ml/output/message").write_text("CompletedWithViolations: 2")
print("read", len(found), "files")
"""


@pytest.fixture(params=["namespaces", "rewritten paths"])
def _isolation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways in which a job sees its folder as /opt/ml."""
    if request.param != "namespaces":
        monkeypatch.setenv("MLZONE_CLOUD_NAMESPACES", "off")


def start(estate: Any, name: str = "job", code: str = READ_ALL, **more: Any) -> dict[str, Any]:
    """Create a processing job that runs a script from S3."""
    script = estate.put(f"code/{name}/run.py", code)
    inputs = more.pop("inputs", [])
    outputs = more.pop("outputs", [("out", "/opt/ml/processing/output", f"results/{name}")])
    seconds = more.pop("seconds", 60)
    arguments: dict[str, Any] = {
        "ProcessingJobName": name,
        "RoleArn": estate.role,
        "AppSpecification": {
            "ImageUri": estate.image,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/run.py"],
            "ContainerArguments": ["--level", "3"],
        },
        "Environment": {"LEVEL": "high"},
        "ProcessingInputs": [
            given("code", script, "/opt/ml/processing/input/code"),
            *inputs,
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": output,
                    "S3Output": {
                        "S3Uri": f"s3://{estate.bucket}/{key}",
                        "LocalPath": path,
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for output, path, key in outputs
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 10,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
        **more,
    }
    made: dict[str, Any] = estate.sagemaker.create_processing_job(**arguments)
    return made


def given(name: str, uri: str, path: str, **more: Any) -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": {**source, **more}}


@pytest.mark.usefixtures("_isolation")
def test_a_job_reads_its_inputs_and_leaves_its_outputs(estate: Any) -> None:
    estate.publish("python3")
    estate.put("data/a.csv", "1,2")
    estate.put("data/deep/b.csv", "3,4")
    data = given("data", f"s3://{estate.bucket}/data/", "/opt/ml/processing/input/data")

    start(estate, inputs=[data])

    job = estate.ended("ProcessingJob", "job")
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ExitMessage"] == "CompletedWithViolations: 2"
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    found = json.loads(estate.get("results/job/report/found.json"))
    assert (found["data/a.csv"], found["data/deep/b.csv"]) == ("1,2", "3,4")
    told = json.loads(estate.get("results/job/job.json"))
    assert told["name"] == "job"
    assert told["arguments"] == ["--level", "3"]
    assert told["level"] == "high"
    assert told["hosts"] == ["algo-1"]
    assert told["key"].startswith("ASIA")
    assert told["endpoint"] == estate.cloud.endpoint_url
    assert estate.logs("/aws/sagemaker/ProcessingJobs", "job/algo-1-") == ["read 3 files"]


def test_an_isolated_job_knows_nothing_of_aws(estate: Any) -> None:
    estate.publish("python3")

    start(estate, NetworkConfig={"EnableNetworkIsolation": True})

    job = estate.ended("ProcessingJob", "job")
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["NetworkConfig"] == {"EnableNetworkIsolation": True}
    told = json.loads(estate.get("results/job/job.json"))
    assert (told["key"], told["endpoint"]) == ("", "")


def test_a_manifest_names_the_files(estate: Any) -> None:
    estate.publish("python3")
    estate.put("data/a.csv", "a")
    estate.put("data/b.csv", "b")
    prefix = {"prefix": f"s3://{estate.bucket}/data/"}
    manifest = estate.put("m.json", json.dumps([prefix, "b.csv"]))
    path = "/opt/ml/processing/input/data"

    start(estate, inputs=[given("data", manifest, path, S3DataType="ManifestFile")])

    job = estate.ended("ProcessingJob", "job")
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    found = json.loads(estate.get("results/job/report/found.json"))
    assert sorted(name for name in found if name.startswith("data/")) == ["data/b.csv"]


def test_the_image_names_the_program_of_a_job_that_does_not(estate: Any) -> None:
    code = "import sys; print('analyses', *sys.argv[1:])"
    digest = estate.publish("python3", "-c", code)
    image = f"{estate.image.rsplit(':', 1)[0]}@{digest}"

    start(estate, AppSpecification={"ImageUri": image, "ContainerArguments": ["all"]})

    assert estate.ended("ProcessingJob", "job")["ProcessingJobStatus"] == "Completed"
    assert estate.logs("/aws/sagemaker/ProcessingJobs") == ["analyses all"]


def test_without_its_image_a_job_fails(estate: Any) -> None:
    start(estate)

    job = estate.ended("ProcessingJob", "job")

    assert job["ProcessingJobStatus"] == "Failed"
    assert "image not found" in job["FailureReason"]


def test_an_image_of_another_account_needs_its_repository_policy(estate: Any) -> None:
    estate.publish("python3")
    ecr = estate.cloud.client("ecr", account=estate.image[:12])
    ecr.delete_repository_policy(repositoryName="tabular")

    start(estate)

    job = estate.ended("ProcessingJob", "job")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "cannot be pulled" in job["FailureReason"]
    assert "ecr:BatchGetImage" in job["FailureReason"]


def test_a_failing_program_fails_the_job_with_its_last_words(estate: Any) -> None:
    estate.publish("python3")

    start(estate, code="print('line one'); raise ValueError('income is negative')")

    job = estate.ended("ProcessingJob", "job")
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: ")
    assert "ValueError: income is negative" in job["FailureReason"]
    assert job["FailureReason"].endswith("exit code: 1")
    assert estate.keys("results/") == []


def test_a_role_that_may_not_read_fails_the_job(estate: Any) -> None:
    estate.publish("python3")
    estate.put("secret/a.csv", "1")
    role = estate.make_role("narrow", "arn:aws:s3:::elsewhere/*")

    start(estate, RoleArn=role)

    job = estate.ended("ProcessingJob", "job")
    assert job["ProcessingJobStatus"] == "Failed"
    assert "Data download failed: AccessDenied" in job["FailureReason"]
    assert "assumed-role/narrow/SageMaker" in job["FailureReason"]


def test_an_empty_prefix_fails_the_job(estate: Any) -> None:
    estate.publish("python3")
    nothing = given("data", f"s3://{estate.bucket}/none/", "/opt/ml/processing/input/data")

    start(estate, inputs=[nothing])

    assert (
        "No S3 objects found under S3 URL" in estate.ended("ProcessingJob", "job")["FailureReason"]
    )


def test_a_role_that_does_not_trust_sagemaker_is_refused(estate: Any) -> None:
    iam = estate.cloud.client("iam", account="111111111111")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ],
    }
    role = iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(trust))

    with pytest.raises(ClientError) as refusal:
        start(estate, RoleArn=role["Role"]["Arn"])

    assert "Could not assume role" in str(refusal.value)


def test_outputs_are_encrypted_with_the_key_of_the_job(estate: Any) -> None:
    estate.publish("python3")
    key = estate.cloud.client("kms", account="111111111111").create_key()["KeyMetadata"]["Arn"]
    output = {
        "OutputName": "out",
        "S3Output": {
            "S3Uri": f"s3://{estate.bucket}/results/job",
            "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": "EndOfJob",
        },
    }

    start(estate, ProcessingOutputConfig={"Outputs": [output], "KmsKeyId": key})

    job = estate.ended("ProcessingJob", "job")
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    stored = estate.s3.head_object(Bucket=estate.bucket, Key="results/job/job.json")
    assert stored["SSEKMSKeyId"] == key


def test_a_job_can_be_stopped(estate: Any) -> None:
    estate.publish("python3")
    start(estate, code="import time; print('begun'); time.sleep(600)")
    group = "/aws/sagemaker/ProcessingJobs"
    logs = estate.cloud.client("logs", account="111111111111")
    eventually(logs.describe_log_groups, lambda found: found["logGroups"], estate.cloud)
    assert estate.logs(group) == ["begun"]

    estate.sagemaker.stop_processing_job(ProcessingJobName="job")

    assert estate.ended("ProcessingJob", "job")["ProcessingJobStatus"] == "Stopped"


def test_a_job_ends_when_its_time_is_over(estate: Any) -> None:
    estate.publish("python3")

    start(estate, code="import time; time.sleep(600)", seconds=1)

    job = estate.ended("ProcessingJob", "job")
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "longer than 1 seconds" in job["FailureReason"]


def test_names_are_unique_and_jobs_are_listed(estate: Any) -> None:
    estate.publish("python3")
    start(estate, "first")
    estate.ended("ProcessingJob", "first")
    start(estate, "second")
    estate.ended("ProcessingJob", "second")

    with pytest.raises(ClientError) as refusal:
        start(estate, "first")

    assert refusal.value.response["Error"]["Code"] == "ResourceInUse"
    listed = estate.sagemaker.list_processing_jobs(StatusEquals="Completed", SortBy="Name")
    names = [item["ProcessingJobName"] for item in listed["ProcessingJobSummaries"]]
    assert names == ["second", "first"]


def test_tags_stay_with_the_job(estate: Any) -> None:
    estate.publish("python3")
    arn = start(estate, Tags=[{"Key": "team", "Value": "credit"}])["ProcessingJobArn"]

    assert estate.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [
        {"Key": "team", "Value": "credit"}
    ]


def test_an_isolated_job_reaches_nothing_outside(estate: Any) -> None:
    estate.publish("python3")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=5)"

        start(estate, code=code, NetworkConfig={"EnableNetworkIsolation": True})

        job = estate.ended("ProcessingJob", "job")
    # Only the kernel can cut a process off from the network.
    reached = job["ProcessingJobStatus"] == "Completed"
    assert reached is not container.has_network_namespaces()
