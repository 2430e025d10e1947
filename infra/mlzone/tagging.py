"""The tags that every resource carries (GOV-01)."""

from mlzone.estate.model import Model
from mlzone.estate.team import Team
from mlzone.estate.unit import BusinessUnit, Stage

MANAGED_BY = "mlops-landing-zone"


def platform_tags() -> dict[str, str]:
    """Return the tags of what serves the whole organization."""
    return {
        "mlz:managed-by": MANAGED_BY,
        "mlz:owner": "platform",
        "mlz:environment": "shared",
        "mlz:cost-center": "PLATFORM",
    }


def unit_tags(unit: BusinessUnit, stage: Stage | None) -> dict[str, str]:
    """Return the tags of what a unit's environment, or its shared services, hold in common."""
    return {
        "mlz:managed-by": MANAGED_BY,
        "mlz:owner": unit.owner,
        "mlz:business-unit": unit.name,
        "mlz:environment": stage.value if stage else "shared",
        "mlz:cost-center": unit.cost_center,
    }


def team_tags(unit: BusinessUnit, team: Team, stage: Stage) -> dict[str, str]:
    """Return the tags of a team's resources; `team` alone is the key that access rules match."""
    return {**unit_tags(unit, stage), "mlz:team": team.name, "mlz:data-class": _data_class(team)}


def model_tags(unit: BusinessUnit, team: Team, model: Model, stage: Stage) -> dict[str, str]:
    """Return the tags of a model's resources."""
    return {
        **team_tags(unit, team, stage),
        "mlz:model": model.name,
        "mlz:model-tier": str(model.risk_tier),
    }


def _data_class(team: Team) -> str:
    order = ("public", "internal", "confidential", "restricted")
    return max((zone.classification for zone in team.data_zones), key=order.index)
