"""Which stacks a change of the estate can touch: those whose part of the estate differs."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mlzone.estate import BusinessUnit, Estate, Model, Team
from mlzone.planning import PlannedStack, StackKind, planned_stacks

_OF_THE_ORGANIZATION = (StackKind.GUARDRAILS, StackKind.LOG_ARCHIVE, StackKind.PLATFORM)


def stack_inputs(estate: Estate) -> dict[str, str]:
    """Return a digest of what each stack is made from, by the stack's name.

    Two estates with the same digest have the same template. The parts are cut generously: a stack
    may be synthesized that does not differ, never the reverse.
    """
    parts = _Parts(estate)
    return {stack.name: parts.digest(stack) for stack in planned_stacks(estate)}


def touched(base: Mapping[str, str], head: Mapping[str, str]) -> frozenset[str]:
    """Return the stacks that were added, removed, or can differ."""
    return frozenset(
        name for name in {*base, *head} if name not in base or base.get(name) != head.get(name)
    )


class _Parts:
    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        organization = estate.organization.model_dump(mode="json")
        metadata = estate.folder / estate.organization.identity.saml_metadata
        organization["saml_metadata"] = metadata.read_text(encoding="utf-8")
        # The organization's reviewers decide on pull requests; no template names them.
        self._organization = {k: v for k, v in organization.items() if k != "security_officers"}
        self._below = {
            key: value
            for key, value in self._organization.items()
            if key not in ("people", "allowed_regions")
        }
        self._units = {unit.name: unit for unit in estate.units}
        self._teams = {(unit.name, team.name): team for unit in estate.units for team in unit.teams}
        self._models = {
            (unit.name, model.name): (team, model) for unit, team, model in estate.models()
        }
        self._accounts = [
            [unit.name, unit.environments.model_dump(mode="json")] for unit in estate.units
        ]

    def digest(self, stack: PlannedStack) -> str:
        part = [stack.kind, stack.account, stack.region, self._part(stack)]
        text = json.dumps(part, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def _part(self, stack: PlannedStack) -> Any:
        if stack.kind in _OF_THE_ORGANIZATION:
            return [self._organization, self._accounts]
        assert stack.unit is not None  # noqa: S101 - all other kinds belong to a unit
        unit = self._units[stack.unit]
        if stack.kind is StackKind.REGISTRY:
            return [self._below, _of_registry(unit)]
        own = unit.model_dump(mode="json", exclude={"teams", "approvers"})
        if stack.kind is StackKind.ENVIRONMENT_PIPELINE:
            return [self._below, own]
        if stack.kind is StackKind.FOUNDATION:
            tiers = sorted({model.risk_tier for team in unit.teams for model in team.models})
            return [self._below, own, tiers]
        assert stack.subject is not None  # noqa: S101 - and these to a team or a model
        if stack.kind is StackKind.TEAM:
            return [self._below, own, self._teams[unit.name, stack.subject].model_dump(mode="json")]
        below = {key: value for key, value in self._below.items() if key != "guardrails"}
        return [below, own, _of_model(*self._models[unit.name, stack.subject])]


def _of_registry(unit: BusinessUnit) -> dict[str, Any]:
    """Return what the shared services know of a unit: not who is in its teams."""
    teams = [
        {"name": team.name, "title": team.title, "models": _dump(team.models)}
        for team in unit.teams
    ]
    return {**unit.model_dump(mode="json", exclude={"teams"}), "teams": teams}


def _of_model(team: Team, model: Model) -> list[Any]:
    aside = {"members", "budget", "studio", "feature_groups", "models"}
    return [team.model_dump(mode="json", exclude=aside), model.model_dump(mode="json")]


def _dump(models: tuple[Model, ...]) -> list[Any]:
    return [model.model_dump(mode="json") for model in models]
