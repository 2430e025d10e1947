"""Training jobs run real processes with the container contract."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.conftest import small_seed
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.seed import plant
from mlzone_cloud.state import Keeper, forget_everything

DEV = "111111111111"
TRAIN = """
import json, os, pathlib
root = pathlib.Path("/opt/ml")
hyperparameters = json.loads((root / "input/config/hyperparameters.json").read_text())
channels = json.loads((root / "input/config/inputdataconfig.json").read_text())
rows = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text().splitlines()
print("auc: 0.5;")
print("auc: 0.75;")
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
(model / "model.json").write_text(json.dumps({"rows": len(rows), **hyperparameters}))
told = {name: os.environ[name] for name in os.environ if name.startswith(("SM_", "TRAINING_"))}
told["channels"] = channels
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "told.json").write_text(json.dumps(told))
"""


def start(estate: Any, name: str = "job", code: str = TRAIN, **more: Any) -> str:
    """Create a training job that runs a script from a channel."""
    script = estate.put(f"code/{name}/train.py", code)
    rows = estate.put("data/train/rows.csv", "1\n2\n3\n")
    algorithm = more.pop("algorithm", {})
    arguments: dict[str, Any] = {
        "TrainingJobName": name,
        "RoleArn": estate.role,
        "AlgorithmSpecification": {
            "TrainingImage": estate.image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/train.py"],
            "MetricDefinitions": [{"Name": "auc", "Regex": "auc: ([0-9.]+);"}],
            **algorithm,
        },
        "HyperParameters": {"max-depth": "4", "objective": "binary"},
        "InputDataConfig": [
            channel("code", script),
            channel("train", rows.removesuffix("rows.csv")),
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{estate.bucket}/models"},
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "VolumeSizeInGB": 10,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **more,
    }
    arn: str = estate.sagemaker.create_training_job(**arguments)["TrainingJobArn"]
    return arn


def channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


def archive(body: bytes) -> dict[str, Any]:
    """Return the JSON files of a `tar.gz`."""
    with tarfile.open(fileobj=io.BytesIO(body)) as content:
        return {name: json.load(content.extractfile(name)) for name in content.getnames()}  # type: ignore[arg-type]


@pytest.mark.parametrize("namespaces", ["on", "off"])
def test_a_job_trains_a_model(
    estate: Any, namespaces: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLZONE_CLOUD_NAMESPACES", namespaces)
    estate.publish("python3")

    arn = start(estate)

    job = estate.ended("TrainingJob", "job")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    artifacts = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifacts == f"s3://{estate.bucket}/models/job/output/model.tar.gz"
    model = archive(estate.get("models/job/output/model.tar.gz"))
    assert model == {"model.json": {"rows": 3, "max-depth": "4", "objective": "binary"}}
    told = archive(estate.get("models/job/output/output.tar.gz"))["told.json"]
    assert told["TRAINING_JOB_NAME"] == "job"
    assert told["TRAINING_JOB_ARN"] == arn
    assert json.loads(told["SM_HPS"]) == {"max-depth": 4, "objective": "binary"}
    assert told["SM_HP_MAX_DEPTH"] == "4"
    assert json.loads(told["SM_CHANNELS"]) == ["code", "train"]
    assert told["channels"]["train"]["TrainingInputMode"] == "File"


def test_a_job_goes_through_its_states_and_tells_its_metrics(estate: Any) -> None:
    estate.publish("python3")
    start(estate)

    job = estate.ended("TrainingJob", "job")

    assert [item["Status"] for item in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert job["SecondaryStatus"] == "Completed"
    [metric] = job["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("auc", 0.75)
    metrics = estate.cloud.client("cloudwatch", account=DEV)
    [found] = metrics.list_metrics(Namespace="/aws/sagemaker/TrainingJobs")["Metrics"]
    assert found["MetricName"] == "auc"


def test_the_same_model_gives_the_same_bytes(estate: Any) -> None:
    estate.publish("python3")
    for name in ("one", "two"):
        start(estate, name)
        estate.ended("TrainingJob", name)

    first, second = (estate.get(f"models/{name}/output/model.tar.gz") for name in ("one", "two"))

    assert first == second


def test_the_program_of_an_image_is_told_to_train(estate: Any) -> None:
    estate.publish("python3", "-c", "import sys; print(sys.argv[1:])")
    algorithm = {"TrainingImage": estate.image, "TrainingInputMode": "File"}

    start(estate, AlgorithmSpecification=algorithm)

    job = estate.ended("TrainingJob", "job")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert estate.logs("/aws/sagemaker/TrainingJobs") == ["['train']"]


def test_a_failing_script_says_why(estate: Any) -> None:
    estate.publish("python3")
    code = "import pathlib; pathlib.Path('/opt/ml/output/failure').write_text('no rows'); exit(3)"

    start(estate, code=code)

    job = estate.ended("TrainingJob", "job")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == "AlgorithmError: no rows, exit code: 3"
    assert "ModelArtifacts" not in job
    assert estate.keys("models/") == []


def test_what_was_made_until_its_time_was_over_is_kept(estate: Any) -> None:
    estate.publish("python3")
    code = """
