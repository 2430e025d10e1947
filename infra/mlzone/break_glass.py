"""The role for emergencies in production: what it may do, and how its use is heard of (IAM-10).

It takes models out of service and halts deliveries, for one hour, for an incident that is named; it
reads no data, makes nothing and approves nothing. Guardrails name it; every session and every call
of it is told of.
"""

from typing import Any

from mlzone.guarded_action import EMERGENCY_ACTIONS
from mlzone.guardrail import INCIDENT_TAG
from mlzone.surroundings import Statement, Surroundings, allow

SESSION_HOURS = 1
"""How long a session lasts, at most: the shortest that IAM allows to set."""

_NAMED = {"StringLike": {f"aws:PrincipalTag/{INCIDENT_TAG}": "?*"}}


def break_glass_statements(s: Surroundings) -> list[Statement]:
    """Return what the role may do in a unit's production account."""
    unit = s.naming.name(s.unit)
    return [
        allow(
            "TakeOutOfService",
            list(EMERGENCY_ACTIONS),
            [
                s.arn("sagemaker", f"{kind}/{unit}-*")
                for kind in ("endpoint", "monitoring-schedule")
            ],
            _NAMED,
        ),
        allow(
            "HaltDelivery",
            [
                "codepipeline:DisableStageTransition",
                "codepipeline:EnableStageTransition",
                "codepipeline:StopPipelineExecution",
            ],
            [s.arn("codepipeline", f"{unit}-*"), s.arn("codepipeline", f"{unit}-*/*")],
            _NAMED,
        ),
        allow(
            "SeeState",
            [
                "codepipeline:GetPipelineState",
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeMonitoringSchedule",
            ],
            [
                s.arn("codepipeline", f"{unit}-*"),
                s.arn("sagemaker", f"endpoint/{unit}-*"),
                s.arn("sagemaker", f"monitoring-schedule/{unit}-*"),
            ],
            _NAMED,
        ),
    ]


def session_pattern(role_arn: str) -> dict[str, Any]:
    """Return the events of sessions of the role that begin."""
    return _recorded(
        {
            "eventSource": ["sts.amazonaws.com"],
            "eventName": ["AssumeRoleWithSAML"],
            "requestParameters": {"roleArn": [role_arn]},
        }
    )


def call_pattern(role_arn: str) -> dict[str, Any]:
    """Return the events of calls that the role makes, but for those that only read."""
    return _recorded(
        {
            "readOnly": [False],
            "userIdentity": {"sessionContext": {"sessionIssuer": {"arn": [role_arn]}}},
        }
    )


def _recorded(detail: dict[str, Any]) -> dict[str, Any]:
    """Return a pattern of what CloudTrail records."""
    return {"detail-type": ["AWS API Call via CloudTrail"], "detail": detail}
