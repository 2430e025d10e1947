"""What watches a model in one environment."""

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from mlzone.estate import Model, Team
from mlzone.release_contract import MONITORING
from mlzone_constructs.foundation import FoundationReferences
from mlzone_constructs.governance import Governance
from mlzone_constructs.monitoring import (
    FindingResponse,
    FindingResponseProps,
    ModelDashboard,
    ModelDashboardProps,
    ModelMonitor,
    ModelMonitorProps,
    MonitorAlarms,
    MonitorAlarmsProps,
    MonitorJob,
    MonitorJobProps,
    MonitorResults,
    MonitorResultsProps,
    ScheduledProcessing,
    ScheduledProcessingProps,
)
from mlzone_constructs.serving import ModelPlace, ReleaseParameters


class MonitoringStack(cdk.Stack):
    """A model's monitors, their alarms, what answers them, and the dashboard.

    The organization says which engine runs the monitors; nothing after it knows which one did. A
    promotion updates the stack with the parameters of `mlzone.release_contract`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        governance: Governance,
        team: Team,
        model: Model,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        place = ModelPlace(governance=governance, team=team, model=model)
        release = ReleaseParameters(self, "Parameters", MONITORING)
        foundation = FoundationReferences(self, "Foundation", governance)
        job = MonitorJob(
            self, "Job", MonitorJobProps(place=place, foundation=foundation, release=release)
        )
        if governance.estate.monitoring_engine(model) == "model-monitor":
            ModelMonitor(self, "ModelMonitor", ModelMonitorProps(job=job))
        else:
            ScheduledProcessing(self, "Scheduled", ScheduledProcessingProps(job=job))
        MonitorResults(self, "Results", MonitorResultsProps(job=job))
        alarms = MonitorAlarms(self, "Alarms", MonitorAlarmsProps(place=place, release=release))
        # What comes into staging are tests; only findings over real requests ask for an answer.
        if place.in_production:
            FindingResponse(
                self,
                "Response",
                FindingResponseProps(place=place, foundation=foundation, alarms=alarms),
            )
        ModelDashboard(
            self,
            "Dashboard",
            ModelDashboardProps(place=place),
        )
        governance.tag(self, team=team, model=model)
