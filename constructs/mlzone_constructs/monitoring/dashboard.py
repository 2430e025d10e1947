"""The dashboard of a model in one environment."""

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from mlzone_constructs.monitoring.alarms import DATA_FAULT, monitor_metric, silence
from mlzone_constructs.monitoring.job import Watch, watches
from mlzone_constructs.serving import BATCH_ERRORS, ModelPlace, batch_metric, endpoint_metric

_WIDTH, _HEIGHT = 12, 6
_MICROSECONDS = 1000


@dataclass(frozen=True, kw_only=True)
class ModelDashboardProps:
    """Properties of a ModelDashboard."""

    place: ModelPlace
    """The model in its environment."""


class ModelDashboard(Construct):
    """Drift, latency, errors and load of a model on one page.

    Guarantees:
        MON-03: who answers for a model sees its state without any query.

    Example:
        ModelDashboard(self, "Dashboard", ModelDashboardProps(place=place))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ModelDashboardProps) -> None:
        super().__init__(scope, construct_id)
        place = props.place
        watched = watches(place)
        data_quality = watched[0]
        board = cloudwatch.Dashboard(
            self,
            "Resource",
            dashboard_name=place.naming.dashboard(place.unit.name, place.model.name, place.stage),
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(
                title=f"{place.model.title}, {place.stage}",
                # By name: some belong to the endpoint's stack, or wait for a release.
                alarms=[
                    cloudwatch.Alarm.from_alarm_arn(
                        self,
                        what.title().replace("-", ""),
                        place.governance.arn(self, "cloudwatch", f"alarm:{place.alarm(what)}"),
                    )
                    for what in (
                        *((BATCH_ERRORS,) if place.model.serving.batch else ("errors", "latency")),
                        *(watch.traits.alarm for watch in watched),
                        DATA_FAULT,
                        *(silence(watch) for watch in watched),
                    )
                ],
                width=2 * _WIDTH,
            )
        )
        board.add_widgets(
            _graph(
                "Findings: violations, features and faults a run",
                *(_of(watch, "DriftViolations") for watch in watched),
                monitor_metric(data_quality, "DriftedFeatures"),
                monitor_metric(data_quality, "DataFaults"),
            ),
            _graph(
                "Shift of the mean prediction a run",
                monitor_metric(data_quality, "PredictionShift", statistic="Average"),
            ),
        )
        finished = _graph(
            "Runs of monitors that finished", *(_of(watch, "Completed") for watch in watched)
        )
        if place.model.serving.batch:
            board.add_widgets(
                _graph("Records answered a batch", batch_metric(place, "Records")),
                _graph("Batches that failed", batch_metric(place, "Failed")),
            )
            board.add_widgets(finished)
        else:
            board.add_widgets(*_service_level(place))
            board.add_widgets(
                _graph("Requests", endpoint_metric(place, "Invocations", "Sum")), finished
            )


def _service_level(place: ModelPlace) -> tuple[cloudwatch.GraphWidget, ...]:
    """Return how an endpoint answers, against what it promises."""
    level = place.model.service_level
    return (
        _graph(
            "Latency in microseconds",
            endpoint_metric(place, "ModelLatency", "p50"),
            endpoint_metric(place, "ModelLatency", "p95"),
            limit=level.p95_latency_ms * _MICROSECONDS,
        ),
        _graph(
            "Share of requests that fail",
            endpoint_metric(place, "Invocation5XXErrors", "Average"),
            endpoint_metric(place, "Invocation4XXErrors", "Average"),
            limit=level.error_rate_percent / 100,
        ),
    )


def _of(watch: Watch, name: str) -> cloudwatch.IMetric:
    """Return a metric that stands beside those of other monitors."""
    return monitor_metric(watch, name).with_(label=f"{watch.kind}: {name}")


def _graph(
    title: str, *metrics: cloudwatch.IMetric, limit: float | None = None
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_annotations=(
            [cloudwatch.HorizontalAnnotation(value=limit, label="service level")] if limit else None
        ),
        width=_WIDTH,
        height=_HEIGHT,
    )
