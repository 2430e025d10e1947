"""GetMetricStatistics, with the percentiles that moto leaves out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from mlzone_cloud.compute.alarms.evaluation import Datum, statistic
from mlzone_cloud.compute.alarms.record import Measurements
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, operation


@operation("cloudwatch", "GetMetricStatistics")
def get_metric_statistics(call: Call) -> dict[str, Any]:
    """Return statistics of a metric, by periods from the start on."""
    params = call.params
    plain, percentiles = params.get("Statistics") or (), params.get("ExtendedStatistics") or ()
    if not plain and not percentiles:
        raise ApiError(
            "InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics"
        )
    start, end = (_utc(params[name]) for name in ("StartTime", "EndTime"))
    start = start.replace(second=0, microsecond=0)
    if start >= end:
        raise ApiError(
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        )
    if params.get("Unit"):
        call.cloud.gap("metrics by their unit")
    period = timedelta(seconds=int(params["Period"]))
    name = params["MetricName"]
    dimensions = frozenset((item["Name"], item["Value"]) for item in params.get("Dimensions") or ())
    measurements = Measurements(call.account, call.region, frozenset({name}))
    periods: dict[datetime, list[Datum]] = {}
    for datum in measurements.of((params["Namespace"], name, dimensions)):
        if start <= datum.at < end:
            periods.setdefault(start + (datum.at - start) // period * period, []).append(datum)
    points = [
        {
            "Timestamp": begin,
            **{kind: statistic(kind, found) for kind in plain},
            "ExtendedStatistics": {kind: statistic(kind, found) for kind in percentiles},
        }
        for begin, found in sorted(periods.items())
    ]
    return {"Label": name, "Datapoints": points}


def _utc(moment: datetime) -> datetime:
    """Times come without a zone in CBOR."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
