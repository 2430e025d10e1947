"""Data that land are masked, refused, or gone already; the platform is told."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mlzone_runtime.handlers.data_inspector import Settings, inspect
from mlzone_runtime.handlers.platform_event import EventError, ModelScope

BUCKET = "aur-retail-credit-data-111111111111"
SETTINGS = Settings(
    scope=ModelScope(unit="retail", team="credit", model="all-models", environment="dev"),
    zones=("loans", "people"),
    bus_arn="arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform",
)


class Bus:
    """A bus that hears, or is full."""

    def __init__(self, *, full: bool = False) -> None:
        self.heard: list[dict[str, Any]] = []
        self.full = full

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.heard += [{**entry, "Detail": json.loads(entry["Detail"])} for entry in Entries]
        return {"FailedEntryCount": int(self.full), "Entries": [{"ErrorCode": "Full"}]}


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def landed(s3: Any, key: str, body: bytes = b"id,nome\n1,Ana\n") -> dict[str, Any]:
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return {"detail": {"bucket": {"name": BUCKET}, "object": {"key": key}}}


def keys(s3: Any) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_file_reaches_its_zone_masked_and_leaves_the_landing(s3: Any):
    bus = Bus()

    inspect(landed(s3, "landing/loans/2026/a.csv"), SETTINGS, s3=s3, events=bus)

    assert keys(s3) == ["loans/2026/a.csv"]
    body = s3.get_object(Bucket=BUCKET, Key="loans/2026/a.csv")["Body"].read()
    assert body == b"id,nome\n1,[name]\n"
    (event,) = bus.heard
    assert event["DetailType"] == "Data Inspected"
    assert event["Detail"]["team"] == "credit"
    assert event["Detail"]["facts"] == {
        "object": f"s3://{BUCKET}/loans/2026/a.csv",
        "zone": "loans",
        "masked": {"name": 1},
        "columns": ["nome"],
    }


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("landing/loans/a.xlsx", "can be looked into"),
        ("landing/cards/a.csv", "put it below landing/loans/, landing/people/"),
        ("landing/a.csv", "in no data zone"),
    ],
)
def test_what_cannot_be_looked_into_stays_and_is_told_of(s3: Any, key: str, reason: str):
    bus = Bus()

    inspect(landed(s3, key), SETTINGS, s3=s3, events=bus)

    assert keys(s3) == [key]
    (event,) = bus.heard
    assert event["DetailType"] == "Data Refused"
    assert reason in event["Detail"]["facts"]["reason"]


def test_an_event_that_comes_twice_does_nothing_more(s3: Any):
    bus = Bus()
    event = landed(s3, "landing/loans/a.csv")

    inspect(event, SETTINGS, s3=s3, events=bus)
    again = inspect(event, SETTINGS, s3=s3, events=bus)

    assert again == {"gone": f"s3://{BUCKET}/landing/loans/a.csv"}
    assert len(bus.heard) == 1


def test_nothing_leaves_the_landing_untold(s3: Any):
    with pytest.raises(EventError):
        inspect(landed(s3, "landing/loans/a.csv"), SETTINGS, s3=s3, events=Bus(full=True))

    assert "landing/loans/a.csv" in keys(s3)
