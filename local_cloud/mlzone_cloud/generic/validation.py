"""Checks parameters against the constraints in a service's model, with AWS's wording."""

import functools
import re
from typing import Any

from botocore.model import Shape

from mlzone_cloud import wire
from mlzone_cloud.errors import ApiError


def validate(service: str, operation: str, params: dict[str, Any]) -> None:
    """Check parameters.

    Raises:
        ApiError: `ValidationException` that lists every violated constraint.
    """
    shape = wire.model(service).operation_model(operation).input_shape
    if shape is None:
        return
    problems: list[str] = []
    _walk(shape, params, "", problems)
    if problems:
        count = len(problems)
        raise ApiError(
            "ValidationException",
            f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(problems)}",
        )


def _walk(shape: Shape, value: Any, path: str, problems: list[str]) -> None:
    if shape.type_name == "structure" and isinstance(value, dict):
        prefix = f"{path}." if path else ""
        problems.extend(
            f"Value null at '{prefix}{_camel(name)}' failed to satisfy constraint: "
            "Member must not be null"
            for name in shape.required_members
            if value.get(name) is None
        )
        for name, item in value.items():
            if name in shape.members and item is not None:
                _walk(shape.members[name], item, prefix + _camel(name), problems)
    elif shape.type_name == "list" and isinstance(value, list):
        for index, item in enumerate(value, start=1):
            _walk(shape.member, item, f"{path}.{index}.member", problems)
    elif shape.type_name == "string" and isinstance(value, str):
        _string(shape, value, path, problems)


def _string(shape: Shape, value: str, path: str, problems: list[str]) -> None:
    where = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must"
    limits = shape.metadata
    pattern = limits.get("pattern")
    if pattern and not _matches(pattern, value):
        problems.append(f"{where} satisfy regular expression pattern: {pattern}")
    if shape.enum and value not in shape.enum:
        problems.append(f"{where} satisfy enum value set: [{', '.join(shape.enum)}]")
    if limits.get("max") and len(value) > limits["max"]:
        problems.append(f"{where} have length less than or equal to {limits['max']}")
    if limits.get("min") and len(value) < limits["min"]:
        problems.append(f"{where} have length greater than or equal to {limits['min']}")


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    # A pattern that Python cannot read (Java's \p classes) cannot be checked.
    return compiled is None or compiled.fullmatch(value) is not None


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error:
        return None


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
