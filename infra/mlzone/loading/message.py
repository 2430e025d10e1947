"""What is said of values in several places of an estate."""

from mlzone.instance import INSTANCE_TYPES


def unknown_instance(instance: str) -> str:
    """Return what to say of an instance type that nobody knows."""
    family = instance.split(".")[1]
    same = sorted(name for name in INSTANCE_TYPES if name.split(".")[1] == family)
    hint = f"; {family} has {', '.join(same)}" if same else ""
    return f'got "{instance}", which is no SageMaker instance type that the platform knows{hint}'


def unknown_zone(zone: str, zones: set[str]) -> str:
    """Return what to say of a data zone that the team has not."""
    return f'got "{zone}", which is no data zone of the team; use {", ".join(sorted(zones))}'


def too_loose(value: int, limit: int, guardrail: str) -> str:
    """Return what to say of a value beyond a guardrail of the organization."""
    return f"got {value}; guardrails.{guardrail} of the organization allows at most {limit}"
