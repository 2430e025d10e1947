"""The personas: who works on models, in which accounts, and which duties exclude each other."""

from dataclasses import dataclass
from enum import StrEnum


class Persona(StrEnum):
    """A kind of person, by what they do with models."""

    DATA_SCIENTIST = "data-scientist"
    LEAD_DATA_SCIENTIST = "lead-data-scientist"
    ML_ENGINEER = "ml-engineer"
    DATA_ENGINEER = "data-engineer"
    MODEL_APPROVER = "model-approver"
    PLATFORM_ADMIN = "platform-admin"
    AUDITOR = "auditor"
    FINOPS = "finops"


class Place(StrEnum):
    """Where a persona's role exists."""

    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"
    SHARED_SERVICES = "shared-services"
    MANAGEMENT = "management"
    LOG_ARCHIVE = "log-archive"


class Scope(StrEnum):
    """What one role of a persona covers."""

    TEAM = "team"
    UNIT = "unit"
    ORGANIZATION = "organization"


@dataclass(frozen=True, kw_only=True)
class PersonaProfile:
    """What the governance model says of one persona."""

    title: str
    scope: Scope
    places: tuple[Place, ...]
    studio: bool
    """Whether people of this persona get a Studio user profile in the dev domain."""
    authors_models: bool
    """First line: their work ends up in model versions. Never combined with approving (AC-5)."""
    approves_models: bool
    """Second line: decides on model versions. Never combined with authoring (AC-5)."""


_UNIT_PLACES = (Place.DEV, Place.STAGING, Place.PROD)

PERSONAS: dict[Persona, PersonaProfile] = {
    Persona.DATA_SCIENTIST: PersonaProfile(
        title="Data scientist",
        scope=Scope.TEAM,
        places=(Place.DEV,),
        studio=True,
        authors_models=True,
        approves_models=False,
    ),
    Persona.LEAD_DATA_SCIENTIST: PersonaProfile(
        title="Lead data scientist",
        scope=Scope.TEAM,
        places=(Place.DEV,),
        studio=True,
        authors_models=True,
        approves_models=False,
    ),
    Persona.ML_ENGINEER: PersonaProfile(
        title="ML engineer",
        scope=Scope.TEAM,
        places=_UNIT_PLACES,
        studio=True,
        authors_models=True,
        approves_models=False,
    ),
    Persona.DATA_ENGINEER: PersonaProfile(
        title="Data engineer",
        scope=Scope.TEAM,
        places=(Place.DEV,),
        studio=True,
        authors_models=True,
        approves_models=False,
    ),
    Persona.MODEL_APPROVER: PersonaProfile(
        title="Model approver (second-line risk)",
        scope=Scope.UNIT,
        places=(Place.SHARED_SERVICES, Place.PROD),
        studio=False,
        authors_models=False,
        approves_models=True,
    ),
    Persona.PLATFORM_ADMIN: PersonaProfile(
        title="Platform administrator",
        scope=Scope.ORGANIZATION,
        places=(Place.SHARED_SERVICES, *_UNIT_PLACES),
        studio=False,
        authors_models=False,
        approves_models=False,
    ),
    Persona.AUDITOR: PersonaProfile(
        title="Auditor",
        scope=Scope.ORGANIZATION,
        places=(Place.SHARED_SERVICES, Place.LOG_ARCHIVE, Place.MANAGEMENT, *_UNIT_PLACES),
        studio=False,
        authors_models=False,
        approves_models=False,
    ),
    Persona.FINOPS: PersonaProfile(
        title="FinOps analyst",
        scope=Scope.ORGANIZATION,
        places=(Place.MANAGEMENT, *_UNIT_PLACES),
        studio=False,
        authors_models=False,
        approves_models=False,
    ),
}
