"""Roles of machines and of people."""

from mlzone_constructs.identity.people import People, PeopleProps
from mlzone_constructs.identity.persona_role import PersonaRole, PersonaRoleProps
from mlzone_constructs.identity.role import GovernedRole, GovernedRoleProps

__all__ = [
    "GovernedRole",
    "GovernedRoleProps",
    "People",
    "PeopleProps",
    "PersonaRole",
    "PersonaRoleProps",
]
