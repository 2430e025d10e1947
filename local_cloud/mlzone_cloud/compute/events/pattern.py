"""Event patterns: which events a rule wants. Nothing here knows a cloud.

Source: Amazon EventBridge User Guide, "Creating Amazon EventBridge event patterns" and "Comparison
operators for use in event patterns".
"""

import functools
import ipaddress
import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]

_MISSING = object()
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_LARGEST_NUMBER = 5e9


class PatternError(ValueError):
    """AWS would refuse the pattern; the message says why."""


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Json:
    """Return a pattern that may be matched.

    Raises:
        PatternError: it is none.
    """
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise PatternError(f"Unable to parse: {error}") from error
    if not isinstance(pattern, dict) or not pattern:
        raise PatternError("Event pattern must be an object with at least one field")
    _check_fields(pattern)
    return pattern


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Tell whether an event, or a part of one, has all that a pattern wants."""
    return all(_field_matches(name, wanted, event) for name, wanted in pattern.items())


def _field_matches(name: str, wanted: Any, event: Any) -> bool:
    if name == "$or" and isinstance(wanted, list):
        return any(matches(choice, event) for choice in wanted)
    value = event.get(name, _MISSING) if isinstance(event, Mapping) else _MISSING
    if isinstance(wanted, Mapping):
        if isinstance(value, list):
            return any(matches(wanted, item) for item in value if isinstance(item, Mapping))
        return matches(wanted, value)
    return _value_matches(wanted, value)


def _value_matches(wanted: list[Any], value: Any) -> bool:
    if isinstance(value, Mapping):
        # Only leaves can be compared; a branch does not even count as existing.
        return {"exists": False} in wanted
    if value is _MISSING:
        return {"exists": False} in wanted
    values = list(_leaves(value)) if isinstance(value, list) else [value]
    return any(_one_matches(choice, item) for choice in wanted for item in values) or (
        not values and {"exists": True} in wanted
    )


def _leaves(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, list):
            found += _leaves(value)
        elif not isinstance(value, Mapping):
            found.append(value)
    return found


def _one_matches(choice: Any, value: Any) -> bool:
    if not isinstance(choice, Mapping):
        return _equal(choice, value)
    ((name, operand),) = choice.items()
    return _OPERATORS[name](operand, value)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return type(one) is type(other) and bool(one == other)


def _texts(operand: Any) -> list[str]:
    return operand if isinstance(operand, list) else [operand]


def _prefix(operand: Any, value: Any) -> bool:
    if isinstance(operand, Mapping):
        return isinstance(value, str) and value.lower().startswith(
            operand["equals-ignore-case"].lower()
        )
    return isinstance(value, str) and value.startswith(tuple(_texts(operand)))


def _suffix(operand: Any, value: Any) -> bool:
    if isinstance(operand, Mapping):
        return isinstance(value, str) and value.lower().endswith(
            operand["equals-ignore-case"].lower()
        )
    return isinstance(value, str) and value.endswith(tuple(_texts(operand)))


def _same_letters(operand: Any, value: Any) -> bool:
    return isinstance(value, str) and value.lower() in {text.lower() for text in _texts(operand)}


def _wildcard(operand: Any, value: Any) -> bool:
    return isinstance(value, str) and any(
        _wildcard_expression(text).fullmatch(value) for text in _texts(operand)
    )


@functools.lru_cache(maxsize=1024)
def _wildcard_expression(text: str) -> re.Pattern[str]:
    pieces = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", text)
    return re.compile(
        "".join(
            ".*" if piece == "*" else re.escape(piece[-1:] if piece[:1] == "\\" else piece)
            for piece in pieces
        ),
        re.DOTALL,
    )


def _anything_but(operand: Any, value: Any) -> bool:
    if isinstance(operand, Mapping):
        ((name, inner),) = operand.items()
        return isinstance(value, str) and not _OPERATORS[name](inner, value)
    return not any(_equal(choice, value) for choice in _texts(operand))


def _numeric(operand: list[Any], value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_NUMERIC[sign](value, limit) for sign, limit in pairs)


def _cidr(operand: str, value: Any) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False


def _exists(operand: bool, value: Any) -> bool:  # noqa: FBT001 - one operator of many
    del value
    return operand


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _same_letters,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}


# --- what AWS refuses ---------------------------------------------------------------------------


def _check_fields(pattern: Json) -> None:
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            if len(wanted) < 2 or not all(isinstance(item, dict) and item for item in wanted):  # noqa: PLR2004
                raise PatternError("`$or` must be an array of at least two objects")
            for choice in wanted:
                _check_fields(choice)
        elif isinstance(wanted, dict):
            if not wanted:
                raise PatternError(f"Empty objects are not allowed: {name!r}")
            _check_fields(wanted)
        elif isinstance(wanted, list):
            if not wanted:
                raise PatternError(f"Empty arrays are not allowed: {name!r}")
            for choice in wanted:
                _check_choice(name, choice)
        else:
            raise PatternError(f"{name!r} must be an object or an array")


def _check_choice(name: str, choice: Any) -> None:
    if isinstance(choice, list):
        raise PatternError(f"Match value must be String, number, true, false, or null: {name!r}")
    if not isinstance(choice, dict):
        return
    if len(choice) != 1:
        raise PatternError(f"Only one key allowed in match expression: {name!r}")
    ((kind, operand),) = choice.items()
    if kind not in _OPERATORS:
        raise PatternError(f"Unrecognized match type {kind}")
    if not _CHECKS[kind](operand):
        raise PatternError(f"{kind} cannot have the operand {json.dumps(operand)}")


def _is_text(operand: Any) -> bool:
    return isinstance(operand, str) and bool(operand)


def _are_texts(operand: Any) -> bool:
    return bool(operand) and all(_is_text(item) for item in _texts(operand))


def _is_affix(operand: Any) -> bool:
    if isinstance(operand, dict):
        return list(operand) == ["equals-ignore-case"] and _is_text(operand["equals-ignore-case"])
    return isinstance(operand, str)


def _is_exclusion(operand: Any) -> bool:
    if isinstance(operand, dict):
        allowed = ("prefix", "suffix", "equals-ignore-case", "wildcard")
        return len(operand) == 1 and all(
            name in allowed and (_are_texts(inner) or _is_affix(inner))
            for name, inner in operand.items()
        )
    choices = _texts(operand)
    return bool(choices) and all(
        isinstance(item, str | int | float) or item is None for item in choices
    )


def _is_range(operand: Any) -> bool:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    return all(
        sign in _NUMERIC
        and isinstance(limit, int | float)
        and not isinstance(limit, bool)
        and abs(limit) <= _LARGEST_NUMBER
        for sign, limit in zip(operand[::2], operand[1::2], strict=True)
    )


def _is_network(operand: Any) -> bool:
    try:
        ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False
    return isinstance(operand, str)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "anything-but": _is_exclusion,
    "cidr": _is_network,
    "equals-ignore-case": _is_text,
    "exists": lambda operand: isinstance(operand, bool),
    "numeric": _is_range,
    "prefix": _is_affix,
    "suffix": _is_affix,
    "wildcard": _is_text,
}
