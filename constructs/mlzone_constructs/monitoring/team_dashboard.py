"""The dashboard of all models of a team in one environment."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from mlzone.estate import Team
from mlzone.serving_policy import METRIC_NAMESPACE
from mlzone_constructs.governance import Governance
from mlzone_constructs.monitoring.alarms import DATA_FAULT, silence
from mlzone_constructs.monitoring.job import Watch, watches
from mlzone_constructs.serving import ModelPlace

_WIDTH, _HEIGHT = 12, 6


@dataclass(frozen=True, kw_only=True)
class TeamDashboardProps:
    """Properties of a TeamDashboard."""

    governance: Governance
    """The organization's rules, in the environment."""
    team: Team
    """Whose models it shows."""


class TeamDashboard(Construct):
    """The alarms of each model of a team, and what its monitors found, on one page.

    Guarantees:
        MON-03: a team sees which of its models need attention without any query.

    Example:
        TeamDashboard(self, "Dashboard", TeamDashboardProps(governance=governance, team=team))
    """

    def __init__(self, scope: Construct, construct_id: str, props: TeamDashboardProps) -> None:
        super().__init__(scope, construct_id)
        governance, team = props.governance, props.team
        unit, stage = governance.of_unit()
        widgets = [
            widget
            for row, model in enumerate(team.models)
            for widget in self._row(row, ModelPlace(governance=governance, team=team, model=model))
        ]
        cloudwatch.CfnDashboard(
            self,
            "Resource",
            dashboard_name=governance.naming.dashboard(unit.name, f"team-{team.name}", stage),
            # Written out: a widget of its own for each alarm would cost more than the whole stack.
            dashboard_body=cdk.Stack.of(self).to_json_string({"widgets": widgets}),
        )

    def _row(self, row: int, place: ModelPlace) -> list[dict[str, Any]]:
        watched = watches(place)
        ends = [
            "errors",
            "latency",
            *(watch.traits.alarm for watch in watched),
            DATA_FAULT,
            *(silence(watch) for watch in watched),
        ]
        common = {"y": row * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
        return [
            {
                **common,
                "type": "alarm",
                "x": 0,
                "properties": {
                    "title": place.model.title,
                    "alarms": [
                        place.governance.arn(self, "cloudwatch", f"alarm:{place.alarm(end)}")
                        for end in ends
                    ],
                },
            },
            {
                **common,
                "type": "metric",
                "x": _WIDTH,
                "properties": {
                    "title": f"{place.model.title}: violations a run",
                    "view": "timeSeries",
                    "region": cdk.Stack.of(self).region,
                    "metrics": [_metric(watch) for watch in watched],
                },
            },
        ]


def _metric(watch: Watch) -> list[Any]:
    place = watch.place
    return [
        METRIC_NAMESPACE,
        "DriftViolations",
        "Model",
        place.model.name,
        "Environment",
        place.stage.value,
        "Monitor",
        watch.kind,
        {"stat": "Maximum", "period": watch.hours * 3600, "label": watch.kind},
    ]
