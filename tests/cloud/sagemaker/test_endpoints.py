"""Endpoints are served by real processes."""

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.conftest import small_seed
from tests.cloud.sagemaker.serving import SERVER, Endpoints, packed
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.sagemaker.capture import flush_captures
from mlzone_cloud.seed import plant
from mlzone_cloud.state import Keeper, forget_everything

DEV = "111111111111"
TWO_MINUTES = timedelta(minutes=2)


def capture(bucket: str, percentage: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": percentage,
        "DestinationS3Uri": f"s3://{bucket}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        **more,
    }


TEXT = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}


@pytest.mark.parametrize("namespaces", ["on", "off"])
def test_an_endpoint_answers(
    endpoints: Endpoints, namespaces: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLZONE_CLOUD_NAMESPACES", namespaces)

    found = endpoints.serve("one")

    assert found["EndpointStatus"] == "InService", found.get("FailureReason")
    [variant] = found["ProductionVariants"]
    assert variant["VariantName"] == "one"
    assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (2, 1.0)
    assert "@sha256:" in variant["DeployedImages"][0]["ResolvedImage"]
    assert endpoints.ask("5,6", Accept="text/csv") == "one:5,6"


def test_a_model_that_refuses_or_fails_says_so(endpoints: Endpoints) -> None:
    endpoints.serve("one")

    with pytest.raises(ClientError) as refusal:
        endpoints.ask("bad")
    with pytest.raises(ClientError) as failure:
        endpoints.ask("broken")

    assert refusal.value.response["Error"]["Code"] == "ModelError"
    assert refusal.value.response["OriginalStatusCode"] == 400
    assert "income is missing" in refusal.value.response["OriginalMessage"]
    assert failure.value.response["OriginalStatusCode"] == 500
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424


def test_an_unknown_endpoint_is_not_found(endpoints: Endpoints) -> None:
    with pytest.raises(ClientError) as refusal:
        endpoints.ask(name="nobody")

    assert refusal.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": f"Endpoint nobody of account {DEV} not found.",
    }


def test_a_server_that_does_not_answer_fails_the_endpoint(endpoints: Endpoints) -> None:
    endpoints.model("ending", "raise SystemExit('no such column')")
    endpoints.configuration("ending", "ending")
    endpoints.sagemaker.create_endpoint(EndpointName="scoring", EndpointConfigName="ending")

    found = endpoints.settled()

    assert found["EndpointStatus"] == "Failed"
    assert "production variant ending did not pass the ping health check" in found["FailureReason"]
    assert "no such column" in found["FailureReason"]
    with pytest.raises(ClientError, match="Cannot update failed endpoint"):
        endpoints.sagemaker.update_endpoint(EndpointName="scoring", EndpointConfigName="ending")


def test_an_image_that_does_not_exist_fails_the_endpoint(endpoints: Endpoints) -> None:
    endpoints.estate.image = endpoints.estate.image.replace(":1", ":2")

    found = endpoints.serve("one")

    assert found["EndpointStatus"] == "Failed"
    assert "image not found" in found["FailureReason"]


def test_variants_share_the_traffic_by_weight(endpoints: Endpoints) -> None:
    endpoints.serve("one", "two")
    endpoints.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="scoring",
        DesiredWeightsAndCapacities=[
            {"VariantName": "one", "DesiredWeight": 3, "DesiredInstanceCount": 5}
        ],
    )

    answers = [endpoints.ask("x") for _ in range(8)]

    assert (answers.count("one:x"), answers.count("two:x")) == (6, 2)
    assert endpoints.ask("x", TargetVariant="two") == "two:x"
    variants = endpoints.settled()["ProductionVariants"]
    assert [item["DesiredInstanceCount"] for item in variants] == [5, 2]


def test_an_update_loses_no_request(endpoints: Endpoints) -> None:
    endpoints.serve("one")
    endpoints.model("two")
    endpoints.configuration("two", "two")
    answers: list[str] = []
    failures: list[Exception] = []
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            try:
                answers.append(endpoints.ask("x"))
            except Exception as error:  # noqa: BLE001 - any failure is what is looked for
                failures.append(error)

    callers = [threading.Thread(target=load) for _ in range(4)]
    for caller in callers:
        caller.start()
    endpoints.sagemaker.update_endpoint(EndpointName="scoring", EndpointConfigName="two")
    updating = endpoints.sagemaker.describe_endpoint(EndpointName="scoring")
    found = endpoints.settled()
    eventually(lambda: answers[-1], lambda last: last == "two:x", endpoints.estate.cloud)
    done.set()
    for caller in callers:
        caller.join()

    assert (updating["EndpointStatus"], updating["EndpointConfigName"]) == ("Updating", "one")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "two")
    assert failures == []
    assert set(answers) == {"one:x", "two:x"}
    assert endpoints.ask("x") == "two:x"


