"""Leaves bucket policies to the front door.

moto evaluates them itself but ignores most conditions, so that a Deny of plain HTTP locks the
bucket for everybody.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


def apply() -> None:
    """Let moto take no side."""
    FakeBucket.get_permission = _neutral


def _neutral(self: Any, action: str, resource: str) -> PermissionResult:
    del self, action, resource
    return PermissionResult.NEUTRAL
