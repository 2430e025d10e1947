"""The estate: what the organization declares and pull requests change."""

from mlzone.estate.allowance import Allowance
from mlzone.estate.base import Name
from mlzone.estate.estate import Assignment, Estate, team_members
from mlzone.estate.model import Model, Template
from mlzone.estate.organization import Organization
from mlzone.estate.team import DataZone, FeatureGroup, Team
from mlzone.estate.unit import BusinessUnit, Environment, Stage

__all__ = [
    "Allowance",
    "Assignment",
    "BusinessUnit",
    "DataZone",
    "Environment",
    "Estate",
    "FeatureGroup",
    "Model",
    "Name",
    "Organization",
    "Stage",
    "Team",
    "Template",
    "team_members",
]
