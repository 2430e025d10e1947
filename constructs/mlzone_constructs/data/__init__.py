"""Data: a team's zones, catalogue and features."""

from mlzone_constructs.data.feature_groups import TeamFeatures, TeamFeaturesProps
from mlzone_constructs.data.inspector import DataInspector, DataInspectorProps
from mlzone_constructs.data.zones import DataZones, DataZonesProps

__all__ = [
    "DataInspector",
    "DataInspectorProps",
    "DataZones",
    "DataZonesProps",
    "TeamFeatures",
    "TeamFeaturesProps",
]