def test_an_update_that_fails_leaves_what_served(endpoints: Endpoints) -> None:
    endpoints.serve("one")
    endpoints.model("ending", "raise SystemExit('no such column')")
    endpoints.configuration("two", "ending")
    endpoints.sagemaker.update_endpoint(EndpointName="scoring", EndpointConfigName="two")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        endpoints.sagemaker.update_endpoint(EndpointName="scoring", EndpointConfigName="two")

    found = endpoints.settled()

    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "one")
    assert "no such column" in found["FailureReason"]
    assert endpoints.ask("x") == "one:x"


def canary(alarm: str) -> dict[str, Any]:
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 600,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
            },
            "TerminationWaitInSeconds": 300,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }


@pytest.fixture
def alarm(cloud: Cloud) -> str:
    """An alarm that is quiet."""
    cloud.client("cloudwatch", account=DEV).put_metric_alarm(
        AlarmName="errors",
        Namespace="Test",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    return "errors"


def begin_canary(endpoints: Endpoints, alarm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Update an endpoint from one to two; return when the canary answers."""
    monkeypatch.setenv("MLZONE_CLOUD_LONGEST_BAKE", "60")
    endpoints.serve("one")
    endpoints.model("two")
    endpoints.configuration("two", "two", called="one")
    endpoints.sagemaker.update_endpoint(
        EndpointName="scoring", EndpointConfigName="two", DeploymentConfig=canary(alarm)
    )
    eventually(lambda: endpoints.ask("x"), lambda answer: answer == "two:x", endpoints.estate.cloud)


def test_a_canary_takes_its_share_and_then_everything(
    endpoints: Endpoints, alarm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = endpoints.estate.cloud
    begin_canary(endpoints, alarm, monkeypatch)

    answers = [endpoints.ask("x") for _ in range(8)]

    assert answers.count("two:x") == 2
    pending = endpoints.sagemaker.describe_endpoint(EndpointName="scoring")
    assert pending["PendingDeploymentSummary"]["EndpointConfigName"] == "two"

    def advanced() -> str:
        cloud.advance(TWO_MINUTES)
        found: str = endpoints.sagemaker.describe_endpoint(EndpointName="scoring")["EndpointStatus"]
        return found

    eventually(advanced, lambda status: status == "InService", cloud)
    found = endpoints.settled()
    assert found["EndpointConfigName"] == "two"
    assert found["LastDeploymentConfig"] == canary(alarm)
    assert endpoints.ask("x") == "two:x"


def test_an_alarm_sends_the_traffic_back(
    endpoints: Endpoints, alarm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = endpoints.estate.cloud
    begin_canary(endpoints, alarm, monkeypatch)

    cloud.client("cloudwatch", account=DEV).set_alarm_state(
        AlarmName=alarm, StateValue="ALARM", StateReason="test"
    )

    found = endpoints.settled()
    assert found["EndpointConfigName"] == "one"
    assert "are in ALARM state: errors" in found["FailureReason"]
    assert {endpoints.ask("x") for _ in range(4)} == {"one:x"}


def test_a_server_that_ends_is_started_again(endpoints: Endpoints) -> None:
    endpoints.serve("one")
    with pytest.raises(ClientError):
        endpoints.ask("end")

    assert endpoints.ask("x") == "one:x"


def test_an_isolated_model_knows_nothing_of_aws(endpoints: Endpoints) -> None:
    endpoints.model("alone", EnableNetworkIsolation=True)
    endpoints.configuration("alone", "alone")
    endpoints.sagemaker.create_endpoint(EndpointName="scoring", EndpointConfigName="alone")
    endpoints.settled()
    endpoints.serve("one", name="open")

    alone = json.loads(endpoints.ask("environment"))
    other = json.loads(endpoints.ask("environment", name="open"))

    assert not {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"} & set(alone)
    assert other["AWS_ENDPOINT_URL"] == endpoints.estate.cloud.endpoint_url
    assert endpoints.sagemaker.describe_model(ModelName="alone")["EnableNetworkIsolation"] is True


def test_a_deleted_endpoint_is_gone(endpoints: Endpoints) -> None:
    endpoints.serve("one")

    endpoints.sagemaker.delete_endpoint(EndpointName="scoring")

    eventually(
        endpoints.sagemaker.list_endpoints,
        lambda found: found["Endpoints"] == [],
        endpoints.estate.cloud,
    )
    with pytest.raises(ClientError, match="Could not find endpoint"):
        endpoints.sagemaker.describe_endpoint(EndpointName="scoring")
    with pytest.raises(ClientError, match="not found"):
        endpoints.ask()


def test_requests_are_captured_as_model_monitor_reads_them(endpoints: Endpoints) -> None:
    bucket = endpoints.estate.bucket
    settings = capture(bucket, CaptureContentTypeHeader=TEXT)
    found = endpoints.serve("one", DataCaptureConfig=settings)
    endpoints.ask("5,6", InferenceId="loan-7", Accept="application/json")

    flush_captures(endpoints.estate.cloud, DEV, "sa-east-1", "scoring")

    assert found["DataCaptureConfig"]["CaptureStatus"] == "Started"
    [key] = endpoints.estate.keys("capture/")
    now = endpoints.estate.cloud.clock.now()
    assert key.startswith(f"capture/scoring/one/{now:%Y/%m/%d/}")
    assert key.endswith(".jsonl")
    [line] = endpoints.estate.get(key).decode().splitlines()
    record = json.loads(line)
    assert record["captureData"] == {
        "endpointInput": {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": "5,6",
            "encoding": "CSV",
        },
        "endpointOutput": {
            "observedContentType": "application/json",
            "mode": "OUTPUT",
            "data": "one:5,6",
            "encoding": "JSON",
        },
    }
    assert record["eventMetadata"]["inferenceId"] == "loan-7"
    assert record["eventVersion"] == "0"


def test_what_is_not_declared_as_text_is_captured_in_base64(endpoints: Endpoints) -> None:
    endpoints.serve("one", DataCaptureConfig=capture(endpoints.estate.bucket))
    endpoints.ask("5,6")

    flush_captures(endpoints.estate.cloud, DEV, "sa-east-1", "scoring")

    [key] = endpoints.estate.keys("capture/")
    record = json.loads(endpoints.estate.get(key))
    assert record["captureData"]["endpointInput"]["data"] == "NSw2"
    assert record["captureData"]["endpointInput"]["encoding"] == "BASE64"


def test_a_share_of_the_requests_is_captured(endpoints: Endpoints) -> None:
    endpoints.serve("one", DataCaptureConfig=capture(endpoints.estate.bucket, 25))
    for _ in range(8):
        endpoints.ask()

    flush_captures(endpoints.estate.cloud, DEV, "sa-east-1", "scoring")

    [key] = endpoints.estate.keys("capture/")
    assert len(endpoints.estate.get(key).splitlines()) == 2


def test_requests_are_counted_in_cloudwatch(endpoints: Endpoints) -> None:
    endpoints.serve("one")
    cloud: Cloud = endpoints.estate.cloud
    endpoints.ask()
    with pytest.raises(ClientError):
        endpoints.ask("broken")
    began = cloud.clock.now()

    cloud.tick()

    def total(metric: str) -> float:
        dimensions = {"EndpointName": "scoring", "VariantName": "one"}
        found = cloud.client("cloudwatch", account=DEV).get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=began.replace(second=0, microsecond=0) - TWO_MINUTES,
            EndTime=began + TWO_MINUTES,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(item["Sum"] for item in found))

    assert total("Invocations") == 2
    assert total("Invocation5XXErrors") == 1
    assert total("Invocation4XXErrors") == 0
    assert total("ModelLatency") > 0


def test_an_endpoint_serves_on_after_a_restart(endpoints: Endpoints, tmp_path: Path) -> None:
    cloud: Cloud = endpoints.estate.cloud
    endpoints.serve("one")
    keeper = Keeper(cloud)
    keeper.start()
    cloud.stop()
    keeper.stop()
    forget_everything()
    following = Cloud(state_dir=tmp_path)
    Keeper(following).load()
    plant(following, small_seed())
    following.resume()
    runtime = following.client("sagemaker-runtime", account=DEV)

    answer = runtime.invoke_endpoint(EndpointName="scoring", Body=b"x")["Body"].read()

    following.stop()
    assert answer == b"one:x"


def test_events_tell_what_becomes_of_an_endpoint(endpoints: Endpoints) -> None:
    seen = endpoints.estate.watch("SageMaker Endpoint State Change")

    endpoints.serve("one")

    eventually(
        lambda: {item["EndpointStatus"] for item in seen()},
        lambda found: found == {"CREATING", "IN_SERVICE"},
        endpoints.estate.cloud,
    )


def test_artefacts_that_do_not_exist_make_no_model(endpoints: Endpoints) -> None:
    url = f"s3://{endpoints.estate.bucket}/none.tar.gz"

    with pytest.raises(ClientError) as refusal:
        endpoints.sagemaker.create_model(
            ModelName="none",
            PrimaryContainer={"Image": endpoints.estate.image, "ModelDataUrl": url},
            ExecutionRoleArn=endpoints.estate.role,
        )

    assert refusal.value.response["Error"]["Message"] == f"Could not find model data at {url}."


def test_a_version_of_the_registry_says_what_is_served(endpoints: Endpoints) -> None:
    registry = endpoints.sagemaker
    registry.create_model_package_group(ModelPackageGroupName="scoring")
    url = endpoints.estate.put("m/model.tar.gz", packed(SERVER.replace("VERSION", "b'v1'")))
    containers = [{"Image": endpoints.estate.image, "ModelDataUrl": url}]
    arn = registry.create_model_package(
        ModelPackageGroupName="scoring",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": containers,
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    registry.create_model(
        ModelName="version",
        PrimaryContainer={"ModelPackageName": arn},
        ExecutionRoleArn=endpoints.estate.role,
    )
    endpoints.configuration("version", "version")
    registry.create_endpoint(EndpointName="scoring", EndpointConfigName="version")

    found = endpoints.settled()

    assert found["EndpointStatus"] == "InService", found.get("FailureReason")
    assert endpoints.ask("x") == "v1:x"
