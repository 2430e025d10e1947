"""What the service models do not say about generic resources."""

import uuid
from collections.abc import Callable
from importlib import metadata
from typing import Any

from mlzone_cloud.operations import Call

READY = (
    "InService",
    "ACTIVE",
    "Active",
    "AVAILABLE",
    "Available",
    "CREATED",
    "Created",
    "Scheduled",
    "CreateCompleted",
    "Succeeded",
    "Completed",
    "Ready",
    "ENABLED",
    "Enabled",
)
"""Statuses of a resource that is ready; the first that a shape knows is taken."""

ID_PREFIXES = {"Domain": "d-", "Project": "p-"}

ARN_TAILS: dict[tuple[str, str], tuple[str, ...]] = {
    ("sagemaker", "Domain"): ("DomainId",),
    ("sagemaker", "UserProfile"): ("DomainId", "UserProfileName"),
    ("sagemaker", "Space"): ("DomainId", "SpaceName"),
    ("sagemaker", "App"): ("DomainId", "UserProfileName", "AppType", "AppName"),
    ("sagemaker", "MonitoringSchedule"): ("MonitoringScheduleName",),
}
"""What an ARN ends in, where it is not the name."""

Default = Callable[[Call, dict[str, Any]], Any]

DEFAULTS: dict[tuple[str, str], dict[str, Default]] = {
    ("sagemaker", "Domain"): {
        "HomeEfsFileSystemId": lambda _, __: f"fs-{uuid.uuid4().hex[:17]}",
        "SecurityGroupIdForDomainBoundary": lambda _, __: f"sg-{uuid.uuid4().hex[:17]}",
        "Url": lambda call, record: (
            f"https://{record['DomainId']}.studio.{call.region}.sagemaker.aws"
        ),
    },
    ("sagemaker", "UserProfile"): {
        "HomeEfsFileSystemUid": lambda _, __: str(200_000 + uuid.uuid4().int % 10_000),
    },
    ("sagemaker", "MlflowApp"): {
        "Arn": lambda call, _: (
            f"arn:aws:sagemaker:{call.region}:{call.account}:mlflow-app/app-{uuid.uuid4().hex[:12].upper()}"
        ),
        "MlflowVersion": lambda _, __: metadata.version("mlflow-skinny"),
    },
}
"""Fields that AWS invents at creation."""
