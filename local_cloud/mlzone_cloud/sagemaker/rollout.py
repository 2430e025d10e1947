"""How an endpoint comes into service, changes its configuration, and goes back if that fails."""

import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.deployment import (
    Deployment,
    Place,
    Plan,
    all_told,
    forget,
    plan_of,
    router_of,
)
from mlzone_cloud.sagemaker.endpoint_description import PENDING, PLAN, announce
from mlzone_cloud.sagemaker.model_server import ModelError
from mlzone_cloud.sagemaker.records import Record
from mlzone_cloud.sagemaker.traffic_shift import RolledBackError, shift

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

NOUN = "Endpoint"
_LONGEST_REASON = 1024


class _AbandonedError(Exception):
    """The endpoint is being deleted, or the cloud stops."""


def create(cloud: "Cloud", place: Place, record: Record) -> None:
    """Bring an endpoint into service, in the background."""
    _spawn(cloud, place, record, _create)


def update(cloud: "Cloud", place: Place, record: Record) -> None:
    """Change an endpoint to its pending configuration, in the background."""
    _spawn(cloud, place, record, _update)


def delete(cloud: "Cloud", place: Place, record: Record) -> None:
    """Take an endpoint out of service, in the background."""
    _spawn(cloud, place, record, _delete)


def _create(cloud: "Cloud", place: Place, record: Record) -> None:
    configuration = record[PENDING]["config"]
    try:
        plan = plan_of(cloud, place, configuration)
        deployment = Deployment(cloud, place, plan)
        deployment.start()
    except ModelError as error:
        if not _abandoned(cloud, record):
            _fail(cloud, place, record, str(error))
        return
    with cloud.lock:
        gone = _abandoned(cloud, record)
        if not gone:
            router_of(cloud, place).switch(deployment)
            record.pop(PENDING, None)
            _change(cloud, record, EndpointStatus="InService", **{PLAN: plan})
    if gone:
        deployment.stop()
    else:
        announce(cloud, place, record)


def _update(cloud: "Cloud", place: Place, record: Record) -> None:
    pending = record[PENDING]
    incoming: Deployment | None = None
    before: Deployment | None = None
    try:
        plan = _retained(plan_of(cloud, place, pending["config"]), record.get(PLAN), pending)
        record[PENDING] = pending = {**pending, "plan": plan}
        incoming = Deployment(cloud, place, plan)
        incoming.start()
        before = shift(
            cloud,
            place,
            incoming,
            pending.get("deployment") or {},
            lambda: _raise_if_abandoned(cloud, record),
        )
        with cloud.lock:
            _raise_if_abandoned(cloud, record)
            record.pop(PENDING, None)
            record.pop("FailureReason", None)
            _change(
                cloud,
                record,
                EndpointStatus="InService",
                EndpointConfigName=plan["config"],
                **{PLAN: plan},
            )
    except (ModelError, RolledBackError) as error:
        if not _abandoned(cloud, record):
            _go_back(cloud, place, record, incoming, str(error))
        return
    except _AbandonedError:
        if incoming:
            incoming.stop()
        return
    except BaseException:
        # What nobody expected is told by the thread's end; it leaves no servers behind.
        if incoming:
            incoming.stop()
        raise
    announce(cloud, place, record)
    if before:
        before.drain()
        before.stop()


def _go_back(
    cloud: "Cloud", place: Place, record: Record, incoming: Deployment | None, reason: str
) -> None:
    """Stay with what served before."""
    _change(cloud, record, EndpointStatus="RollingBack")
    if incoming:
        incoming.drain()
        incoming.stop()
    _fail(cloud, place, record, reason)


def _delete(cloud: "Cloud", place: Place, record: Record) -> None:
    account, region, name = place
    serving = forget(cloud, place)
    if serving:
        serving.drain()
        serving.stop()
    with cloud.lock:
        kept = records.store(cloud, NOUN, account, region)
        if kept.get(name) is record:
            del kept[name]
    cloud.changed()


def _retained(plan: Plan, current: Plan | None, pending: dict[str, Any]) -> Plan:
    """Keep what an update shall keep of the variants' weights and sizes."""
    if not pending.get("retain") or current is None:
        return plan
    excluded = set(pending.get("excluded") or ())
    before = {told["name"]: told for told in all_told(current)}
    for told in all_told(plan):
        old = before.get(told["name"])
        if old and "DesiredWeight" not in excluded:
            told["weight"] = old["weight"]
        if old and "DesiredInstanceCount" not in excluded:
            told["instances"] = old["instances"]
    if "DataCaptureConfig" not in excluded:
        plan["capture"] = current["capture"]
    return plan


def _change(cloud: "Cloud", record: Record, **fields: Any) -> None:
    if "FailureReason" in fields:
        fields["FailureReason"] = fields["FailureReason"][:_LONGEST_REASON]
    with cloud.lock:
        record.update(fields, LastModifiedTime=cloud.clock.now())
    cloud.changed()


def _abandoned(cloud: "Cloud", record: Record) -> bool:
    return cloud.stopping or record["EndpointStatus"] == "Deleting"


def _raise_if_abandoned(cloud: "Cloud", record: Record) -> None:
    if _abandoned(cloud, record):
        raise _AbandonedError


def _spawn(
    cloud: "Cloud", place: Place, record: Record, work: Callable[["Cloud", Place, Record], None]
) -> None:
    def guarded() -> None:
        try:
            work(cloud, place, record)
        except Exception as error:  # noqa: BLE001 - the thread's end is the last to see it
            if not cloud.stopping:
                text = "".join(traceback.format_exception(error)[-3:])
                cloud.record_error(f"an endpoint could not be changed: {text}")
                _fail(cloud, place, record, f"InternalServerError: {error!r}")
        finally:
            cloud.background -= 1

    cloud.background += 1
    threading.Thread(target=guarded, name="endpoint", daemon=True).start()


def _fail(cloud: "Cloud", place: Place, record: Record, reason: str) -> None:
    """End a change that went wrong: what never served has failed, all else serves on."""
    record.pop(PENDING, None)
    status = "InService" if PLAN in record else "Failed"
    _change(cloud, record, EndpointStatus=status, FailureReason=reason)
    announce(cloud, place, record)
