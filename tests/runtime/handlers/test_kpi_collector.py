"""The KPI store: each event of the platform's bus is kept once, in order for each model."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mlzone_runtime.handlers.kpi_collector import MalformedEventError, collect

TABLE = "kpi"
EVENT = {
    "id": "e-1",
    "time": "2026-11-24T11:04:05Z",
    "source": "mlzone.monitoring",
    "detail-type": "Drift Detected",
    "detail": {
        "schema": "1",
        "unit": "retail",
        "team": "credit-risk",
        "model": "credit-default",
        "environment": "prod",
        "actor": "monitor",
        "release": "v3-1f0c2a",
        "facts": {"violations": 2, "prediction_shift": 0.1, "features": ["amount"]},
    },
}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("model", "event")
            ],
            KeySchema=[
                {"AttributeName": "model", "KeyType": "HASH"},
                {"AttributeName": "event", "KeyType": "RANGE"},
            ],
        )
        yield client


def history() -> list[dict[str, Any]]:
    table = boto3.resource("dynamodb", region_name="us-east-1").Table(TABLE)
    return list(
        table.query(
            KeyConditionExpression="model = :model",
            ExpressionAttributeValues={":model": "retail/credit-default"},
        )["Items"]
    )


def test_an_event_is_kept_with_its_facts(dynamodb):
    collect(EVENT, TABLE, dynamodb=dynamodb)

    assert history() == [
        {
            "model": "retail/credit-default",
            "event": "2026-11-24T11:04:05Z#e-1",
            "kind": "Drift Detected",
            "source": "mlzone.monitoring",
            "time": "2026-11-24T11:04:05Z",
            "unit": "retail",
            "team": "credit-risk",
            "environment": "prod",
            "actor": "monitor",
            "release": "v3-1f0c2a",
            "facts": {
                "violations": Decimal(2),
                "prediction_shift": Decimal("0.1"),
                "features": ["amount"],
            },
        }
    ]


def test_an_event_that_comes_twice_is_kept_once(dynamodb):
    first = collect(EVENT, TABLE, dynamodb=dynamodb)
    second = collect(EVENT, TABLE, dynamodb=dynamodb)

    assert (first["new"], second["new"]) == (True, False)
    assert len(history()) == 1


def test_a_models_history_reads_in_order(dynamodb):
    later = {**EVENT, "id": "e-0", "time": "2026-11-24T12:00:00Z", "detail-type": "Build Started"}
    for event in (later, EVENT):
        collect(event, TABLE, dynamodb=dynamodb)

    assert [item["kind"] for item in history()] == ["Drift Detected", "Build Started"]


def test_an_event_of_nobody_is_an_error(dynamodb):
    event = {**EVENT, "detail": {**EVENT["detail"], "model": "", "team": None}}

    with pytest.raises(MalformedEventError, match=r"Drift Detected.* lacks team, model"):
        collect(event, TABLE, dynamodb=dynamodb)
