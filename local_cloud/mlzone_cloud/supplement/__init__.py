"""Operations that moto lacks or refuses wrongly, and that no other part of the cloud owns.

Importing the package registers them.
"""

from typing import TYPE_CHECKING

from mlzone_cloud.supplement import composite_alarm, cost_anomaly, deletions, refusals

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def install(cloud: "Cloud") -> None:
    """Correct what moto refuses."""
    del cloud
    refusals.apply()


__all__ = ["composite_alarm", "cost_anomaly", "deletions", "install"]
