"""May the caller do this? IAM's rules at the front door, decided by `mlzone_access`."""

from mlzone_cloud.authorization.authorize import authorize

__all__ = ["authorize"]
