"""Narrow corrections of moto, where it is simply wrong or needlessly slow for us.

One module a correction; each has a test that tells when moto no longer needs it.
"""

from mlzone_cloud.moto_patches import (
    bucket_policies,
    conditional_writes,
    described_alarms,
    event_bus_policies,
    instance_offerings,
    kms_keys,
    managed_policies,
)

_PATCHES = (
    bucket_policies,
    conditional_writes,
    described_alarms,
    event_bus_policies,
    instance_offerings,
    kms_keys,
    managed_policies,
)


def apply() -> None:
    """Patch moto; doing it twice changes nothing."""
    for patch in _PATCHES:
        patch.apply()


__all__ = ["apply"]
