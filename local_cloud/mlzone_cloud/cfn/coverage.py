"""Tells through which path a resource type is made: for a test over all types that stacks use."""

from mlzone_cloud.cfn import preparation, registry
from mlzone_cloud.cfn.schema import find_schema

VALIDATED = frozenset({"explicit", "api", "custom"})
"""Paths on which properties are validated and an API of the cloud sees the resource."""


def path_of(type_name: str, region: str = "us-east-1") -> str:
    """Return the path through which a resource type is made.

    Returns:
        `explicit`: by a class of its own; `api`: by the calls that the official schema names;
        `custom`: by a function of the stack's own; `schema`: validated, but only remembered;
        `unknown`: CloudFormation has no such type in the Region.
    """
    if preparation.is_custom(type_name):
        return "custom"
    if not registry.is_known(type_name, region):
        return "unknown"
    return registry.provider_of(type_name, region).via


def unvalidated(type_names: set[str], region: str = "us-east-1") -> list[str]:
    """Return those types that are accepted without an API behind them."""
    return sorted(name for name in type_names if path_of(name, region) not in VALIDATED)


def has_schema(type_name: str, region: str = "us-east-1") -> bool:
    """Tell whether the type's properties are held to an official schema."""
    return find_schema(type_name, region) is not None
