"""What neither the resource schemas nor the service models say about a type.

An operation is (service, name, members that do not come from properties). In a member's value,
`$account` is the account, `$id` the physical id, `$ids` a list of it, `$json:P` property P as
JSON text, `$name:P` property P or a generated name, `$property:P` property P.
"""

from dataclasses import dataclass, field
from typing import Any

Declared = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Override:
    """Facts about one type."""

    operations: dict[str, Declared | None] = field(default_factory=dict)
    """By `create`, `update`, `delete`, `read`; None where there is nothing to call."""
    attributes: dict[str, str] = field(default_factory=dict)
    """A read-only property, to the name it has in the API's answers."""
    physical_id: str = ""
    """The property or attribute that `Ref` returns, where it is not the primary identifier."""


OVERRIDES: dict[str, Override] = {
    "AWS::CloudWatch::Alarm": Override(
        operations={
            "create": ("cloudwatch", "PutMetricAlarm", {"AlarmName": "$name:AlarmName"}),
            "update": ("cloudwatch", "PutMetricAlarm", {"AlarmName": "$id"}),
            "delete": ("cloudwatch", "DeleteAlarms", {"AlarmNames": "$ids"}),
            "read": None,
        },
    ),
    "AWS::CloudWatch::CompositeAlarm": Override(
        operations={
            "create": ("cloudwatch", "PutCompositeAlarm", {"AlarmName": "$name:AlarmName"}),
            "update": ("cloudwatch", "PutCompositeAlarm", {"AlarmName": "$id"}),
            "delete": ("cloudwatch", "DeleteAlarms", {"AlarmNames": "$ids"}),
            "read": None,
        },
    ),
    "AWS::CloudWatch::Dashboard": Override(
        operations={
            "create": ("cloudwatch", "PutDashboard", {"DashboardName": "$name:DashboardName"}),
            "update": ("cloudwatch", "PutDashboard", {"DashboardName": "$id"}),
            "delete": ("cloudwatch", "DeleteDashboards", {"DashboardNames": "$ids"}),
            "read": None,
        },
    ),
    "AWS::Events::Archive": Override(
        operations={
            "create": (
                "events",
                "CreateArchive",
                {"ArchiveName": "$name:ArchiveName", "EventSourceArn": "$property:SourceArn"},
            ),
        },
        attributes={"Arn": "ArchiveArn"},
    ),
    "AWS::CE::AnomalyMonitor": Override(
        operations={
            "create": ("ce", "CreateAnomalyMonitor", {"ResourceTags": "$property:ResourceTags"}),
        },
    ),
    "AWS::CE::AnomalySubscription": Override(
        operations={
            "create": (
                "ce",
                "CreateAnomalySubscription",
                {"ResourceTags": "$property:ResourceTags"},
            ),
        },
    ),
    "AWS::SecretsManager::Secret": Override(attributes={"Id": "ARN"}),
}
