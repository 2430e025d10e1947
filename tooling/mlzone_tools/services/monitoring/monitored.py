"""One of a model's monitors in an environment, whichever engine runs it, and one of its runs."""

from dataclasses import dataclass
from datetime import datetime

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Stage
from mlzone.monitor_kind import MonitorKind
from mlzone.naming import Naming

ENDED = ("Completed", "CompletedWithViolations", "Failed", "Stopped")
"""The states in which a run of a monitor stays."""


@dataclass(frozen=True, kw_only=True)
class Monitored:
    """A monitor of a model in an environment."""

    kind: MonitorKind
    managed: bool
    """Whether SageMaker Model Monitor runs it; else EventBridge Scheduler does."""
    schedule: str
    """The name of its schedule at SageMaker."""
    timetable: str
    """The name of its schedule at EventBridge Scheduler."""
    job_prefix: str
    """What names of its jobs begin with, where we name them."""
    starter: str
    """The function that starts its jobs, where we start them."""
    stack: str
    """The stack that it belongs to."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """One run of a monitor."""

    monitor: MonitorKind
    job: str
    status: str
    """Completed, CompletedWithViolations, Failed or Stopped."""
    scheduled: datetime
    reason: str
    """Why it failed, or an empty text."""
    output: str
    """S3 URI of the folder with its reports, or an empty text."""


def monitored(
    estate: Estate, model: str, stage: Stage, kind: MonitorKind = "data-quality"
) -> Monitored:
    """Return a monitor of a model.

    Raises:
        ConfigError: the model has no such monitor there.
    """
    unit, _, chosen = estate.model(model)
    kinds = chosen.monitors(production=stage is Stage.PROD)
    if kind not in kinds:
        raise ConfigError(
            f"{model} has no {kind} monitor in {stage}; it has {', '.join(kinds)}",
            hint=f"add monitoring.schedules.{kind} to the model"
            if stage is Stage.PROD
            else "what needs real requests runs in production: -e prod",
        )
    naming = Naming(prefix=estate.organization.prefix)
    return Monitored(
        kind=kind,
        managed=estate.monitoring_engine(chosen) == "model-monitor",
        schedule=naming.monitoring_schedule(unit.name, chosen.name, stage, kind),
        timetable=naming.schedule(unit.name, chosen.name, stage, kind),
        job_prefix=naming.job_prefix(unit.name, chosen.name, stage, kind),
        starter=naming.function(unit.name, chosen.name, stage, "start-monitor"),
        stack=naming.monitoring_stack(unit.name, stage, chosen.name),
    )
