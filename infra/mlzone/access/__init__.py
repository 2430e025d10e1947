"""Who may do what in an estate: its roles, their policies, and the guardrails above them."""

from mlzone.access.difference import (
    AccessChange,
    AccessDifference,
    ChangeKind,
    access_difference,
)
from mlzone.access.people import people_roles
from mlzone.access.role import Role
from mlzone.access.template_difference import template_access_difference

__all__ = [
    "AccessChange",
    "AccessDifference",
    "ChangeKind",
    "Role",
    "access_difference",
    "people_roles",
    "template_access_difference",
]
