"""Makes one RSA key for all symmetric KMS keys: they never use it, and each takes 50 ms."""

from typing import Any

from moto.kms import models

_SYMMETRIC = "SYMMETRIC_DEFAULT"
_original = models.generate_private_key
_shared: dict[str, Any] = {}


def apply() -> None:
    """Replace the maker of private keys."""
    models.generate_private_key = _shared_private_key


def _shared_private_key(key_spec: str) -> Any:
    if key_spec != _SYMMETRIC:
        return _original(key_spec)
    if "key" not in _shared:
        _shared["key"] = _original(key_spec)
    return _shared["key"]
