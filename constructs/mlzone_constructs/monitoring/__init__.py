"""Monitoring: two engines that watch a model, and what follows from what they find."""

from mlzone_constructs.monitoring.alarms import MonitorAlarms, MonitorAlarmsProps
from mlzone_constructs.monitoring.dashboard import ModelDashboard, ModelDashboardProps
from mlzone_constructs.monitoring.job import MonitorJob, MonitorJobProps
from mlzone_constructs.monitoring.model_monitor import ModelMonitor, ModelMonitorProps
from mlzone_constructs.monitoring.response import FindingResponse, FindingResponseProps
from mlzone_constructs.monitoring.results import MonitorResults, MonitorResultsProps
from mlzone_constructs.monitoring.scheduled_processing import (
    ScheduledProcessing,
    ScheduledProcessingProps,
)
from mlzone_constructs.monitoring.team_dashboard import TeamDashboard, TeamDashboardProps

__all__ = [
    "FindingResponse",
    "FindingResponseProps",
    "ModelDashboard",
    "ModelDashboardProps",
    "ModelMonitor",
    "ModelMonitorProps",
    "MonitorAlarms",
    "MonitorAlarmsProps",
    "MonitorJob",
    "MonitorJobProps",
    "MonitorResults",
    "MonitorResultsProps",
    "ScheduledProcessing",
    "ScheduledProcessingProps",
    "TeamDashboard",
    "TeamDashboardProps",
]
