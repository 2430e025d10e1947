"""Change: from a merged pull request to deployed environments of a unit."""

from mlzone_constructs.change.contributor import Contributor, ContributorProps
from mlzone_constructs.change.drift_check import DriftCheck, DriftCheckProps
from mlzone_constructs.change.environment_pipeline import (
    EnvironmentPipeline,
    EnvironmentPipelineProps,
)
from mlzone_constructs.change.repository import EstateRepository, EstateRepositoryProps
from mlzone_constructs.change.setting import ChangeSetting

__all__ = [
    "ChangeSetting",
    "Contributor",
    "ContributorProps",
    "DriftCheck",
    "DriftCheckProps",
    "EnvironmentPipeline",
    "EnvironmentPipelineProps",
    "EstateRepository",
    "EstateRepositoryProps",
]
