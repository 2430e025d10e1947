"""What the clock and a restart do to executions."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from mlzone_cloud.compute.codepipeline import machine
from mlzone_cloud.compute.codepipeline.actions.base import ActionFailure
from mlzone_cloud.compute.codepipeline.state import (
    ActionRun,
    Execution,
    Place,
    executions,
    places,
)

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def install_timing(cloud: "Cloud") -> None:
    """Watch the clock, and take up what a stopped process left unfinished."""
    cloud.add_ticker(tick, next_due)
    cloud.resumers.append(resume)


def tick(cloud: "Cloud", now: datetime) -> None:
    """Let actions expire, and look at those again that asked for it."""
    for place, execution, run in _pending(cloud):
        if run.expires and run.expires <= now:
            failure = ActionFailure(
                "JobTimedOut", f"The action {run.name} had no result before {run.expires:%c} UTC"
            )
            machine.finish(cloud, place, execution, run, failure)
        elif run.due and run.due <= now:
            run.due = None
            cloud.submit(machine.work_on, cloud, place, execution, run)


def next_due(cloud: "Cloud", now: datetime) -> datetime | None:
    """Return the next moment at which something happens."""
    moments = [
        moment
        for _, _, run in _pending(cloud)
        for moment in (run.expires, run.due)
        if moment and moment > now
    ]
    return min(moments, default=None)


def resume(cloud: "Cloud") -> None:
    """Go on after a restart: actions that were at work begin again, finished ones stay finished."""
    for place, execution, run in list(_pending(cloud)):
        # Approvals wait on; a build is started once for each action, and looked at again here.
        cloud.submit(machine.work_on, cloud, place, execution, run)
    for place in list(places(cloud)):
        machine.drive(cloud, place)


def _pending(cloud: "Cloud") -> Iterator[tuple[Place, Execution, ActionRun]]:
    for place in places(cloud):
        for execution in list(executions(cloud, place).values()):
            if execution.active:
                for run in execution.running:
                    yield place, execution, run
