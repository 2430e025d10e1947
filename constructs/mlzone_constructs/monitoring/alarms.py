"""Alarms on what monitors found, and on monitors that do not run."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from mlzone.serving_policy import METRIC_NAMESPACE
from mlzone_constructs.monitoring.job import Watch, watches
from mlzone_constructs.serving import ModelPlace, ReleaseParameters

_SILENT_RUNS = 2
"""So many runs in a row must be missing: one may be late."""
DATA_FAULT = "data-fault"
"""What the name of the alarm on faults of the data ends with."""


@dataclass(frozen=True, kw_only=True)
class MonitorAlarmsProps:
    """Properties of MonitorAlarms."""

    place: ModelPlace
    """The model in its environment."""
    release: ReleaseParameters
    """The release that is watched."""


class MonitorAlarms(Construct):
    """Alarms on the findings of a model's monitors, on faults of the data, and on silence.

    Guarantees:
        MON-03: findings in as many runs as the estate says raise an alarm; faults of the data
            raise another one at once, which no training answers.
        MON-02: a monitor that does not finish its runs raises an alarm.

    Example:
        alarms = MonitorAlarms(self, "Alarms", MonitorAlarmsProps(place=place, release=release))
    """

    def __init__(self, scope: Construct, construct_id: str, props: MonitorAlarmsProps) -> None:
        super().__init__(scope, construct_id)
        self._place, self._release = props.place, props.release
        self.meanings: dict[str, tuple[str, str]] = {}
        """What each alarm says, by its name: which monitor, and finding, fault or silence."""
        for watch in watches(props.place):
            self._on_findings(watch)
            self._on_silence(watch)
            if watch.kind == "data-quality":
                self._on_faults(watch)

    def _name(self, watch: Watch, what: str, cause: str) -> str:
        name = self._place.alarm(what)
        self.meanings[name] = (watch.kind, cause)
        return name

    def _on_findings(self, watch: Watch) -> None:
        monitoring = self._place.model.monitoring
        needed = monitoring.datapoints_to_alarm
        runs = monitoring.evaluated_runs or needed
        cloudwatch.Alarm(
            self,
            watch.traits.sagemaker,
            alarm_name=self._name(watch, watch.traits.alarm, "finding"),
            alarm_description=(
                f"The model {watch.traits.finding}, in {needed} of {runs} runs of its monitor: "
                f"{self._place.model.title}"
            ),
            metric=monitor_metric(watch, "DriftViolations"),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=runs,
            datapoints_to_alarm=needed,
            # Without a run nothing is known: what was known last stays.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )

    def _on_faults(self, watch: Watch) -> None:
        cloudwatch.Alarm(
            self,
            "DataFault",
            alarm_name=self._name(watch, DATA_FAULT, "fault"),
            alarm_description=(
                f"The requests of {self._place.model.title} carry a fault: put it right where "
                "they come from; no training helps"
            ),
            metric=monitor_metric(watch, "DataFaults"),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )

    def _on_silence(self, watch: Watch) -> None:
        alarm = cloudwatch.Alarm(
            self,
            f"{watch.traits.sagemaker}Silence",
            alarm_name=self._name(watch, silence(watch), "silence"),
            alarm_description=(
                f"The {watch.kind} monitor of {self._place.model.title} does not finish its runs"
            ),
            metric=monitor_metric(watch, "Completed"),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=_SILENT_RUNS,
            datapoints_to_alarm=_SILENT_RUNS,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        ).node.default_child
        assert isinstance(alarm, cloudwatch.CfnAlarm)  # noqa: S101 - the L2's own resource
        # Before the first release there is nothing to watch.
        self._release.govern(alarm)


def silence(watch: Watch) -> str:
    """Return what the name of the alarm on a monitor's silence ends with."""
    return f"{watch.kind}-silent"


def monitor_metric(watch: Watch, name: str, *, statistic: str = "Maximum") -> cloudwatch.Metric:
    """Return a metric of a monitor, with one value a run."""
    place = watch.place
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=name,
        dimensions_map={
            "Model": place.model.name,
            "Environment": place.stage.value,
            "Monitor": watch.kind,
        },
        statistic=statistic,
        period=cdk.Duration.hours(watch.hours),
    )
