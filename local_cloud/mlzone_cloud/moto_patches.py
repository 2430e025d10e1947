"""Narrow corrections of moto, where it is simply wrong or needlessly slow for us.

Each has a test that tells when moto no longer needs it.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.kms import models as kms_models
from moto.s3.models import FakeBucket

_SYMMETRIC = "SYMMETRIC_DEFAULT"


def apply() -> None:
    """Patch moto; doing it twice changes nothing."""
    FakeBucket.get_permission = _neutral
    if kms_models.generate_private_key is not _shared_private_key:
        _shared.setdefault("original", kms_models.generate_private_key)
        kms_models.generate_private_key = _shared_private_key


def _neutral(self: Any, action: str, resource: str) -> PermissionResult:
    """Leave bucket policies to the front door: moto ignores most conditions, so that a Deny of
    plain HTTP locks the bucket for everybody."""
    del self, action, resource
    return PermissionResult.NEUTRAL


_shared: dict[str, Any] = {}


def _shared_private_key(key_spec: str) -> Any:
    """Make one RSA key for all symmetric KMS keys, which never use it; each takes 50 ms."""
    if key_spec != _SYMMETRIC:
        return _shared["original"](key_spec)
    if "key" not in _shared:
        _shared["key"] = _shared["original"](key_spec)
    return _shared["key"]
