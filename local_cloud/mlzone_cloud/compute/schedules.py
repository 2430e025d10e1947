"""What happens at set times: rules with a schedule, and EventBridge Scheduler's schedules."""

import json
import uuid
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends
from moto.scheduler.models import scheduler_backends

from mlzone_cloud.authorization.service_trust import trusted_role
from mlzone_cloud.compute.events import targets
from mlzone_cloud.compute.events.bus import event_bridge, made
from mlzone_cloud.compute.schedule_expression import check, next_fire
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, after, operation
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_STORE = "schedules.next"
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Something that fires at set times."""

    arn: str
    expression: str
    timezone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None
    fires_at_once: bool = False
    """Whether a rate fires as soon as it exists, as the scheduler's do."""
    fire: Callable[[datetime], None]
    completed: Callable[[], None] = lambda: None
    """Called when it never fires again."""

    @property
    def fingerprint(self) -> str:
        """Changes with what decides when it fires."""
        return repr((self.expression, self.timezone, self.start, self.end))

    def first(self, now: datetime) -> tuple[datetime | None, datetime]:
        """Return when it fires first, and from when a rate counts."""
        anchor = self.start or now
        if self.fires_at_once or self.start:
            return self.next(anchor - _INSTANT, anchor), anchor
        return self.next(now, anchor), anchor

    def next(self, moment: datetime, anchor: datetime) -> datetime | None:
        """Return when it fires after a moment."""
        if self.start and self.start > moment:
            moment = self.start - _INSTANT
        found = next_fire(self.expression, moment, anchor=anchor, timezone=self.timezone)
        return None if found and self.end and found > self.end else found


