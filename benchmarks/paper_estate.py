"""An estate of the size that the architecture's paper describes, and of parts and multiples of it.

The same size gives the same estate: names are counted, nothing is drawn by lot.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

EXAMPLE = Path(__file__).parents[1] / "organization"
_PEOPLE_OF_A_TEAM = 80
_UNITS, _TEAMS, _MODELS = 12, 40, 120


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large an estate is; every unit has its three environments."""

    name: str
    units: int
    teams: int
    models: int

    @property
    def people(self) -> int:
        """Who works in teams."""
        return self.teams * _PEOPLE_OF_A_TEAM


SIZES = {
    name: Size(
        name=name,
        units=round(_UNITS * factor),
        teams=round(_TEAMS * factor),
        models=round(_MODELS * factor),
    )
    for name, factor in (("half", 0.5), ("paper", 1), ("double", 2), ("ten", 10))
}
"""Twelve units, forty teams, 3,200 people and 120 models, and what is smaller and larger."""


def write(size: Size, folder: Path) -> Path:
    """Write an estate with the example's organization, waivers and identity provider."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("samples", "schema"))
    units = folder / "business_units"
    for path in units.glob("*.yaml"):
        path.unlink()
    teams = _dealt(size.teams, size.units)
    models = iter(_dealt(size.models, size.teams))
    for number, count in enumerate(teams):
        document = _unit(number, [next(models) for _ in range(count)])
        text = yaml.safe_dump(document, sort_keys=False)
        (units / f"{document['name']}.yaml").write_text(text, encoding="utf-8")
    return folder


def _dealt(things: int, among: int) -> list[int]:
    """Deal things out as evenly as it goes."""
    return [things // among + (index < things % among) for index in range(among)]


def _unit(number: int, models_of_teams: list[int]) -> dict[str, Any]:
    name = f"unit-{number:03}"
    stages = ("dev", "staging", "prod")
    return {
        "name": name,
        "title": f"Unit {number}",
        "owner": f"owner.{number:03}",
        "cost_center": f"CC-{number:04}",
        "environments": {
            stage: {
                "account": f"{200_000_000_000 + 10 * number + index}",
                "network": {"create": {"cidr": _range(3 * number + index)}},
            }
            for index, stage in enumerate(stages)
        },
        "approvers": [f"approver.{number:03}.{letter}" for letter in "ab"],
        "teams": [_team(name, index, models) for index, models in enumerate(models_of_teams)],
    }


def _range(number: int) -> str:
    """Return a network of 4,096 addresses of its own."""
    return f"10.{number // 16}.{number % 16 * 16}.0/20"


def _team(unit: str, number: int, models: int) -> dict[str, Any]:
    people = list(_people(f"{unit[-3:]}{number:02}"))
    return {
        "name": f"team-{number:02}",
        "title": f"Team {number}",
        "members": {
            "lead-data-scientist": people[:4],
            "data-scientist": people[4:60],
            "ml-engineer": people[60:70],
            "data-engineer": people[70:],
        },
        "budget": {"monthly_usd": 5000},
        "data_zones": [
            {
                "name": "records",
                "classification": "confidential",
                "owner": people[-1],
                "purpose": "What the team's models learn from",
                "legal_basis": "contract",
            }
        ],
        "models": [
            {
                "name": f"model-{number:02}-{index}",
                "title": f"Model {index} of team {number}",
                "purpose": "Tells which cases a person looks at first; never decides alone",
                "template": "tabular-realtime",
                "risk_tier": index % 3 + 1,
                "data_zone": "records",
                # The monitors of tiers 1 and 2 compare answers with what became true.
                "monitoring": {"ground_truth": {"lag_hours": 24}},
            }
            for index in range(models)
        ],
    }


def _people(prefix: str) -> Iterator[str]:
    for number in range(_PEOPLE_OF_A_TEAM):
        yield f"person.{prefix}{number:02}"
