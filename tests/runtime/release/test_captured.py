"""What a trial reads of the requests that an endpoint has captured."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlzone_cloud.cloud import Cloud
from mlzone_runtime.release.captured import CapturedRequests
from mlzone_runtime.tabular_schema import Feature

from .conftest import REGION, STAGING

BEGAN = datetime.now(UTC)


class Endpoint:
    """An endpoint's captures, and whoever reads them."""

    def __init__(self, s3: Any) -> None:
        self.s3, self.files = s3, 0
        s3.create_bucket(Bucket="unit", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.requests = CapturedRequests(
            s3=s3,
            uri="s3://unit/requests/credit",
            since=BEGAN,
            features=(Feature(name="amount", kind="number"),),
        )

    def capture(self, amount: int, *, after: float = 5, variant: str = "AllTraffic") -> None:
        """Write a file with one request, asked so many seconds after the trial began."""
        moment = BEGAN + timedelta(seconds=after)
        record = {
            "captureData": {
                "endpointInput": {"data": f"{amount}", "observedContentType": "text/csv"},
                "endpointOutput": {"data": "0.5", "observedContentType": "text/csv"},
            },
            "eventMetadata": {
                "eventId": f"{self.files}",
                "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            },
        }
        self.files += 1
        self.s3.put_object(
            Bucket="unit",
            Key=f"requests/credit/{variant}/{moment:%Y/%m/%d/%H/%M-%S}-{self.files:03}.jsonl",
            Body=json.dumps(record).encode(),
        )

    def asked(self, variant: str = "AllTraffic") -> list[Any]:
        """Return what is new of a variant."""
        return [row for record in self.requests.new(variant) for row in record.rows]


@pytest.fixture
def endpoint(cloud: Cloud) -> Endpoint:
    return Endpoint(cloud.client("s3", account=STAGING))


def test_each_request_is_read_once(endpoint):
    endpoint.capture(1)
    endpoint.capture(7, variant="Challenger")
    assert endpoint.asked() == [["1"]]

    endpoint.capture(2)
    assert endpoint.asked() == [["2"]]
    assert endpoint.asked("Challenger") == [["7"]]


def test_what_was_asked_before_the_trial_is_left_out(endpoint):
    endpoint.capture(1, after=-30)
    endpoint.capture(2, after=0)
    endpoint.capture(3, after=1)

    assert endpoint.asked() == [["3"]]


def test_an_endpoint_that_writes_as_fast_as_it_is_read_is_read_to_an_end(endpoint):
    endpoint.s3.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 1}
    )
    endpoint.capture(0)
    endpoint.capture(1)
    seen = []
    for record in endpoint.requests.new("AllTraffic"):
        seen += record.rows
        endpoint.capture(endpoint.files)
        assert endpoint.files < 6, "it reads on for ever"

    assert seen == [["0"], ["1"]]
    assert endpoint.asked() == [["2"], ["3"]]
