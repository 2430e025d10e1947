"""The roles of people, as the estate declares them, without any template."""

from collections.abc import Iterator
from dataclasses import replace

from mlzone.access.role import PARTITION, Role
from mlzone.estate import BusinessUnit, Estate, Stage, Team
from mlzone.naming import Naming
from mlzone.persona import PERSONAS, Persona, Place, Scope
from mlzone.persona_policy import persona_statements
from mlzone.surroundings import Surroundings
from mlzone_access import Policy, PolicyKind


def people_roles(estate: Estate) -> Iterator[Role]:
    """Yield the role of each persona in each place where it works."""
    for persona, profile in PERSONAS.items():
        for place in profile.places:
            if place.value in set(Stage):
                stage = Stage(place.value)
                for unit in estate.units:
                    teams: tuple[Team | None, ...] = (
                        unit.teams if profile.scope is Scope.TEAM else (None,)
                    )
                    for team in teams:
                        yield _in_unit(estate, persona, unit, team, stage)
            else:
                units: tuple[BusinessUnit | None, ...] = (
                    estate.units if profile.scope is Scope.UNIT else (None,)
                )
                for owner in units:
                    yield _in_organization(estate, persona, owner, place)


def organization_account(estate: Estate, place: Place) -> str:
    """Return the account of a place that belongs to no unit."""
    accounts = estate.organization.accounts
    return {
        Place.SHARED_SERVICES: accounts.shared_services,
        Place.MANAGEMENT: accounts.management,
        Place.LOG_ARCHIVE: accounts.log_archive,
    }[place]


def _in_unit(
    estate: Estate, persona: Persona, unit: BusinessUnit, team: Team | None, stage: Stage
) -> Role:
    surroundings = _surroundings(
        estate, unit.environments[stage].account, estate.region(unit, stage)
    )
    if PERSONAS[persona].scope is not Scope.ORGANIZATION:
        surroundings = replace(surroundings, unit=unit.name)
    if team:
        surroundings = replace(surroundings, team=team.name, keys=(_key(surroundings, team.name),))
    return _role(persona, replace(surroundings, stage=stage), stage.value)


def _in_organization(
    estate: Estate, persona: Persona, unit: BusinessUnit | None, place: Place
) -> Role:
    account = organization_account(estate, place)
    surroundings = _surroundings(estate, account, estate.organization.home_region)
    if unit:
        surroundings = replace(surroundings, unit=unit.name)
    keys = (_key(surroundings, place),)
    return _role(persona, replace(surroundings, place=place, keys=keys), place.value)


def _surroundings(estate: Estate, account: str, region: str) -> Surroundings:
    return Surroundings(
        naming=Naming(prefix=estate.organization.prefix),
        partition=PARTITION,
        account=account,
        region=region,
        shared_services=estate.organization.accounts.shared_services,
        home_region=estate.organization.home_region,
        title="",
    )


def _key(surroundings: Surroundings, owner: str) -> str:
    """Return a key's ARN; the id that AWS will make is unknown, the owner's name stands for it."""
    return surroundings.arn("kms", f"key/{owner}")


def _role(persona: Persona, s: Surroundings, environment: str) -> Role:
    name = s.naming.persona_role(persona, s.unit, s.team)
    document = {"Version": "2012-10-17", "Statement": persona_statements(persona, s)}
    return Role(
        name=name,
        account=s.account,
        policies=(Policy.parse(document, name=name, kind=PolicyKind.IDENTITY),),
        persona=persona,
        unit=s.unit,
        team=s.team,
        environment=environment,
        region=s.region,
        tags={key: value for key, value in (("unit", s.unit), ("team", s.team)) if value},
    )
