"""Reads moto's records of alarms and of what was measured."""

from datetime import UTC, timedelta
from typing import Any

from moto.cloudwatch.models import MetricDatum, cloudwatch_backends

from mlzone_cloud.compute.alarms.evaluation import Datum, Settings, supports
from mlzone_cloud.state import tracking


def settings_of(alarm: Any) -> Settings | None:
    """Return how a metric alarm judges; None for alarms that no metric decides."""
    metric = metric_of(alarm)
    if metric is None:
        return None
    stat = alarm.metric_data_queries[0].metric_stat if alarm.metric_data_queries else None
    statistic = stat.stat if stat else alarm.statistic or alarm.extended_statistic or ""
    if not supports(alarm.comparison_operator or "", statistic):
        return None
    return Settings(
        statistic=statistic,
        period=timedelta(seconds=int(stat.period if stat else alarm.period)),
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        periods=int(alarm.evaluation_periods),
        to_alarm=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        missing=alarm.treat_missing_data or "missing",
    )


def metric_of(alarm: Any) -> Any:
    """Return the one metric that an alarm watches, if it is one."""
    if alarm.rule is not None:
        return None
    if not alarm.metric_data_queries:
        return alarm if alarm.metric_name else None
    queries = alarm.metric_data_queries
    only = queries[0].metric_stat if len(queries) == 1 else None
    return only.metric if only else None


Metric = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions."""


class Measurements:
    """What was measured in an account and Region, by metric: read once for many alarms."""

    def __init__(self, account: str, region: str, names: frozenset[str] | None = None) -> None:
        """Read what there is.

        Args:
            account: the account.
            region: the Region.
            names: of the metrics that are looked for; all unless given.
        """
        with tracking.reading():
            backend = cloudwatch_backends[account][region]
        self._by_metric: dict[Metric, list[Any]] = {}
        for item in backend.metric_data:
            if names is None or item.name in names:
                metric = (item.namespace, item.name, _dimensions(item))
                self._by_metric.setdefault(metric, []).append(item)

    def of_alarm(self, alarm: Any) -> list[Datum]:
        """Return what was measured of an alarm's metric."""
        metric = metric_of(alarm)
        return self.of((metric.namespace, metric.metric_name, _dimensions(metric)))

    def of(self, metric: Metric) -> list[Datum]:
        """Return what was measured of a metric."""
        return [_datum(item) for item in self._by_metric.get(metric, ())]


def _dimensions(item: Any) -> frozenset[tuple[str, str]]:
    return frozenset((dimension.name, dimension.value) for dimension in item.dimensions)


def _datum(item: Any) -> Datum:
    at = item.timestamp if item.timestamp.tzinfo else item.timestamp.replace(tzinfo=UTC)
    if isinstance(item, MetricDatum):
        return Datum.of(at, item.value)
    return Datum(at, item.sum, item.sample_count, item.min, item.max)
