"""Images with layers: ECR keeps their bytes, and their own program and packages run."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.sagemaker import pushing
from tests.cloud.sagemaker.serving import SERVER
from tests.cloud.waiting import eventually

from mlzone_cloud.http_request import Environ

SHARED, REPOSITORY = "100000000002", "retail/cars"
PROGRAM = """
import json, os, pathlib, sys
import wheel_of_ours
found = {"arguments": sys.argv[1:], "said": wheel_of_ours.SAID, "level": os.environ["LEVEL"]}
try:
    pathlib.Path(__file__).with_name("changed").write_text("x")
    found["changed"] = True
except OSError:
    found["changed"] = False
out = pathlib.Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
place = out / ("model" if sys.argv[1] == "train" else "processing/output")
(place / "found.json").write_text(json.dumps(found))
"""
FILES = {
    "opt/project/main.py": PROGRAM,
    "opt/project/packages/wheel_of_ours.py": "SAID = 'from the layer'\n",
}
START = ["python3", "/opt/project/main.py"]
ENVIRONMENT = ["PYTHONPATH=/opt/project/packages", "LEVEL=low"]


@pytest.fixture
def ecr(estate: Any) -> Any:
    """The registry, with a repository that the account of the jobs may pull from."""
    client = estate.cloud.client("ecr", account=SHARED)
    client.create_repository(repositoryName=REPOSITORY)
    pull = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    client.set_repository_policy(
        repositoryName=REPOSITORY,
        policyText=json.dumps({"Version": "2012-10-17", "Statement": [pull]}),
    )
    return client


def uri(digest: str) -> str:
    return f"{SHARED}.dkr.ecr.sa-east-1.amazonaws.com/{REPOSITORY}@{digest}"


def process(estate: Any, image: str, **more: Any) -> dict[str, Any]:
    """Run a processing job that leaves everything to its image."""
    estate.sagemaker.create_processing_job(
        ProcessingJobName="job",
        RoleArn=estate.role,
        AppSpecification={"ImageUri": image, "ContainerArguments": ["prepare"]},
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": f"s3://{estate.bucket}/out",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        ProcessingResources={
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 10,
            }
        },
        **more,
    )
    ended: dict[str, Any] = estate.ended("ProcessingJob", "job")
    return ended


@pytest.fixture(params=["namespaces", "rewritten paths"])
def _isolation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "namespaces":
        monkeypatch.setenv("MLZONE_CLOUD_NAMESPACES", "off")


@pytest.mark.usefixtures("_isolation")
def test_a_job_runs_the_program_of_its_image_with_the_packages_of_its_layer(
    estate: Any, ecr: Any
) -> None:
    digest = pushing.push(ecr, REPOSITORY, FILES, entrypoint=START, environment=ENVIRONMENT)

    ended = process(estate, uri(digest), Environment={"LEVEL": "high"})

    assert ended["ProcessingJobStatus"] == "Completed", ended
    found = json.loads(estate.get("out/found.json"))
    assert (found["arguments"], found["said"], found["level"]) == (
        ["prepare"],
        "from the layer",
        "high",
    )


def test_jobs_of_an_image_cannot_change_it(estate: Any, ecr: Any) -> None:
    digest = pushing.push(ecr, REPOSITORY, FILES, entrypoint=START, environment=ENVIRONMENT)
    process(estate, uri(digest))
    assert json.loads(estate.get("out/found.json"))["changed"] is False


def test_training_starts_the_image_with_train(estate: Any, ecr: Any) -> None:
    digest = pushing.push(ecr, REPOSITORY, FILES, entrypoint=START, environment=ENVIRONMENT)
    estate.sagemaker.create_training_job(
        TrainingJobName="job",
        RoleArn=estate.role,
        AlgorithmSpecification={"TrainingImage": uri(digest), "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": f"s3://{estate.bucket}/trained"},
        ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    ended = estate.ended("TrainingJob", "job")
    assert ended["TrainingJobStatus"] == "Completed", ended
    assert estate.get("trained/job/output/model.tar.gz")


def test_an_endpoint_serves_with_the_program_of_its_image(estate: Any, ecr: Any) -> None:
    server = SERVER.replace("VERSION", "b'own'")
    files = {"opt/project/serve.py": server}
    start = ["python3", "/opt/project/serve.py"]
    image = uri(pushing.push(ecr, REPOSITORY, files, entrypoint=start))
    sagemaker = estate.sagemaker
    sagemaker.create_model(
        ModelName="m", PrimaryContainer={"Image": image}, ExecutionRoleArn=estate.role
    )
    variant = {"VariantName": "all", "ModelName": "m", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName="c", ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}]
    )
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    described = eventually(
        lambda: sagemaker.describe_endpoint(EndpointName="e"),
        lambda found: found["EndpointStatus"] in ("InService", "Failed"),
        estate.cloud,
    )
    assert described["EndpointStatus"] == "InService", described
    answer = estate.runtime.invoke_endpoint(EndpointName="e", Body=b"7", ContentType="text/csv")
    assert answer["Body"].read() == b"own:7"


def test_a_batch_is_answered_by_the_program_of_its_image(estate: Any, ecr: Any) -> None:
    files = {"opt/project/serve.py": SERVER.replace("VERSION", "b'own'")}
    image = uri(
        pushing.push(ecr, REPOSITORY, files, entrypoint=["python3", "/opt/project/serve.py"])
    )
    sagemaker = estate.sagemaker
    sagemaker.create_model(
        ModelName="m", PrimaryContainer={"Image": image}, ExecutionRoleArn=estate.role
    )
    source = estate.put("asked/day.csv", "7")
    sagemaker.create_transform_job(
        TransformJobName="job",
        ModelName="m",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{estate.bucket}/answered"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    ended = estate.ended("TransformJob", "job")
    assert ended["TransformJobStatus"] == "Completed", ended
    assert estate.get("answered/day.csv.out") == b"own:7"


def test_a_missing_entry_point_is_said_in_the_jobs_reason_and_log(estate: Any, ecr: Any) -> None:
    start = ["python3", "/opt/project/absent.py"]
    digest = pushing.push(ecr, REPOSITORY, FILES, entrypoint=start, environment=ENVIRONMENT)
    ended = process(estate, uri(digest))
    assert ended["ProcessingJobStatus"] == "Failed"
    lines = estate.logs("/aws/sagemaker/ProcessingJobs")
    assert any("/opt/project/absent.py" in line for line in lines)


def test_an_image_that_is_not_there_fails_the_job(estate: Any, ecr: Any) -> None:
    assert ecr
    ended = process(estate, uri("sha256:" + "0" * 64))
    assert "image not found: Cannot find requested image" in ended["FailureReason"]


def test_bytes_that_are_not_what_their_digest_says_are_not_kept(ecr: Any) -> None:
    with pytest.raises(ClientError, match="does not match the uploaded bytes") as refused:
        pushing.upload(ecr, REPOSITORY, b"bytes", said="sha256:" + "0" * 64)
    assert refused.value.response["Error"]["Code"] == "InvalidLayerException"


def test_an_image_needs_its_layers(ecr: Any) -> None:
    layer = pushing.archive(FILES)
    config = pushing.configuration(layer, START, [])
    pushing.upload(ecr, REPOSITORY, config)
    with pytest.raises(ClientError, match="required for pushing image") as refused:
        ecr.put_image(
            repositoryName=REPOSITORY, imageManifest=pushing.manifest(config, layer), imageTag="1"
        )
    assert refused.value.response["Error"]["Code"] == "LayersNotFoundException"


def test_a_layer_that_changed_on_the_disk_is_not_run(estate: Any, ecr: Any) -> None:
    digest = pushing.push(ecr, REPOSITORY, FILES, entrypoint=START)
    layer = pushing.digest_of(pushing.archive(FILES)).removeprefix("sha256:")
    (estate.cloud.state_dir / "layers" / layer).write_bytes(b"others")
    ended = process(estate, uri(digest))
    assert "are not what it names" in ended["FailureReason"]


@pytest.mark.parametrize("path", ["usr/bin/python3", "opt/ml/model/x", "opt/a/../../etc/x"])
def test_a_layer_reaches_nothing_outside_its_own_folders(estate: Any, ecr: Any, path: str) -> None:
    digest = pushing.push(ecr, REPOSITORY, {path: "x"}, entrypoint=START)
    ended = process(estate, uri(digest))
    assert "layer 1: it holds /" in ended["FailureReason"]


def test_a_layer_is_uploaded_in_parts_once_and_downloaded_whole(ecr: Any, cloud: Any) -> None:
    content = bytes(range(256)) * 50
    digest = pushing.upload(ecr, REPOSITORY, content, part=5000)
    with pytest.raises(ClientError) as refused:
        pushing.upload(ecr, REPOSITORY, content)
    assert refused.value.response["Error"]["Code"] == "LayerAlreadyExistsException"
    known = ecr.batch_check_layer_availability(repositoryName=REPOSITORY, layerDigests=[digest])
    assert known["layers"][0]["layerAvailability"] == "AVAILABLE"

    address = ecr.get_download_url_for_layer(repositoryName=REPOSITORY, layerDigest=digest)
    path = address["downloadUrl"].removeprefix(cloud.endpoint_url)

    def get(where: str) -> tuple[int, bytes]:
        environ: Environ = {"PATH_INFO": where, "REQUEST_METHOD": "GET"}
        status, _, body = cloud.routes["/_layers"](environ)
        return status, body

    assert get(path) == (200, content)
    assert get("/_layers/guessed")[0] == 403


def test_a_role_that_may_not_have_layers_does_not_pull(estate: Any, ecr: Any) -> None:
    digest = pushing.push(ecr, REPOSITORY, FILES, entrypoint=START)
    policy = json.loads(ecr.get_repository_policy(repositoryName=REPOSITORY)["policyText"])
    policy["Statement"][0]["Action"] = ["ecr:BatchGetImage"]
    ecr.set_repository_policy(repositoryName=REPOSITORY, policyText=json.dumps(policy))
    ended = process(estate, uri(digest))
    assert "cannot be pulled" in ended["FailureReason"]
