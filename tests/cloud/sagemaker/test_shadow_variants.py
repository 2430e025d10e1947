"""A shadow variant gets copies of the requests; callers see nothing of it."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.sagemaker.serving import SERVER, Endpoints
from tests.cloud.sagemaker.test_endpoints import DEV, TEXT, TWO_MINUTES, canary, capture
from tests.cloud.waiting import eventually

from mlzone_cloud.sagemaker.capture import flush_captures

SLOW = SERVER.replace("VERSION + b", "time.sleep(1) or VERSION + b")


def shadow(model: str, weight: float = 1.0) -> list[dict[str, Any]]:
    return [
        {
            "VariantName": "shadow",
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weight,
        }
    ]


def with_shadow(endpoints: Endpoints, weight: float = 1.0, code: str = SERVER) -> dict[str, Any]:
    """Serve the model `one` with `two` in its shadow; all is captured."""
    endpoints.model("two", code)
    return endpoints.serve(
        "one",
        ShadowProductionVariants=shadow("two", weight),
        DataCaptureConfig=capture(endpoints.estate.bucket, CaptureContentTypeHeader=TEXT),
    )


def captured(endpoints: Endpoints) -> dict[str, list[tuple[str, str]]]:
    """Return requests and answers by variant."""
    flush_captures(endpoints.estate.cloud, DEV, "sa-east-1", "scoring")
    found: dict[str, list[tuple[str, str]]] = {}
    for key in endpoints.estate.keys("capture/"):
        for line in endpoints.estate.get(key).decode().splitlines():
            data = json.loads(line)["captureData"]
            pair = (data["endpointInput"]["data"], data["endpointOutput"]["data"])
            found.setdefault(key.split("/")[2], []).append(pair)
    return found


def test_a_shadow_is_asked_too_and_answers_nobody(endpoints: Endpoints) -> None:
    found = with_shadow(endpoints)

    answers = [endpoints.ask(f"{number}", Accept="text/csv") for number in range(4)]

    assert answers == [f"one:{number}" for number in range(4)]
    [variant] = found["ShadowProductionVariants"]
    assert (variant["VariantName"], variant["CurrentWeight"]) == ("shadow", 1.0)
    seen = eventually(
        lambda: captured(endpoints),
        lambda seen: len(seen.get("shadow", ())) == 4,
        endpoints.estate.cloud,
    )
    assert sorted(seen["shadow"]) == [(f"{number}", f"two:{number}") for number in range(4)]
    assert sorted(seen["one"]) == [(f"{number}", f"one:{number}") for number in range(4)]


def test_the_weights_say_how_many_requests_are_copied(endpoints: Endpoints) -> None:
    with_shadow(endpoints, weight=0.25)

    for number in range(8):
        endpoints.ask(f"{number}", Accept="text/csv")

    eventually(
        lambda: Counter({name: len(pairs) for name, pairs in captured(endpoints).items()}),
        lambda seen: seen == {"one": 8, "shadow": 2},
        endpoints.estate.cloud,
    )


@pytest.mark.parametrize("code", [SLOW, SERVER.replace("VERSION + b", "os._exit(1) or b")])
def test_a_shadow_that_is_slow_or_ends_disturbs_no_caller(endpoints: Endpoints, code: str) -> None:
    with_shadow(endpoints, code=code)
    began = endpoints.estate.cloud.clock.now()

    answers = {endpoints.ask("x") for _ in range(8)}

    assert answers == {"one:x"}
    assert endpoints.estate.cloud.clock.now() - began < timedelta(seconds=6)


def test_a_shadow_has_metrics_of_its_own(endpoints: Endpoints) -> None:
    with_shadow(endpoints)
    cloud = endpoints.estate.cloud
    began = cloud.clock.now()
    with pytest.raises(ClientError):
        endpoints.ask("broken")
    endpoints.ask("x")

    def total(metric: str) -> float:
        cloud.tick()
        found = cloud.client("cloudwatch", account=DEV).get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[
                {"Name": "EndpointName", "Value": "scoring"},
                {"Name": "VariantName", "Value": "shadow"},
            ],
            StartTime=began.replace(second=0, microsecond=0) - TWO_MINUTES,
            EndTime=began + TWO_MINUTES,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(item["Sum"] for item in found))

    eventually(lambda: total("Invocations"), lambda count: count == 2, cloud)
    assert total("Invocation5XXErrors") == 1


def test_a_configuration_has_one_shadow_of_one_variant(endpoints: Endpoints) -> None:
    for name in ("one", "two"):
        endpoints.model(name)

    with pytest.raises(ClientError, match="one variant in ProductionVariants"):
        endpoints.configuration("both", "one", "two", ShadowProductionVariants=shadow("two"))


def test_traffic_is_shifted_between_the_same_variants_alone(endpoints: Endpoints) -> None:
    endpoints.serve("one")
    endpoints.model("two")
    endpoints.configuration("another", "two")

    with pytest.raises(ClientError, match="the same variant names as the old one: one, not two"):
        endpoints.sagemaker.update_endpoint(
            EndpointName="scoring", EndpointConfigName="another", DeploymentConfig=canary("errors")
        )

    endpoints.sagemaker.update_endpoint(EndpointName="scoring", EndpointConfigName="another")
    assert endpoints.settled()["EndpointConfigName"] == "another"
    assert endpoints.ask("x") == "two:x"