import json, pathlib, time
pathlib.Path("/opt/ml/model/model.json").write_text("{}")
time.sleep(600)
"""
    start(estate, code=code, StoppingCondition={"MaxRuntimeInSeconds": 4})

    job = estate.ended("TrainingJob", "job")

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert archive(estate.get("models/job/output/model.tar.gz")) == {"model.json": {}}


def test_checkpoints_come_back_to_the_next_job(estate: Any) -> None:
    estate.publish("python3")
    code = """
import pathlib
folder = pathlib.Path("/opt/ml/checkpoints")
print("found", sorted(path.name for path in folder.iterdir()))
(folder / f"epoch-{len(list(folder.iterdir()))}").write_text("x")
"""
    kept = {"S3Uri": f"s3://{estate.bucket}/checkpoints"}
    for name in ("one", "two"):
        start(estate, name, code, CheckpointConfig=kept)
        assert estate.ended("TrainingJob", name)["TrainingJobStatus"] == "Completed"

    assert estate.logs("/aws/sagemaker/TrainingJobs", "two") == ["found ['epoch-0']"]
    assert estate.keys("checkpoints/") == ["checkpoints/epoch-0", "checkpoints/epoch-1"]


def test_settings_of_security_are_shown(estate: Any) -> None:
    estate.publish("python3")
    network = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}

    start(
        estate,
        VpcConfig=network,
        EnableNetworkIsolation=True,
        EnableInterContainerTrafficEncryption=True,
    )

    job = estate.ended("TrainingJob", "job")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["VpcConfig"] == network
    assert job["EnableNetworkIsolation"] is True
    assert job["EnableInterContainerTrafficEncryption"] is True


def test_what_is_not_emulated_is_refused(estate: Any) -> None:
    with pytest.raises(ClientError) as refusal:
        start(estate, algorithm={"TrainingInputMode": "Pipe"})

    assert refusal.value.response["Error"]["Code"] == "NotImplemented"


def test_tuning_is_refused_rather_than_pretended(estate: Any) -> None:
    limits = {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 1}

    with pytest.raises(ClientError) as refusal:
        estate.sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName="search",
            HyperParameterTuningJobConfig={"Strategy": "Random", "ResourceLimits": limits},
        )

    assert refusal.value.response["Error"]["Code"] == "NotImplemented"


def test_events_tell_each_state(estate: Any) -> None:
    estate.publish("python3")
    seen = estate.watch("SageMaker Training Job State Change")

    start(estate)

    wanted = {("InProgress", "Starting"), ("InProgress", "Training"), ("Completed", "Completed")}
    details = eventually(
        seen,
        lambda found: wanted <= {(d["TrainingJobStatus"], d["SecondaryStatus"]) for d in found},
        estate.cloud,
    )
    ended = next(item for item in details if item["TrainingJobStatus"] == "Completed")
    assert ended["ModelArtifacts"]["S3ModelArtifacts"].endswith("/job/output/model.tar.gz")
    assert isinstance(ended["CreationTime"], int)


def test_a_job_that_a_stop_interrupts_has_failed_at_the_next_start(
    estate: Any, tmp_path: Path
) -> None:
    cloud: Cloud = estate.cloud
    estate.publish("python3")
    keeper = Keeper(cloud)
    keeper.start()
    start(estate, code="import time; time.sleep(600)")
    eventually(
        lambda: estate.sagemaker.describe_training_job(TrainingJobName="job"),
        lambda job: job["SecondaryStatus"] == "Training",
        cloud,
    )
    cloud.stop()
    keeper.stop()
    forget_everything()
    following = Cloud(state_dir=tmp_path)
    Keeper(following).load()
    plant(following, small_seed())

    following.resume()

    sagemaker = following.client("sagemaker", account=DEV)
    job = sagemaker.describe_training_job(TrainingJobName="job")
    following.stop()
    assert job["TrainingJobStatus"] == "Failed"
    assert "interrupted" in job["FailureReason"]


def test_a_job_that_began_since_the_start_is_not_taken_for_an_interrupted_one(estate: Any) -> None:
    cloud: Cloud = estate.cloud
    estate.publish("python3")
    start(estate, code="import time; time.sleep(1)")

    cloud.resume()

    ended = eventually(
        lambda: estate.sagemaker.describe_training_job(TrainingJobName="job"),
        lambda job: job["TrainingJobStatus"] != "InProgress",
        cloud,
    )
    assert ended["TrainingJobStatus"] == "Completed"
