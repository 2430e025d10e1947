"""What others are told of an alarm: in an event, in a message, in a call."""

import json
from datetime import UTC, datetime
from typing import Any

from mlzone_cloud.compute.alarms.evaluation import Settings, Verdict

Json = dict[str, Any]


def stamp(moment: datetime) -> str:
    """Return a moment as CloudWatch writes it."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware:%Y-%m-%dT%H:%M:%S}.{aware.microsecond // 1000:03}+0000"


def state(alarm: Any) -> Json:
    """Return an alarm's state."""
    return {
        "value": alarm.state_value,
        "reason": alarm.state_reason,
        "reasonData": alarm.state_reason_data,
        "timestamp": stamp(alarm.state_updated_timestamp),
    }


def reason_data(settings: Settings, verdict: Verdict, now: datetime) -> str:
    """Return the data behind a state, as JSON."""
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": stamp(now),
            "statistic": settings.statistic,
            "period": int(settings.period.total_seconds()),
            "recentDatapoints": [value for value in verdict.values if value is not None],
            "threshold": settings.threshold,
            "evaluatedDatapoints": [{"value": value} for value in reversed(verdict.values)],
        }
    )


def configuration(alarm: Any) -> Json:
    """Return how an alarm is set, as events tell it."""
    if alarm.rule is not None:
        return {
            "alarmRule": alarm.rule,
            "description": alarm.description,
            "actionsEnabled": alarm.actions_enabled,
        }
    return {"description": alarm.description, "metrics": _metrics(alarm)}


def _metrics(alarm: Any) -> list[Json]:
    if alarm.metric_data_queries:
        return [
            {
                "id": query.id,
                "metricStat": _stat(
                    query.metric_stat.metric, query.metric_stat.period, query.metric_stat.stat
                ),
                "returnData": True,
            }
            for query in alarm.metric_data_queries
            if query.metric_stat
        ]
    statistic = alarm.statistic or alarm.extended_statistic
    return [
        {
            "id": "m1",
            "metricStat": _stat(alarm, alarm.period, statistic),
            "returnData": True,
        }
    ]


def _stat(metric: Any, period: Any, statistic: str) -> Json:
    return {
        "metric": {
            "namespace": metric.namespace,
            "name": metric.metric_name,
            "dimensions": {item.name: item.value for item in metric.dimensions},
        },
        "period": int(period),
        "stat": statistic,
    }


def message(alarm: Any, account: str, previous: str) -> Json:
    """Return what subscribers of a topic are sent."""
    body: Json = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.configuration_updated_timestamp),
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": stamp(alarm.state_updated_timestamp),
        "Region": alarm.region_name,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": previous,
        "OKActions": alarm.ok_actions or [],
        "AlarmActions": alarm.alarm_actions or [],
        "InsufficientDataActions": alarm.insufficient_data_actions or [],
    }
    if alarm.rule is not None:
        return {**body, "AlarmRule": alarm.rule}
    trigger: Json = {
        "Period": alarm.period and int(alarm.period),
        "EvaluationPeriods": int(alarm.evaluation_periods),
        "DatapointsToAlarm": int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": float(alarm.threshold),
        "TreatMissingData": alarm.treat_missing_data or "missing",
        "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
    }
    if alarm.metric_name:
        trigger |= {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic" if alarm.statistic else "ExtendedStatistic",
            "Statistic": (alarm.statistic or alarm.extended_statistic or "").upper(),
            "Unit": alarm.unit,
            "Dimensions": [{"name": item.name, "value": item.value} for item in alarm.dimensions],
        }
    else:
        trigger["Metrics"] = _metrics(alarm)
    return {**body, "Trigger": trigger}
