"""The alarms of a model's service level."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from mlzone_constructs.serving.place import ModelPlace

VARIANT = "AllTraffic"
"""The one variant of every endpoint."""

_NAMESPACE = "AWS/SageMaker"
_MICROSECONDS = 1000
_PERIODS = 3
"""How many minutes of the last are looked at; two of them raise an alarm."""


@dataclass(frozen=True, kw_only=True)
class ServiceLevelAlarmsProps:
    """Properties of ServiceLevelAlarms."""

    place: ModelPlace
    """The model in its environment."""


class ServiceLevelAlarms(Construct):
    """Alarms on errors and latency, against what the model promises its callers.

    Guarantees:
        DEP-03: they rise when a model fails or answers late, and a deployment goes back.

    Example:
        alarms = ServiceLevelAlarms(self, "Alarms", ServiceLevelAlarmsProps(place=place))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ServiceLevelAlarmsProps) -> None:
        super().__init__(scope, construct_id)
        self._place = place = props.place
        level = place.model.service_level
        self.errors = self._alarm(
            "Errors",
            place.alarm("errors"),
            f"More than {level.error_rate_percent:g} % of the requests fail",
            # SageMaker counts 1 for a failing request and 0 for any other: the mean is the share.
            self.metric("Invocation5XXErrors", "Average"),
            level.error_rate_percent / 100,
        )
        """Too many requests fail."""
        self.latency = self._alarm(
            "Latency",
            place.alarm("latency"),
            f"The slowest 5 % of the answers take longer than {level.p95_latency_ms} ms",
            self.metric("ModelLatency", "p95"),
            level.p95_latency_ms * _MICROSECONDS,
        )
        """Answers take too long."""

    @property
    def names(self) -> list[str]:
        """The alarms that a deployment watches."""
        return [self.errors.alarm_name, self.latency.alarm_name]

    def metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        """Return a metric of the endpoint, by the minute."""
        return endpoint_metric(self._place, name, statistic)

    def _alarm(
        self,
        construct_id: str,
        name: str,
        description: str,
        metric: cloudwatch.Metric,
        threshold: float,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=name,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=_PERIODS,
            datapoints_to_alarm=_PERIODS - 1,
            # No requests, no complaint.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def endpoint_metric(place: ModelPlace, name: str, statistic: str) -> cloudwatch.Metric:
    """Return a metric that SageMaker publishes of an endpoint, by the minute."""
    return cloudwatch.Metric(
        namespace=_NAMESPACE,
        metric_name=name,
        dimensions_map={"EndpointName": place.endpoint, "VariantName": VARIANT},
        statistic=statistic,
        period=cdk.Duration.minutes(1),
    )
