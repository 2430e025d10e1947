"""The evidence vault: each event is recorded once, and names the record before it."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mlzone_cloud.moto_patches import conditional_writes
from mlzone_runtime import evidence
from mlzone_runtime.handlers.evidence_recorder import record

VAULT = "vault"


def event(name: str, kind: str = "Model Registered", **detail: Any) -> dict[str, Any]:
    return {
        "id": name,
        "time": "2026-11-24T11:04:05Z",
        "source": "mlzone.registry",
        "detail-type": kind,
        "detail": {
            "schema": "1",
            "unit": "retail",
            "team": "credit-risk",
            "model": "credit-default",
            "environment": "dev",
            "actor": "ana.souza",
            "facts": {"data_hash": "ab" * 32, "ks": 0.41},
            **detail,
        },
    }


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=VAULT, ObjectLockEnabledForBucket=True)
        yield client


def records(s3: Any) -> list[dict[str, Any]]:
    listed = s3.list_objects_v2(Bucket=VAULT).get("Contents", [])
    bodies = [s3.get_object(Bucket=VAULT, Key=item["Key"])["Body"].read() for item in listed]
    return [json.loads(body) for body in bodies]


def test_the_first_record_says_what_happened_and_stands_alone(s3):
    answer = record(event("e-1"), VAULT, s3=s3)

    assert answer == {"key": "retail/credit-default/00000001.json", "new": True}
    assert records(s3) == [
        {
            "schema": "1",
            "chain": "retail/credit-default",
            "number": 1,
            "previous": "0" * 64,
            "event": "e-1",
            "kind": "Model Registered",
            "source": "mlzone.registry",
            "time": "2026-11-24T11:04:05Z",
            "team": "credit-risk",
            "environment": "dev",
            "actor": "ana.souza",
            "facts": {"data_hash": "ab" * 32, "ks": 0.41},
        }
    ]


def test_every_further_record_names_the_one_before(s3):
    for number in range(3):
        record(event(f"e-{number}"), VAULT, s3=s3)

    first, second, third = records(s3)
    assert second["previous"] == evidence.digest(evidence.canonical(first))
    assert third["previous"] == evidence.digest(evidence.canonical(second))


def test_an_event_that_comes_twice_is_recorded_once(s3):
    record(event("e-1"), VAULT, s3=s3)
    record(event("e-2"), VAULT, s3=s3)

    again = record(event("e-1"), VAULT, s3=s3)

    assert again == {"key": "retail/credit-default/00000001.json", "new": False}
    assert len(records(s3)) == 2


def test_models_have_chains_of_their_own_and_what_concerns_none_is_the_platforms(s3):
    record(event("e-1"), VAULT, s3=s3)
    record(event("e-2", model="churn"), VAULT, s3=s3)
    record(event("e-3", kind="Glass Broken", model=""), VAULT, s3=s3)

    assert {(item["chain"], item["number"], item["previous"]) for item in records(s3)} == {
        ("retail/credit-default", 1, evidence.GENESIS),
        ("retail/churn", 1, evidence.GENESIS),
        ("platform", 1, evidence.GENESIS),
    }


def test_many_at_once_make_one_chain(s3):
    conditional_writes.apply()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: record(event(f"e-{n}"), VAULT, s3=s3), range(12)))

    found = records(s3)
    assert [item["number"] for item in found] == list(range(1, 13))
    assert len({item["event"] for item in found}) == 12
    for before, after in pairwise(found):
        assert after["previous"] == evidence.digest(evidence.canonical(before))
