"""Installs AWS Lambda in a cloud; what it consists of is in `function`."""

from typing import TYPE_CHECKING

from mlzone_cloud.compute.function import asynchronous, operations, pool

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def install(cloud: "Cloud") -> None:
    """Make ready to run functions."""
    pool.install(cloud)
    asynchronous.install(cloud)


__all__ = ["install", "operations"]
