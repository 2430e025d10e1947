"""Data: a team's zones, catalogue and features."""

from mlzone_constructs.data.feature_groups import TeamFeatures, TeamFeaturesProps
from mlzone_constructs.data.zones import DataZones, DataZonesProps

__all__ = ["DataZones", "DataZonesProps", "TeamFeatures", "TeamFeaturesProps"]
