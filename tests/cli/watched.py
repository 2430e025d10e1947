"""The model of the demo's cloud under another monitoring engine and another policy of actions."""

import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.cli.outside_system import OutsideSystem

from mlzone.estate import Stage
from mlzone.monitor_kind import MonitorKind
from mlzone_tools.demo import traffic
from mlzone_tools.demo.scene import Scene, wait
from mlzone_tools.services import monitoring
from mlzone_tools.services.monitoring import Inspection

_APPLICATIONS = 400
_MINUTE = 21
"""Scheduled processing begins at minute 20."""
_PER_REQUEST = 10
_JUDGED = ("Completed", "CompletedWithViolations")
_MONITORING = """\
        monitoring:
          schedules:
            data-quality: cron(0 * ? * * *)
            model-quality: cron(0 * ? * * *)
            bias: cron(0 * ? * * *)
            explainability: cron(0 * ? * * *)
          ground_truth:
            lag_hours: 1
            delivered_by: [{role: "arn:aws:iam::100000000011:role/core-banking/outcomes"}]
          datapoints_to_alarm: 2
          evaluated_runs: 3
          actions:
            - {do: notify}
            - {do: retrain}
"""
_FALL_BACK = """\
            - {do: fall-back, severity: critical}
"""


def changed_estate(root: Path, folder: Path, engine: str, *, falls_back: bool) -> Path:
    """Copy the example estate: all monitors each hour, two of three runs raise an alarm."""
    shutil.copytree(root / "organization", folder)
    organization = folder / "organization.yaml"
    text = organization.read_text(encoding="utf-8")
    assert "engine: model-monitor" in text
    organization.write_text(text.replace("engine: model-monitor", f"engine: {engine}"))
    unit = folder / "business_units" / "retail-banking.yaml"
    text = unit.read_text(encoding="utf-8")
    start, end = text.index("        monitoring:\n"), text.index("        thresholds:")
    changed = _MONITORING + (_FALL_BACK if falls_back else "")
    unit.write_text(text[:start] + changed + text[end:], encoding="utf-8")
    return folder


class Watched:
    """The model in production."""

    def __init__(self, estate: Path, state: Path, model: str) -> None:
        self.scene = Scene(
            estate_path=estate, model=model, state=state, port=0, talk=lambda _: None
        )
        self.model = model
        self.sent = 0

    def client(self, service: str) -> Any:
        return self.scene.stage(Stage.PROD).client(service)

    def advance(self, time: timedelta) -> None:
        self.scene.cloud.control("advance", {"seconds": time.total_seconds()})

    def ask(self, features: list[str], *, drifted: bool) -> None:
        """Send applications."""
        rows = traffic.applications(self.scene.project, _APPLICATIONS)
        traffic.send(
            self._engineer,
            self._endpoint,
            features,
            traffic.harder_times(rows) if drifted else rows,
        )

    def ask_and_learn(self, features: list[str]) -> None:
        """Send applications by name; what becomes true of women is the reverse of what did."""
        rows = traffic.applications(self.scene.project, _APPLICATIONS)
        runtime = self._engineer.client("sagemaker-runtime")
        lines = []
        for start in range(0, len(rows), _PER_REQUEST):
            batch = rows[start : start + _PER_REQUEST]
            self.sent += 1
            name = f"applications-{self.sent}"
            runtime.invoke_endpoint(
                EndpointName=self._endpoint,
                ContentType="text/csv",
                Accept="text/csv",
                InferenceId=name,
                Body="\n".join(",".join(row[item] for item in features) for row in batch).encode(),
            )
            truth = "\n".join(f"{_outcome(row)},{row['sex']},{row['age_years']}" for row in batch)
            lines.append(
                json.dumps(
                    {
                        "groundTruthData": {"data": truth, "encoding": "CSV"},
                        "eventMetadata": {"eventId": name},
                        "eventVersion": "0",
                    }
                )
            )
        self.deliverer().put_object(
            Bucket=self.data,
            Key=f"{self.outcomes}/{self.scene.cloud.now:%Y/%m/%d/%H}/outcomes-{self.sent}.jsonl",
            Body="\n".join(lines).encode(),
        )

    @property
    def data(self) -> str:
        """The bucket of the team's data."""
        scene = self.scene
        return scene.naming.data_bucket(scene.unit.name, scene.team.name, self._account)

    @property
    def outcomes(self) -> str:
        """Where outcomes of the model land."""
        return f"landing/{self.scene.model.data_zone}/ground-truth/{self.scene.model.name}"

    @property
    def _account(self) -> str:
        return self.scene.unit.environments[Stage.PROD].account

    def deliverer(self, system: str = "") -> Any:
        """Return the object storage as the system sees it that delivers outcomes of the model."""
        scene = self.scene
        truth = scene.model.monitoring.ground_truth
        assert truth
        name = scene.naming.service_role(scene.unit.name, scene.model.name, Stage.PROD, "outcomes")
        outside = OutsideSystem(scene.cloud, scene.estate, system or truth.delivered_by[0].role)
        return outside.storage(f"arn:aws:iam::{self._account}:role/mlzone/{name}")

    def next_hour(self) -> None:
        """Let the next hour's runs begin, on either engine."""
        now = self.scene.cloud.now
        self.advance(now.replace(minute=_MINUTE, second=0) + timedelta(hours=1) - now)

    def next_run(self, features: list[str], *, drifted: bool) -> Inspection:
        """Send applications, and return what the monitor of data quality finds in them."""
        self.ask(features, drifted=drifted)
        before = {item.job for item in self.runs()}
        self.next_hour()
        return self.ended(before, "data-quality")

    def ended(self, before: set[str], kind: MonitorKind) -> Inspection:
        """Return the next run of a monitor that could judge, once it has ended.

        Runs over hours of which nothing became true fail, and say so.
        """

        def found() -> Inspection | None:
            runs = [item for item in self.runs(kind) if item.job and item.job not in before]
            return next((item for item in runs if item.status in _JUDGED), None)

        inspection: Inspection = wait(found, f"the monitor of {kind} runs", seconds=90)
        return inspection

    def runs(self, kind: MonitorKind = "data-quality") -> tuple[Inspection, ...]:
        monitor = monitoring.monitored(self.scene.estate, self.model, Stage.PROD, kind)
        return monitoring.inspections(self.scene.stage(Stage.PROD), monitor)

    @property
    def _engineer(self) -> Any:
        return self.scene.stage(Stage.PROD, self.scene.team.members.ml_engineers[0])

    @property
    def _endpoint(self) -> str:
        scene = self.scene
        return scene.naming.endpoint(scene.unit.name, scene.model.name, Stage.PROD)

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


def _outcome(row: traffic.Row) -> str:
    if row["sex"] != "female":
        return row["outcome"]
    return "default" if row["outcome"] != "default" else "repaid"
