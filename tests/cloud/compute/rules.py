"""Rules on buses, for tests of events."""

import json
from typing import Any

from tests.cloud.compute.conftest import (
    DEV,
    REGION,
)

from mlzone_cloud.cloud import Cloud

EVENTS = "events.amazonaws.com"


def bus(account: str, name: str = "default", region: str = REGION) -> str:
    return f"arn:aws:events:{region}:{account}:event-bus/{name}"


def make_rule(
    cloud: Cloud,
    target: dict[str, Any],
    pattern: Any = None,
    account: str = DEV,
    bus_name: str = "default",
    region: str = REGION,
) -> str:
    events = cloud.client("events", account=account, region=region)
    arn: str = events.put_rule(
        Name="r",
        EventPattern=json.dumps(pattern or {"source": ["ours"]}),
        EventBusName=bus_name,
    )["RuleArn"]
    events.put_targets(Rule="r", EventBusName=bus_name, Targets=[{"Id": "1", **target}])
    return arn


def put(cloud: Cloud, account: str = DEV, region: str = REGION, **more: Any) -> Any:
    entry = {"Source": "ours", "DetailType": "Test", "Detail": '{"a": 1}', **more}
    events = cloud.client("events", account=account, region=region)
    return events.put_events(Entries=[entry])["Entries"][0]


def errors(cloud: Cloud) -> str:
    return " ".join(cloud.statistics.errors)
