"""A release is validated only if its endpoint does all that callers were promised."""

import io
import json

import pytest
from botocore.exceptions import ClientError

from mlzone_runtime.release.verify import (
    ServiceLevel,
    VerificationError,
    Verifier,
    percentile,
)

LEVEL = ServiceLevel(p95_latency_ms=10_000, error_rate_percent=10)


class Endpoint:
    """An endpoint that behaves; tests make it misbehave."""

    def __init__(self, release) -> None:
        self.release = release
        self.status = "InService"
        self.config = f"aur-retail-credit-staging-1234-{release.release}"
        self.probability = 0.25
        self.json_probability = 0.25
        self.refusal = "amount: expected a number"
        self.refusal_status = 400
        self.failing = 0
        self.attributes: set[str] = set()

    def describe_endpoint(self, **_):
        return {"EndpointStatus": self.status, "EndpointConfigName": self.config}

    def invoke_endpoint(self, **request):
        self.attributes.add(request["CustomAttributes"])
        body = request["Body"].decode()
        if request["ContentType"] == "text/csv":
            rows = body.splitlines()
            if len(rows) == 1 and self.failing:
                self.failing -= 1
                raise self.error(500, "out of memory")
            answer = "\n".join(str(self.probability) for _ in rows)
        else:
            instances = json.loads(body)["instances"]
            if any(isinstance(item["amount"], str) for item in instances):
                if not self.refusal:
                    instances = instances[:1]
                else:
                    raise self.error(self.refusal_status, self.refusal)
            prediction = {"probability": self.json_probability, "decision": "accept"}
            answer = json.dumps({"predictions": [prediction for _ in instances]})
        return {"Body": io.BytesIO(answer.encode())}

    @staticmethod
    def error(status: int, message: str) -> ClientError:
        answer = {
            "Error": {"Code": "ModelError", "Message": message},
            "OriginalStatusCode": status,
            "OriginalMessage": message,
        }
        return ClientError(answer, "InvokeEndpoint")


@pytest.fixture
def endpoint(release) -> Endpoint:
    return Endpoint(release)


@pytest.fixture
def verify(endpoint, release):
    verifier = Verifier(
        endpoint="aur-retail-credit-staging",
        release=release,
        sagemaker=endpoint,
        runtime=endpoint,
        talk=lambda _: None,
    )
    return lambda level=LEVEL: verifier.verify(level, requests=20)


def test_an_endpoint_that_keeps_its_promises_is_valid(verify):
    measured = verify()

    assert measured.error_rate_percent == 0
    assert measured.facts(LEVEL)["requests"] == 20


def test_the_requests_can_be_told_from_real_ones(verify, endpoint):
    verify()

    assert endpoint.attributes == {"mlzone-smoke-test"}


@pytest.mark.parametrize(
    ("fault", "value", "message"),
    [
        ("status", "Updating", "is Updating"),
        ("config", "aur-retail-credit-staging-1234-v2-000000", "not release v3-abcdef"),
        ("probability", 1.5, "an answer is 1.5, not a probability"),
        ("probability", "NaN", "not a probability"),
        ("probability", "error", "an answer is 'error', not a probability"),
        ("json_probability", 0.75, "row 1 gets 0.25 as CSV and 0.75 as JSON"),
        ("refusal", "", "a wrong value of amount is answered as if it were right"),
        ("refusal", "something is wrong", "does not name amount"),
        ("refusal_status", 500, "answered with 500, not 400"),
        ("failing", 5, "25.00 % of 20 requests failed"),
    ],
)
def test_an_endpoint_that_breaks_a_promise_is_not(verify, endpoint, fault, value, message):
    setattr(endpoint, fault, value)

    with pytest.raises(VerificationError, match=message):
        verify()


def test_a_few_failures_are_within_the_service_level(verify, endpoint):
    endpoint.failing = 2

    assert verify().error_rate_percent == 10


def test_slow_answers_break_the_service_level(verify):
    with pytest.raises(VerificationError, match="the service level allows 0 ms"):
        verify(ServiceLevel(p95_latency_ms=0, error_rate_percent=10))


def test_the_percentile_is_a_value_that_was_measured():
    assert percentile([float(value) for value in range(1, 101)], 95) == 95
    assert percentile([7.0], 95) == 7.0
