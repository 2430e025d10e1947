"""EventBridge's operations that moto does not serve as AWS does."""

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute.events import bus, pattern
from mlzone_cloud.compute.events.bus import event_bridge, made
from mlzone_cloud.compute.events.targets import needs_role
from mlzone_cloud.compute.schedule_expression import check
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, operation

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_MOST_ENTRIES = 10
_LARGEST = 1024 * 1024
_REQUIRED = ("Source", "DetailType", "Detail")


@operation("events", "PutEvents", exclusive=False)
def put_events(call: Call) -> dict[str, Any]:
    """Put events onto buses, also those of other accounts."""
    entries = call.params["Entries"]
    if len(entries) > _MOST_ENTRIES:
        raise ApiError(
            "ValidationException",
            "1 validation error detected: Value at 'entries' failed to satisfy constraint: "
            "Member must have length less than or equal to 10",
        )
    results = []
    for entry in entries:
        try:
            results.append({"EventId": _put(call, entry)})
        except ApiError as error:
            results.append({"ErrorCode": error.code, "ErrorMessage": error.message})
    failed = sum("ErrorCode" in result for result in results)
    return {"FailedEntryCount": failed, "Entries": results}


def _put(call: Call, entry: dict[str, Any]) -> str:
    detail = _detail(call, entry)
    region, account, name = _bus_of(call, entry)
    buses = event_bridge(call.cloud)
    if not buses.bus_exists(account, region, name):
        # AWS accepts the event and drops it.
        return str(uuid.uuid4())
    event = made(
        event_id=str(uuid.uuid4()),
        source=entry["Source"],
        detail_type=entry["DetailType"],
        detail=detail,
        account=call.caller.account if call.caller else call.account,
        region=region,
        time=_moment(call, entry.get("Time")),
        resources=list(entry.get("Resources") or ()),
    )
    buses.route(account, region, name, event)
    return str(event["id"])


def _detail(call: Call, entry: dict[str, Any]) -> dict[str, Any]:
    for name in _REQUIRED:
        if not entry.get(name):
            raise ApiError(
                "InvalidArgument",
                f"Parameter {name} is not valid. Reason: {name} is a required argument.",
            )
    if entry["Source"].startswith("aws.") and not call.internal:
        raise ApiError("NotAuthorizedForSource", "Not authorized for the source.")
    if len(json.dumps(entry, default=str)) > _LARGEST:
        raise ApiError("InvalidArgument", "Total size of the entries in the request is over limit.")
    try:
        detail = json.loads(entry["Detail"])
    except ValueError as error:
        raise ApiError("MalformedDetail", "Detail is malformed.") from error
    if not isinstance(detail, dict):
        raise ApiError("MalformedDetail", "Detail is malformed.")
    return detail


def _bus_of(call: Call, entry: dict[str, Any]) -> tuple[str, str, str]:
    name = str(entry.get("EventBusName") or "default")
    if not name.startswith("arn:"):
        return call.region, call.account, name
    _, _, _, region, account, rest = name.split(":", 5)
    return region, account, rest.removeprefix("event-bus/")


def _moment(call: Call, given: Any) -> datetime:
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    if isinstance(given, int | float):
        return datetime.fromtimestamp(given, UTC)
    if isinstance(given, str):
        return datetime.fromisoformat(given).astimezone(UTC)
    return call.cloud.clock.now()


@operation("events", "PutRule")
def put_rule(call: Call) -> dict[str, Any]:
    """Make or change a rule, if its pattern or schedule can be understood."""
    if text := call.params.get("EventPattern"):
        _pattern(text)
    if expression := call.params.get("ScheduleExpression"):
        try:
            check(expression, allow_at=False)
        except ValueError as error:
            raise ApiError(
                "ValidationException", "Parameter ScheduleExpression is not valid."
            ) from error
    return call.forward()


@operation("events", "PutTargets")
def put_targets(call: Call) -> dict[str, Any]:
    """Add targets; some need a role."""
    for target in call.params["Targets"]:
        if needs_role(target["Arn"]) and not target.get("RoleArn"):
            raise ApiError(
                "ValidationException", f"RoleArn is required for target {target['Arn']}."
            )
    return call.forward()


@operation("events", "CreateArchive")
def create_archive(call: Call) -> dict[str, Any]:
    """Make an archive, which stays empty here."""
    call.cloud.gap("event archives")
    return call.forward()


@operation("events", "TestEventPattern")
def test_event_pattern(call: Call) -> dict[str, Any]:
    """Tell whether a pattern wants an event."""
    wanted = _pattern(call.params["EventPattern"])
    try:
        event = json.loads(call.params["Event"])
    except ValueError as error:
        raise ApiError("ValidationException", "Parameter Event is not valid.") from error
    return {"Result": pattern.matches(wanted, event)}


def _pattern(text: str) -> dict[str, Any]:
    try:
        return pattern.parse(text)
    except pattern.PatternError as error:
        raise ApiError(
            "InvalidEventPatternException", f"Event pattern is not valid. Reason: {error}"
        ) from error


def install(cloud: "Cloud") -> None:
    """Make ready to route events."""
    bus.install(cloud)
