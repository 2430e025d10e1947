"""Follows a delivery pipeline to its end, telling each action once."""

import time
from collections.abc import Callable, Sequence

from mlzone.errors import DeploymentError
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model import delivery
from mlzone_tools.services.model.delivery import Run

START_SECONDS = 60.0
"""How long a run may take to begin after what starts it."""
_END_SECONDS = 3600.0
_PAUSE_SECONDS = 0.5


def follow(
    session: Session,
    pipeline: str,
    *,
    known: Sequence[Run],
    talk: Callable[[str], None],
    until: Callable[[], bool] = lambda: False,
) -> Run:
    """Wait for a new run of a pipeline, then for its end; return it.

    Args:
        session: may read the pipeline.
        pipeline: its name.
        known: runs that were there before.
        talk: told each action's outcome once.
        until: stops waiting earlier, such as when a person must answer.

    Raises:
        DeploymentError: no run began, or it does not end.
    """
    old = {run.execution for run in known}
    told: set[tuple[str, str, str]] = set()
    started = time.monotonic()
    while True:
        new = [run for run in delivery.runs(session, pipeline) if run.execution not in old]
        elapsed = time.monotonic() - started
        if new:
            run = new[-1]
            for action in run.actions:
                mark = (action.stage, action.name, action.status)
                if mark not in told:
                    told.add(mark)
                    talk(f"{action.stage}/{action.name}: {action.status}")
            if run.finished or until():
                return run
        elif elapsed > START_SECONDS:
            raise DeploymentError(
                f"{pipeline} did not start within {START_SECONDS:.0f} s",
                hint="look for failed event deliveries: mlzone cloud status",
            )
        if elapsed > _END_SECONDS:
            raise DeploymentError(f"{pipeline} did not end within {_END_SECONDS:.0f} s")
        time.sleep(_PAUSE_SECONDS)


def require_success(run: Run) -> None:
    """Check that a run succeeded.

    Raises:
        DeploymentError: it did not; the message has the reason and the last lines of its log.
    """
    if run.status != "Succeeded":
        raise DeploymentError(f"{run.pipeline} {run.status.lower()}\n{run.problem}".strip())
