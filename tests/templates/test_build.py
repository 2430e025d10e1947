"""The build: who asked, what is pinned, and what people read when something fails.

The clients are doubles that answer as botocore's model of the service says; the whole build runs
against the embedded cloud in the tests of the model path.
"""

import importlib
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from .conftest import DIGEST

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/acme-retail-credit-default"
RUN = f"{ARN}/execution/abcdefghijkl"


@pytest.fixture
def part(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that imports a part of the project's `delivery`."""
    monkeypatch.syspath_prepend(str(project))
    return lambda name: importlib.import_module(f"delivery.{name}")


def client(service: str) -> tuple[Any, Stubber]:
    made = boto3.client(
        service,
        region_name="eu-west-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    return made, Stubber(made)


@pytest.mark.parametrize(
    ("value", "author"),
    [
        ("arn:aws:sts::111122223333:assumed-role/retail-data-scientist/ana.lima", "ana.lima"),
        ("retraining", "retraining"),
        ("", "unknown"),
    ],
)
def test_the_author_is_the_name_of_the_session(part: Any, value: str, author: str) -> None:
    found = part("build").origin({"MLZONE_AUTHOR": value, "MLZONE_TRIGGER": "drift"})
    assert found == {"Author": author, "Commit": "unknown", "Trigger": "drift"}


def test_without_the_platforms_parameter_the_build_says_so(
    part: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLZONE_DELIVERY_PARAMETER", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert part("build").main() == 1
    assert "error: MLZONE_DELIVERY_PARAMETER is not set" in capsys.readouterr().err


def test_a_parameter_of_another_shape_is_refused_by_its_path(
    part: Any, delivery: dict[str, Any]
) -> None:
    parameter = part("parameter")
    delivery["thresholds"]["min_auc"] = "high"
    with pytest.raises(parameter.BuildError, match=r"\$.thresholds.min_auc: 'high' is not of type"):
        parameter.parse(json.dumps(delivery))


class Registry:
    """A session that knows one client."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def client(self, _: str, **__: str) -> Any:
        return self.made


def test_images_are_pinned_by_the_registrys_digest(part: Any) -> None:
    ecr, stub = client("ecr")
    asked = {
        "registryId": "444455556666",
        "repositoryName": "acme/tabular",
        "imageIds": [{"imageTag": "1.0.0"}],
    }
    stub.add_response("describe_images", {"imageDetails": [{"imageDigest": DIGEST}]}, asked)
    uri = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/acme/tabular:1.0.0"
    with stub:
        found = part("images").pinned(Registry(ecr), {"training": uri, "inference": uri})
    pinned = f"444455556666.dkr.ecr.eu-west-1.amazonaws.com/acme/tabular@{DIGEST}"
    assert found == {"training": pinned, "inference": pinned}


def test_an_image_that_nobody_published_is_named(part: Any) -> None:
    ecr, stub = client("ecr")
    stub.add_client_error("describe_images", "ImageNotFoundException")
    uri = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/acme/tabular:9"
    with stub, pytest.raises(Exception, match=f"{uri} is not in the registry; publish it first"):
        part("images").pinned(Registry(ecr), {"training": uri})


def described(definition: str, role: str) -> dict[str, Any]:
    return {"PipelineArn": ARN, "PipelineDefinition": definition, "RoleArn": role}


def test_a_pipeline_is_created_updated_or_left_alone(part: Any, delivery: dict[str, Any]) -> None:
    execution = part("execution")
    sagemaker, stub = client("sagemaker")
    role = delivery["pipeline"]["role_arn"]
    stub.add_client_error("describe_pipeline", "ResourceNotFound")
    stub.add_response("create_pipeline", {"PipelineArn": ARN})
    stub.add_response("describe_pipeline", described("{}", role))
    stub.add_response("describe_pipeline", described("{}", role))
    stub.add_response("update_pipeline", {"PipelineArn": ARN})
    stub.add_response("add_tags", {"Tags": []})
    with stub:
        assert execution.upsert(sagemaker, delivery, "{}") == "created"
        assert execution.upsert(sagemaker, delivery, "{}") == "unchanged"
        assert execution.upsert(sagemaker, delivery, '{"a":1}') == "updated"
    stub.assert_no_pending_responses()


STEPS = {
    "PipelineExecutionSteps": [
        {
            "StepName": "Train",
            "StepStatus": "Failed",
            "FailureReason": "AlgorithmError: exit code 1",
            "Metadata": {
                "TrainingJob": {
                    "Arn": "arn:aws:sagemaker:eu-west-1:111122223333:training-job/pipelines-x-Train"
                }
            },
        },
        {"StepName": "Prepare", "StepStatus": "Succeeded", "CacheHitResult": {}},
    ]
}


def test_each_step_is_told_once_with_its_status(part: Any) -> None:
    sagemaker, stub = client("sagemaker")
    stub.add_response("describe_pipeline_execution", {"PipelineExecutionStatus": "Failed"})
    stub.add_response("list_pipeline_execution_steps", STEPS)
    told: list[str] = []
    with stub:
        assert part("execution").follow(sagemaker, RUN, told.append, 60) == "Failed"
    assert [line.split(" s  ")[1].split() for line in told] == [
        ["Prepare", "Succeeded", "(cached)"],
        ["Train", "Failed"],
    ]


def test_a_failed_step_is_told_with_its_reason_and_the_end_of_its_log(part: Any) -> None:
    sagemaker, stub = client("sagemaker")
    logs, log_stub = client("logs")
    stub.add_response("list_pipeline_execution_steps", STEPS)
    log_stub.add_response(
        "describe_log_streams",
        {"logStreams": [{"logStreamName": "pipelines-x-Train/algo-1"}]},
        {
            "logGroupName": "/aws/sagemaker/TrainingJobs",
            "logStreamNamePrefix": "pipelines-x-Train/",
        },
    )
    log_stub.add_response("get_log_events", {"events": [{"message": "error: no CSV file\n"}]})
    with stub, log_stub:
        lines = part("execution").reasons(sagemaker, logs, RUN)
    assert lines == ["Train: AlgorithmError: exit code 1", "    error: no CSV file"]


@pytest.mark.parametrize(
    ("reason", "meaning"),
    [
        ("AlgorithmError: , exit code: 137", "it ran out of memory"),
        ("ClientError: the job was stopped: MaxRuntimeExceeded", "training.max_runtime_minutes"),
    ],
)
def test_a_reason_that_says_little_is_explained(part: Any, reason: str, meaning: str) -> None:
    sagemaker, stub = client("sagemaker")
    step = {"StepName": "Train", "StepStatus": "Failed", "FailureReason": reason}
    stub.add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": [step]})
    with stub:
        first, second = part("execution").reasons(sagemaker, None, RUN)

    assert first == f"Train: {reason}"
    assert meaning in second
