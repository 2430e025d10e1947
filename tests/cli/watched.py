"""The model of the demo's cloud under another monitoring engine and another policy of actions."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from mlzone.estate import Stage
from mlzone_tools.demo import traffic
from mlzone_tools.demo.scene import Scene, wait
from mlzone_tools.services import monitoring
from mlzone_tools.services.monitoring import Inspection

_APPLICATIONS = 400
_MINUTE = 21
"""Scheduled processing begins at minute 20."""
_ACTIONS = """\
        monitoring:
          actions:
            - {do: notify}
            - {do: retrain}
            - {do: fall-back, severity: critical}
"""


def changed_estate(root: Path, folder: Path) -> Path:
    """Copy the example estate: another engine, and drift brings back the release before."""
    shutil.copytree(root / "organization", folder)
    organization = folder / "organization.yaml"
    text = organization.read_text(encoding="utf-8")
    assert "engine: model-monitor" in text
    organization.write_text(text.replace("engine: model-monitor", "engine: scheduled-processing"))
    unit = folder / "business_units" / "retail-banking.yaml"
    text = unit.read_text(encoding="utf-8")
    anchor = "        retraining: {on_drift: true, cooldown_hours: 24}\n"
    assert text.count(anchor) == 1
    unit.write_text(text.replace(anchor, anchor + _ACTIONS), encoding="utf-8")
    return folder


class Watched:
    """The model in production."""

    def __init__(self, estate: Path, state: Path, model: str) -> None:
        self.scene = Scene(
            estate_path=estate, model=model, state=state, port=0, talk=lambda _: None
        )
        self.monitor = monitoring.monitored(self.scene.estate, model, Stage.PROD)

    def client(self, service: str) -> Any:
        return self.scene.stage(Stage.PROD).client(service)

    def advance(self, time: timedelta) -> None:
        self.scene.cloud.control("advance", {"seconds": time.total_seconds()})

    def next_run(self, features: list[str], *, drifted: bool) -> Inspection:
        """Send applications, and return what the monitor's next run finds in them."""
        scene = self.scene
        rows = traffic.applications(scene.project, _APPLICATIONS)
        traffic.send(
            scene.stage(Stage.PROD, scene.team.members.ml_engineers[0]),
            scene.naming.endpoint(scene.unit.name, scene.model.name, Stage.PROD),
            features,
            traffic.harder_times(rows) if drifted else rows,
        )
        before = {item.job for item in self.runs()}
        now = scene.cloud.now
        self.advance(now.replace(minute=_MINUTE, second=0) + timedelta(hours=1) - now)

        def ended() -> Inspection | None:
            found = [item for item in self.runs() if item.job not in before]
            return next((item for item in found if item.status in monitoring.ENDED), None)

        inspection: Inspection = wait(ended, "the monitor runs", seconds=90)
        return inspection

    def runs(self) -> tuple[Inspection, ...]:
        return monitoring.inspections(self.scene.stage(Stage.PROD), self.monitor)

    def alarm(self, what: str) -> str:
        scene = self.scene
        name = scene.naming.alarm(scene.unit.name, scene.model.name, Stage.PROD, what)
        (alarm,) = self.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(alarm["StateValue"])

    def promotions(self) -> list[dict[str, Any]]:
        scene = self.scene
        pipeline = scene.naming.promotion_pipeline(scene.unit.name, scene.model.name, Stage.PROD)
        found: list[dict[str, Any]] = self.client("codepipeline").list_pipeline_executions(
            pipelineName=pipeline
        )["pipelineExecutionSummaries"]
        return found
