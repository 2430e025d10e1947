"""What is monitored in these tests, and how to read the stack that does it."""

import json
from typing import Any

from mlzone.estate.model import GroundTruth, MonitorAction

DEFINITION = "AWS::SageMaker::DataQualityJobDefinition"
MONITOR, SCHEDULE = "AWS::SageMaker::MonitoringSchedule", "AWS::Scheduler::Schedule"
ALARM, RULE = "AWS::CloudWatch::Alarm", "AWS::Events::Rule"
ALL = {
    "schedules": {
        "data-quality": "cron(0 * ? * * *)",
        "model-quality": "cron(0 3 ? * * *)",
        "bias": "cron(0 4 ? * * *)",
        "explainability": "cron(0 5 ? * * *)",
    },
    "ground_truth": GroundTruth(lag_hours=48),
}
NONE_MORE = {"schedules": {}, "actions": (MonitorAction(do="notify"), MonitorAction(do="retrain"))}
ONE = {
    "risk_tier": 3,
    "monitoring": {**NONE_MORE, "schedules": {"data-quality": "cron(0 * ? * * *)"}},
}
"""The least tier has the monitor of data quality alone; here it runs each hour."""


def settings_of(template: dict[str, Any], function: str) -> dict[str, Any]:
    (variables,) = (
        item["Properties"]["Environment"]["Variables"]
        for item in template["Resources"].values()
        if item["Type"] == "AWS::Lambda::Function"
        and item["Properties"]["Handler"].split(".")[-2] == function
    )
    return dict(variables)


def request_of(template: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(text_of(settings_of(template, "start_monitor")["MLZONE_JOB"])))


def text_of(expression: Any) -> str:
    """Write an expression of CloudFormation as text."""
    if isinstance(expression, str):
        return expression
    ((name, value),) = expression.items()
    if name == "Fn::Join":
        separator, parts = value
        return str(separator).join(text_of(part) for part in parts)
    return f"<{value if isinstance(value, str) else '.'.join(value)}>"


def policy_of(template: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(settings_of(template, "finding_response")["MLZONE_POLICY"]))


def alarms_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        item["Properties"]["AlarmName"].split("-prod-")[-1]: item
        for item in template["Resources"].values()
        if item["Type"] == ALARM
    }
