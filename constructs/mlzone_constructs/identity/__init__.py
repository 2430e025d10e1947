"""Roles of machines, of people and of systems outside of the platform."""

from mlzone_constructs.identity.people import People, PeopleOfUnit, PeopleProps
from mlzone_constructs.identity.persona_role import PersonaRole, PersonaRoleProps
from mlzone_constructs.identity.role import GovernedRole, GovernedRoleProps
from mlzone_constructs.identity.trusted_system import TrustedSystem, TrustedSystemProps

__all__ = [
    "GovernedRole",
    "GovernedRoleProps",
    "People",
    "PeopleOfUnit",
    "PeopleProps",
    "PersonaRole",
    "PersonaRoleProps",
    "TrustedSystem",
    "TrustedSystemProps",
]
