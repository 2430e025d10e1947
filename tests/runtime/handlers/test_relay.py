"""The relay: an event reaches the account that acts on it, if it comes from where it may."""

import json
from typing import Any

import pytest

from mlzone_runtime.handlers.platform_event import SOURCES, EventError
from mlzone_runtime.handlers.relay import ROUTES, RelayRefusedError, buses_of, relay

ACCOUNTS = {
    "retail": {"dev": "111111111111", "staging": "111111111112", "prod": "111111111113"},
    "insurance": {"dev": "222222222221", "staging": "222222222222", "prod": "222222222223"},
}
REGIONS = {"dev": "sa-east-1", "staging": "sa-east-1", "prod": "us-east-1"}
BUSES = buses_of(
    {
        unit: {stage: f"{REGIONS[stage]}:{account}" for stage, account in accounts.items()}
        for unit, accounts in ACCOUNTS.items()
    },
    "aws",
)
VALIDATED, REQUESTED = "Release Validated", "Retraining Requested"


class Buses:
    """The event buses of all Regions; says where each event was put."""

    def __init__(self, *, takes: bool = True) -> None:
        self.takes = takes
        self.heard: list[tuple[str, dict[str, Any]]] = []

    def client_in(self, region: str) -> "Client":
        return Client(self, region)


class Client:
    def __init__(self, buses: Buses, region: str) -> None:
        self.buses, self.region = buses, region

    def put_events(self, **request: Any) -> dict[str, Any]:
        if not self.buses.takes:
            failed = {"ErrorCode": "ThrottlingException", "ErrorMessage": "later"}
            return {"FailedEntryCount": 1, "Entries": [failed]}
        self.buses.heard += [(self.region, entry) for entry in request["Entries"]]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "new"}]}


@pytest.fixture
def buses() -> Buses:
    return Buses()


def told(kind: str, unit: str, stage: str, account: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": "e-1",
        "time": "2026-11-24T11:04:05Z",
        "source": SOURCES[kind],
        "detail-type": kind,
        "account": account or ACCOUNTS[unit][stage],
        "region": "sa-east-1",
        "detail": {
            "schema": "1",
            "unit": unit,
            "model": "credit",
            "environment": stage,
            "model_package_arn": "arn:aws:sagemaker:…/3",
            "facts": {"p95_ms": 12.5, "reason": "é"},
        },
        **more,
    }


@pytest.mark.parametrize(
    ("kind", "origin", "target"), [(VALIDATED, "staging", "prod"), (REQUESTED, "prod", "dev")]
)
@pytest.mark.parametrize("unit", ACCOUNTS)
def test_MOD_01_an_event_reaches_the_environment_that_acts_on_it(buses, kind, origin, target, unit):
    answer = relay(told(kind, unit, origin), BUSES, client_in=buses.client_in)

    ((region, entry),) = buses.heard
    assert entry["EventBusName"] == answer["bus"] == BUSES[unit][target]
    assert region == REGIONS[target]


def test_the_buses_are_the_default_ones_of_the_units_accounts():
    assert BUSES["retail"]["prod"] == "arn:aws:events:us-east-1:111111111113:event-bus/default"


def test_what_an_event_says_stays_as_it_is(buses):
    event = told(VALIDATED, "retail", "staging")

    relay(event, BUSES, client_in=buses.client_in)

    ((_, entry),) = buses.heard
    assert json.loads(entry["Detail"]) == event["detail"]
    assert (entry["Source"], entry["DetailType"]) == ("mlzone.delivery", VALIDATED)
    assert entry["Time"].isoformat() == "2026-11-24T11:04:05+00:00"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        pytest.param(
            told(VALIDATED, "retail", "staging", ACCOUNTS["retail"]["dev"]),
            "only staging in account 111111111112 can tell of it",
            id="another environment of the unit",
        ),
        pytest.param(
            told(VALIDATED, "retail", "staging", ACCOUNTS["insurance"]["staging"]),
            "only staging in account 111111111112 can tell of it",
            id="another unit",
        ),
        pytest.param(
            told(VALIDATED, "retail", "prod"), "comes from prod", id="production of itself"
        ),
        pytest.param(
            told(REQUESTED, "retail", "staging"), "only prod in account", id="drift in staging"
        ),
        pytest.param(
            told(VALIDATED, "pensions", "staging", "333333333332"),
            "of no known unit: pensions",
            id="no unit of ours",
        ),
        pytest.param(
            told(VALIDATED, "retail", "staging", source="mlzone.monitoring"),
            "of mlzone.monitoring is nothing to pass on",
            id="another part of the platform",
        ),
        pytest.param(
            told("Drift Detected", "retail", "prod"), "nothing to pass on", id="another kind"
        ),
    ],
)
def test_MOD_01_an_event_from_where_it_cannot_come_from_goes_nowhere(buses, event, reason):
    with pytest.raises(RelayRefusedError, match=reason):
        relay(event, BUSES, client_in=buses.client_in)

    assert buses.heard == []


def test_an_event_that_the_bus_does_not_take_is_an_error():
    event = told(REQUESTED, "retail", "prod")

    with pytest.raises(EventError, match="did not take event e-1: ThrottlingException: later"):
        relay(event, BUSES, client_in=Buses(takes=False).client_in)


def test_what_is_passed_on_are_events_that_the_platform_makes():
    assert set(ROUTES) <= set(SOURCES)
