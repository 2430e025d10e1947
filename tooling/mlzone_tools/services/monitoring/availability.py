"""Whether an account can still make schedules of SageMaker Model Monitor.

AWS closed it to new customers on 30 July 2026, and has no call that says whose customer an account
is. Schedules that exist show it; else a request that can never succeed does: it names a definition
that nobody made, so that an account that may make schedules is told that the definition is missing.
"""

from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

_NOBODYS = "mlzone-doctor-asks-whether-schedules-can-be-made"
_ASKED_FOR_MORE = ("ResourceNotFound", "ResourceNotFoundException", "ValidationException")
_NOT_ALLOWED = "not authorized to perform"


@dataclass(frozen=True, kw_only=True)
class Availability:
    """What is known."""

    state: Literal["open", "closed", "unknown"]
    reason: str


def availability(sagemaker: Any) -> Availability:
    """Ask whether an account can make monitoring schedules; nothing is made.

    Args:
        sagemaker: a client in the account and Region.
    """
    try:
        found = sagemaker.list_monitoring_schedules(MaxResults=1)["MonitoringScheduleSummaries"]
        if found:
            name = found[0]["MonitoringScheduleName"]
            return Availability(state="open", reason=f"it has schedules, such as {name}")
        sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=_NOBODYS,
            MonitoringScheduleConfig={
                "MonitoringJobDefinitionName": _NOBODYS,
                "MonitoringType": "DataQuality",
                "ScheduleConfig": {"ScheduleExpression": "cron(0 0 ? * * *)"},
            },
        )
    except ClientError as error:
        code, text = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code in _ASKED_FOR_MORE:
            return Availability(state="open", reason="it takes requests for schedules")
        if _NOT_ALLOWED in text:
            return Availability(state="unknown", reason=f"these credentials may not ask: {text}")
        return Availability(state="closed", reason=f"{code}: {text}")
    except BotoCoreError as error:
        return Availability(state="unknown", reason=str(error))
    # Not reached where SageMaker checks definitions; what was made by mistake must not stay.
    sagemaker.delete_monitoring_schedule(MonitoringScheduleName=_NOBODYS)
    return Availability(state="open", reason="it made a schedule, which was deleted again")
