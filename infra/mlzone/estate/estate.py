"""The estate: everything that pull requests change, as one value."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlzone.errors import ConfigError
from mlzone.estate.allowance import Allowance
from mlzone.estate.base import PersonId
from mlzone.estate.model import Model
from mlzone.estate.organization import MonitoringEngine, Organization
from mlzone.estate.team import Team
from mlzone.estate.unit import BusinessUnit, Stage
from mlzone.estate.waiver import Waiver
from mlzone.persona import Persona


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One person in one persona; `unit` and `team` are None where the persona spans them."""

    person: PersonId
    persona: Persona
    unit: str | None = None
    team: str | None = None


@dataclass(frozen=True, kw_only=True)
class Estate:
    """The validated estate of one organization."""

    organization: Organization
    units: tuple[BusinessUnit, ...]
    waivers: tuple[Waiver, ...]
    allowances: tuple[Allowance, ...] = ()
    """The losses of data that are meant."""
    folder: Path
    """Where the YAML files are; paths in the estate are relative to it."""

    def unit(self, name: str) -> BusinessUnit:
        """Return the business unit of that name.

        Raises:
            ConfigError: there is none; the message lists those that exist.
        """
        for unit in self.units:
            if unit.name == name:
                return unit
        known = ", ".join(unit.name for unit in self.units)
        raise ConfigError(f'no business unit "{name}" in the estate', hint=f"it has: {known}")

    def models(self) -> Iterator[tuple[BusinessUnit, Team, Model]]:
        """Yield every model with its unit and team, in the order of the files."""
        for unit in self.units:
            for team in unit.teams:
                for model in team.models:
                    yield unit, team, model

    def model(self, name: str) -> tuple[BusinessUnit, Team, Model]:
        """Return the model called `name` or `unit/name`, with its unit and team.

        Raises:
            ConfigError: there is no such model, or several units have one.
        """
        found = self._called(name)
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{unit.name}/{model.name}" for unit, _, model in found or self.models())
        problem = "is ambiguous" if found else "is not in the estate"
        raise ConfigError(f'model "{name}" {problem}', hint=f"choose one of: {known}")

    def declares(self, name: str) -> bool:
        """Tell whether there is a model called `name` or `unit/name`."""
        return bool(self._called(name))

    def _called(self, name: str) -> list[tuple[BusinessUnit, Team, Model]]:
        unit_name, _, model_name = name.rpartition("/")
        return [
            (unit, team, model)
            for unit, team, model in self.models()
            if model.name == model_name and unit_name in ("", unit.name)
        ]

    def accounts(self) -> Iterator[str]:
        """Yield the accounts that the platform governs."""
        own = self.organization.accounts
        yield from (own.management, own.shared_services, own.log_archive)
        for unit in self.units:
            yield from (unit.environments[stage].account for stage in Stage)

    def monitoring_engine(self, model: Model) -> MonitoringEngine:
        """Return what runs a model's monitors: Model Monitor wants an endpoint to look at."""
        if model.serving.batch:
            return "scheduled-processing"
        return self.organization.monitoring.engine

    def region(self, unit: BusinessUnit, stage: Stage) -> str:
        """Return the Region of a unit's environment."""
        return unit.environments[stage].region or self.organization.home_region

    def email(self, person: PersonId) -> str:
        """Return a person's e-mail address."""
        return f"{person}@{self.organization.identity.email_domain}"

    def assignments(self) -> Iterator[Assignment]:
        """Yield every person with each persona they have, organization first."""
        people = self.organization.people
        for persona, persons in (
            (Persona.PLATFORM_ADMIN, people.platform_admins),
            (Persona.AUDITOR, people.auditors),
            (Persona.FINOPS, people.finops),
        ):
            for person in persons:
                yield Assignment(person=person, persona=persona)
        for unit in self.units:
            for person in unit.approvers:
                yield Assignment(person=person, persona=Persona.MODEL_APPROVER, unit=unit.name)
            for team in unit.teams:
                for persona, person in team_members(team):
                    yield Assignment(person=person, persona=persona, unit=unit.name, team=team.name)


def team_members(team: Team) -> Iterator[tuple[Persona, PersonId]]:
    """Yield the members of a team with their personas."""
    for persona, persons in (
        (Persona.LEAD_DATA_SCIENTIST, team.members.lead_data_scientists),
        (Persona.DATA_SCIENTIST, team.members.data_scientists),
        (Persona.ML_ENGINEER, team.members.ml_engineers),
        (Persona.DATA_ENGINEER, team.members.data_engineers),
    ):
        for person in persons:
            yield persona, person
