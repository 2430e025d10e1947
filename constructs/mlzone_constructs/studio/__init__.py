"""SageMaker Studio: domains and profiles; experiments."""

from mlzone_constructs.studio.domain import StudioDomain, StudioDomainProps
from mlzone_constructs.studio.experiments import ExperimentTracking, ExperimentTrackingProps

__all__ = [
    "ExperimentTracking",
    "ExperimentTrackingProps",
    "StudioDomain",
    "StudioDomainProps",
]
