"""Counts what endpoints do and puts it to CloudWatch each second, as `AWS/SageMaker`."""

import threading
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_Series = tuple[str, str, str, str, str]
"""Account, Region, endpoint, variant and metric."""
_UNITS = {"ModelLatency": "Microseconds", "OverheadLatency": "Microseconds"}
_MOST_VALUES = 150
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_lock = threading.Lock()
_waiting: dict[_Series, Counter[float]] = {}


def count(
    place: tuple[str, str, str],
    variant: str,
    *,
    status: int,
    instances: int,
    model_seconds: float,
    overhead_seconds: float,
) -> None:
    """Count one request.

    Args:
        place: account, Region and endpoint.
        variant: who answered it.
        status: the HTTP status that the model gave.
        instances: how many instances the variant has.
        model_seconds: how long the model took.
        overhead_seconds: how long all the rest took.
    """
    values = {
        "Invocations": 1.0,
        "InvocationsPerInstance": 1.0 / max(instances, 1),
        "Invocation4XXErrors": float(_CLIENT_ERROR <= status < _SERVER_ERROR),
        "Invocation5XXErrors": float(status >= _SERVER_ERROR),
        "InvocationModelErrors": float(status >= _CLIENT_ERROR),
        "ModelLatency": round(model_seconds * 1e6),
        "OverheadLatency": round(overhead_seconds * 1e6),
    }
    with _lock:
        for metric, value in values.items():
            _waiting.setdefault((*place, variant, metric), Counter())[value] += 1


def write(cloud: "Cloud", now: datetime) -> None:
    """Put what was counted; a ticker."""
    with _lock:
        taken = dict(_waiting)
        _waiting.clear()
    by_region: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for (account, region, endpoint, variant, metric), found in taken.items():
        values = list(found.items())
        for start in range(0, len(values), _MOST_VALUES):
            batch = values[start : start + _MOST_VALUES]
            by_region.setdefault((account, region), []).append(
                {
                    "MetricName": metric,
                    "Timestamp": now,
                    "Unit": _UNITS.get(metric, "None"),
                    "Values": [value for value, _ in batch],
                    "Counts": [float(times) for _, times in batch],
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": endpoint},
                        {"Name": "VariantName", "Value": variant},
                    ],
                }
            )
    for (account, region), data in by_region.items():
        client = cloud.client("cloudwatch", account=account, region=region)
        client.put_metric_data(Namespace="AWS/SageMaker", MetricData=data)


def install(cloud: "Cloud") -> None:
    """Write each second."""
    with _lock:
        _waiting.clear()
    cloud.add_ticker(write)
