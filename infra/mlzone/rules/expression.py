"""CloudFormation's functions, as far as rules look through them."""

from collections.abc import Iterator
from typing import Any


def text(value: Any) -> str:
    """Return an expression as text: `${Name}` for a reference, `${Name.Attribute}` for its part."""
    if isinstance(value, dict) and len(value) == 1:
        (name, argument), *_ = value.items()
        return _function(name, argument)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _function(name: str, argument: Any) -> str:
    if name == "Ref":
        return f"${{{argument}}}"
    if name == "Fn::GetAtt":
        parts = argument if isinstance(argument, list) else [argument]
        return f"${{{'.'.join(text(part) for part in parts)}}}"
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:  # noqa: PLR2004
        glue, parts = argument
        listed = parts if isinstance(parts, list) else [parts]
        return str(glue).join(text(part) for part in listed)
    if name == "Fn::Sub":
        return text(argument[0] if isinstance(argument, list) and argument else argument)
    if name == "Fn::If" and isinstance(argument, list) and len(argument) == 3:  # noqa: PLR2004
        return text(argument[1])
    return f"${{{name}}}"


def true(value: Any) -> bool:
    """Tell whether a property is surely true."""
    return text(value).lower() == "true"


def present(value: Any) -> bool:
    """Tell whether a property says anything."""
    return value not in (None, "", [], {}) and value != {"Ref": "AWS::NoValue"}


def listed(value: Any) -> list[Any]:
    """Return what may be one or many as a list; a policy's elements are such."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def texts(value: Any) -> list[str]:
    """Return what may be one or many as texts."""
    return [text(item) for item in listed(value)]


def statements(document: Any) -> list[dict[str, Any]]:
    """Return a policy's statements."""
    found = document.get("Statement") if isinstance(document, dict) else None
    return [item for item in listed(found) if isinstance(item, dict)]


def conditions(statement: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield a statement's conditions: operator, key in lower case, values."""
    found = statement.get("Condition")
    for operator, keys in found.items() if isinstance(found, dict) else ():
        for key, values in keys.items() if isinstance(keys, dict) else ():
            yield str(operator), str(key).lower(), values


def condition_keys(statement: dict[str, Any]) -> set[str]:
    """Return the keys of a statement's conditions, in lower case."""
    return {key for _, key, _ in conditions(statement)}
