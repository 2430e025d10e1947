"""Alarms on what a monitor found, and on a monitor that does not run."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.serving_policy import METRIC_NAMESPACE, announce
from mlzone_constructs.foundation import (
    FoundationReferences,
    GovernedFunction,
    GovernedFunctionProps,
)
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.monitoring.job import hours_between_runs
from mlzone_constructs.serving import ModelPlace, ReleaseParameters

_SILENT_RUNS = 2
"""So many runs in a row must be missing: one may be late."""


@dataclass(frozen=True, kw_only=True)
class DriftAlarmsProps:
    """Properties of DriftAlarms."""

    place: ModelPlace
    """The model in its environment."""
    release: ReleaseParameters
    """The release that is watched."""


class DriftAlarms(Construct):
    """Alarms on drift, on faults of the data and on silence of a model's monitor.

    Guarantees:
        MON-03: violations in as many runs as the estate says raise an alarm; faults of the data
            raise another one at once, which no training answers.
        MON-02: a monitor that does not finish its runs raises an alarm.

    Example:
        alarms = DriftAlarms(self, "Alarms", DriftAlarmsProps(place=place, release=release))
    """

    def __init__(self, scope: Construct, construct_id: str, props: DriftAlarmsProps) -> None:
        super().__init__(scope, construct_id)
        place = props.place
        runs = place.model.monitoring.datapoints_to_alarm
        self.drift = cloudwatch.Alarm(
            self,
            "Drift",
            alarm_name=place.alarm("drift"),
            alarm_description=(
                f"The requests of {place.model.title} differ from what it learned from, "
                f"in {runs} of {runs} runs of its monitor"
            ),
            metric=monitor_metric(place, "DriftViolations"),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=runs,
            datapoints_to_alarm=runs,
            # Without a run nothing is known: what was known last stays.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        """The requests have drifted."""
        cloudwatch.Alarm(
            self,
            "DataFault",
            alarm_name=place.alarm("data-fault"),
            alarm_description=(
                f"The requests of {place.model.title} carry a fault: put it right where they come "
                "from; no training helps"
            ),
            metric=monitor_metric(place, "DataFaults"),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        self.silence = cloudwatch.Alarm(
            self,
            "Silence",
            alarm_name=place.alarm("monitor-silent"),
            alarm_description=f"The monitor of {place.model.title} does not finish its runs",
            metric=monitor_metric(place, "Completed"),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=_SILENT_RUNS,
            datapoints_to_alarm=_SILENT_RUNS,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        """The monitor is silent."""
        silence = self.silence.node.default_child
        assert isinstance(silence, cloudwatch.CfnAlarm)  # noqa: S101 - the L2's own resource
        # Before the first release there is nothing to watch.
        props.release.govern(silence)


@dataclass(frozen=True, kw_only=True)
class DriftResponseProps:
    """Properties of a DriftResponse."""

    place: ModelPlace
    """The model in production."""
    foundation: FoundationReferences
    """The key of the environment."""
    alarm: cloudwatch.Alarm
    """The alarm that is answered."""


class DriftResponse(Construct):
    """Asks for retraining when the drift alarm rises.

    Guarantees:
        MON-03: drift in production leads to a request for retraining without anybody's doing.

    Example:
        DriftResponse(self, "Response", DriftResponseProps(
            place=place, foundation=foundation, alarm=alarms.drift))
    """

    def __init__(self, scope: Construct, construct_id: str, props: DriftResponseProps) -> None:
        super().__init__(scope, construct_id)
        place = props.place
        function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=place.governance,
                function_name=place.function("drift-response"),
                role_name=place.role("drift-response"),
                description=f"Asks to train {place.model.title} again when it drifts"[:256],
                handler="drift_response",
                key=props.foundation.key,
                environment=place.settings(self),
                statements=[iam.PolicyStatement.from_json(announce(place.bus_arn(self)))],
            ),
        )
        FunctionRule(
            self,
            "Rule",
            FunctionRuleProps(
                rule_name=place.rule("drift-response"),
                description=f"The drift alarm of {place.model.title} rises"[:512],
                pattern={
                    "source": ["aws.cloudwatch"],
                    "detail-type": ["CloudWatch Alarm State Change"],
                    "detail": {
                        "alarmName": [place.alarm("drift")],
                        "state": {"value": ["ALARM"]},
                    },
                },
                function=function,
            ),
        ).node.add_dependency(props.alarm)


def monitor_metric(
    place: ModelPlace, name: str, *, statistic: str = "Maximum"
) -> cloudwatch.Metric:
    """Return a metric of a model's monitor, with one value a run."""
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=name,
        dimensions_map={"Model": place.model.name, "Environment": place.stage.value},
        statistic=statistic,
        period=cdk.Duration.hours(hours_between_runs(place)),
    )
