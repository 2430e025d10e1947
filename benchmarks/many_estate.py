"""An estate of many teams, each with a few models, in development and staging."""

from pathlib import Path

import paper_estate
import yaml
from paper_estate import Size

from mlzone.estate import Estate, Stage
from mlzone.planning import PlannedStack, StackKind, planned_stacks

TEMPLATE = "forecast"
SERVICE_LEVEL = {"p95_latency_ms": 10_000}
"""Endpoints share the machine with all the trainings: how fast they are says nothing."""
STAGES = (Stage.DEV, Stage.STAGING)


def write(size: Size, folder: Path) -> Path:
    """Write an estate of a size: one person of each persona in a team, models of risk tier 3."""
    paper_estate.write(size, folder)
    for path in (folder / "business_units").glob("*.yaml"):
        unit = yaml.safe_load(path.read_text(encoding="utf-8"))
        for team in unit["teams"]:
            # The last one owns the data.
            team["members"] = {name: people[-1:] for name, people in team["members"].items()}
            for model in team["models"]:
                model |= {"template": TEMPLATE, "risk_tier": 3, "service_level": SERVICE_LEVEL}
                del model["monitoring"]
        path.write_text(yaml.safe_dump(unit, sort_keys=False), encoding="utf-8")
    return folder


def stacks(estate: Estate) -> tuple[PlannedStack, ...]:
    """Return what models need on their way to staging."""
    return tuple(
        stack
        for stack in planned_stacks(estate)
        if stack.stage in (None, *STAGES) and stack.kind is not StackKind.ENVIRONMENT_PIPELINE
    )