class Timetable:
    """When everything in a cloud fires that fires at set times."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        cloud.add_ticker(self._tick, self._next_due)

    def refresh(self, now: datetime) -> list[tuple[_Plan, dict[str, Any]]]:
        """Take new plans in, drop old ones; returns the plans with their entries."""
        store = self._cloud.store(_STORE)
        with tracking.reading(), self._cloud.lock:
            plans = [*self._rules(), *self._schedules()]
        for gone in set(store) - {plan.arn for plan in plans}:
            del store[gone]
        for plan in plans:
            entry = store.get(plan.arn)
            if entry is None or entry["plan"] != plan.fingerprint:
                moment, anchor = plan.first(now)
                store[plan.arn] = {"plan": plan.fingerprint, "next": moment, "anchor": anchor}
        return [(plan, store[plan.arn]) for plan in plans]

    def _next_due(self, _: "Cloud", now: datetime) -> datetime | None:
        moments = [entry["next"] for _, entry in self.refresh(now) if entry["next"]]
        return min((moment for moment in moments if moment > now), default=None)

    def _tick(self, _: "Cloud", now: datetime) -> None:
        for plan, entry in self.refresh(now):
            moment = entry["next"]
            if moment is None or moment > now:
                continue
            # What the cloud has missed while it did not run is made up for once.
            entry["next"] = plan.next(max(now, moment), entry["anchor"])
            plan.fire(moment)
            if entry["next"] is None:
                plan.completed()
            self._cloud.changed()

    # --- rules ------------------------------------------------------------------------------

    def _rules(self) -> Iterator[_Plan]:
        for regions in list(dict.values(events_backends)):
            for backend in list(dict.values(regions)):
                for rule in list(backend.event_buses["default"].rules.values()):
                    if rule.scheduled_expression and rule.state != "DISABLED":
                        yield _Plan(
                            arn=rule.arn,
                            expression=rule.scheduled_expression,
                            fire=self._firing(rule),
                        )

    def _firing(self, rule: Any) -> Callable[[datetime], None]:
        def fire(moment: datetime) -> None:
            event = made(
                event_id=str(uuid.uuid4()),
                source="aws.events",
                detail_type="Scheduled Event",
                detail={},
                account=rule.account_id,
                region=rule.region_name,
                time=moment,
                resources=[rule.arn],
            )
            event_bridge(self._cloud).send(rule, event)

        return fire

    # --- EventBridge Scheduler --------------------------------------------------------------

    def _schedules(self) -> Iterator[_Plan]:
        for regions in list(dict.values(scheduler_backends)):
            for backend in list(dict.values(regions)):
                for group in list(backend.schedule_groups.values()):
                    for schedule in list(group.schedules.values()):
                        if schedule.state == "ENABLED":
                            yield self._plan(schedule)

    def _plan(self, schedule: Any) -> _Plan:
        account, region = schedule.arn.split(":")[4], schedule.arn.split(":")[3]

        def fire(moment: datetime) -> None:
            self._send(schedule, moment)

        def completed() -> None:
            if schedule.action_after_completion == "DELETE":
                scheduler = self._cloud.client("scheduler", account=account, region=region)
                scheduler.delete_schedule(GroupName=schedule.group_name, Name=schedule.name)

        return _Plan(
            arn=schedule.arn,
            expression=schedule.schedule_expression,
            timezone=schedule.schedule_expression_timezone,
            start=_moment(schedule.start_date),
            end=_moment(schedule.end_date),
            fires_at_once=schedule.schedule_expression.startswith("rate("),
            fire=fire,
            completed=completed,
        )

    def _send(self, schedule: Any, moment: datetime) -> None:
        target = schedule.target
        execution = str(uuid.uuid4())
        event = made(
            event_id=execution,
            source="aws.scheduler",
            detail_type="Scheduled Event",
            detail={},
            account=schedule.arn.split(":")[4],
            region=schedule.arn.split(":")[3],
            time=moment,
            resources=[schedule.arn],
        )
        attributes = {
            "<aws.scheduler.attempt-number>": "1",
            "<aws.scheduler.execution-id>": execution,
            "<aws.scheduler.schedule-arn>": schedule.arn,
            "<aws.scheduler.scheduled-time>": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        }
        text = target.get("Input") or ""
        for name, value in attributes.items():
            text = text.replace(name, value)
        if not text and ":aws-sdk:" not in target["Arn"]:
            text = json.dumps({**event, "detail": "{}"})
        order = targets.Order(
            principal=targets.SCHEDULER,
            source=schedule.arn,
            target=dict(target),
            payload=text,
            id=execution,
        )
        event_bridge(self._cloud).deliveries.put(order, event)


def _moment(value: Any) -> datetime | None:
    """Read a date as moto keeps it: as it came over the wire."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return datetime.fromisoformat(str(value)).astimezone(UTC)


_timetables: "weakref.WeakKeyDictionary[Cloud, Timetable]" = weakref.WeakKeyDictionary()


@operation("scheduler", "CreateSchedule", "UpdateSchedule")
def put_schedule(call: Call) -> dict[str, Any]:
    """Make or change a schedule that can be meant and whose role can be used."""
    try:
        check(
            call.params["ScheduleExpression"],
            timezone=call.params.get("ScheduleExpressionTimezone") or "UTC",
        )
    except ValueError as error:
        raise ApiError("ValidationException", f"Invalid Schedule Expression: {error}") from error
    try:
        with tracking.reading():
            trusted_role(call.cloud, call.params["Target"]["RoleArn"], targets.SCHEDULER)
    except ApiError as error:
        raise ApiError(
            "ValidationException",
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the "
            f"role. ({error.message})",
        ) from error
    return call.forward()


@after("scheduler", "CreateSchedule", "UpdateSchedule")
@after("events", "PutRule", "EnableRule")
def begin(call: Call, result: dict[str, Any]) -> None:
    """Let rates count from now."""
    del result
    _timetables[call.cloud].refresh(call.cloud.clock.now())


def install(cloud: "Cloud") -> None:
    """Make ready to fire."""
    _timetables[cloud] = Timetable(cloud)
