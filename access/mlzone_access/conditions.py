"""The `Condition` element: every operator, its modifiers, and what an absent key means."""

import base64
import binascii
import ipaddress
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from mlzone_access.patterns import (
    Compile,
    Lookup,
    Patterns,
    Tokens,
    compile_arn,
    compile_folded,
    compile_text,
    tokenize,
)

Test = Callable[[str, Lookup], bool]
"""Says whether one value of the request matches any value of the policy."""


class Qualifier(StrEnum):
    """How many of a multivalued key's values must match."""

    NONE = ""
    ANY = "ForAnyValue"
    ALL = "ForAllValues"


@dataclass(frozen=True, slots=True)
class Operator:
    """The parts of an operator's name, such as `ForAnyValue:StringNotLikeIfExists`.

    Attributes:
        name: Canonical name of the positive operator, such as `StringLike`.
        negated: The name carries `Not`.
        qualifier: The set operator in front of it.
        if_exists: The name ends in `IfExists`: an absent key satisfies it.
    """

    name: str
    negated: bool
    qualifier: Qualifier
    if_exists: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key with its list of values; all conditions of a statement must hold.

    Attributes:
        operator: The operator with its modifiers.
        key: The condition key, lower case.
        values: The policy's values as written.
        patterns: The values of a string or ARN operator as patterns; empty for any other.
        compiler: How such a pattern is compiled.
        wanted: The values of a typed operator, read.
        test: Says whether a value of the request matches one of the policy.
    """

    operator: Operator
    key: str
    values: tuple[str, ...]
    patterns: tuple[Tokens, ...]
    compiler: Compile
    wanted: tuple[Any, ...]
    test: Test

    def holds(self, lookup: Lookup) -> bool:
        """Say whether the request satisfies this condition."""
        values = lookup(self.key)
        op = self.operator
        if op.name == "Null":
            return ("true" if values is None else "false") in self.values
        if values is None:
            return op.if_exists or (
                op.qualifier is Qualifier.ALL or (op.negated and op.qualifier is Qualifier.NONE)
            )
        if op.qualifier is Qualifier.ALL:
            return values == ("",) or all(self.test(v, lookup) != op.negated for v in values)
        if op.qualifier is Qualifier.ANY:
            return any(self.test(v, lookup) != op.negated for v in values)
        return any(self.test(v, lookup) for v in values) != op.negated


@lru_cache(maxsize=4096)
def read_date(text: str) -> datetime | None:
    """Read ISO 8601 as AWS accepts it, or seconds since the epoch."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


@lru_cache(maxsize=4096)
def read_number(text: str) -> float | None:
    """Read a finite number; None if it is not one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) != float("inf") and number == number else None  # noqa: PLR0124


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def read_network(text: str) -> Network | None:
    """Read an address or a range; None if it is not one."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def read_bytes(text: str) -> bytes | None:
    """Read base64; None if it is not."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _truth(text: str) -> str | None:
    lowered = text.lower()
    return lowered if lowered in {"true", "false"} else None


def _inside(request: Network, policy: Network) -> bool:
    return request.version == policy.version and request.subnet_of(policy)  # type: ignore[arg-type]


_Read = Callable[[str], object | None]
_Compare = Callable[..., bool]
_ORDER: Mapping[str, _Compare] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_TYPED: Mapping[str, tuple[_Read, _Compare, str]] = {
    **{f"Numeric{n}": (read_number, f, "a number") for n, f in _ORDER.items()},
    **{
        f"Date{n}": (read_date, f, "a date as ISO 8601 or epoch seconds") for n, f in _ORDER.items()
    },
    "Bool": (_truth, operator.eq, '"true" or "false"'),
    "BinaryEquals": (read_bytes, operator.eq, "base64 text"),
    "IpAddress": (read_network, _inside, "an address or a range in CIDR notation"),
}
# Operator -> (how a pattern is compiled, whether wildcards count).
_TEXTUAL: Mapping[str, tuple[Compile, bool]] = {
    "StringEquals": (compile_text, False),
    "StringEqualsIgnoreCase": (compile_folded, False),
    "StringLike": (compile_text, True),
    "ArnEquals": (compile_arn, True),
    "ArnLike": (compile_arn, True),
}
_NEGATED: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}
OPERATORS: tuple[str, ...] = (*_TEXTUAL, *_TYPED, *_NEGATED, "Null")
"""The names of all operators, without modifiers."""
_BY_LOWER = {name.lower(): name for name in OPERATORS}
_QUALIFIERS = {"foranyvalue": Qualifier.ANY, "forallvalues": Qualifier.ALL}


def parse_operator(name: str) -> Operator:
    """Take an operator's name apart; AWS compares it without regard to case.

    Raises:
        ValueError: There is no such operator.
    """
    prefix, colon, rest = name.rpartition(":")
    qualifier = _QUALIFIERS.get(prefix.lower()) if colon else Qualifier.NONE
    lowered = rest.lower()
    if_exists = lowered.endswith("ifexists")
    base = _BY_LOWER.get(lowered.removesuffix("ifexists"))
    if qualifier is None or base is None:
        raise ValueError(f"{name!r} is not a condition operator")
    if base == "Null" and (if_exists or qualifier is not Qualifier.NONE):
        raise ValueError(f"{name!r}: Null takes neither IfExists nor a set operator")
    return Operator(_NEGATED.get(base, base), base in _NEGATED, qualifier, if_exists)


def compile_condition(
    op: Operator, key: str, values: Sequence[str], *, variables: bool
) -> Condition:
    """Prepare one condition.

    Args:
        op: The operator.
        key: The condition key, in any case.
        values: The policy's values, of which one must match.
        variables: `${...}` is a policy variable here (policy version 2012-10-17).

    Raises:
        ValueError: A value is not of the operator's type, or a variable is malformed.
    """
    lowered = key.lower()
    if op.name in _TEXTUAL:
        compiler, wildcards = _TEXTUAL[op.name]
        tokens = tuple(tokenize(v, variables=variables, wildcards=wildcards) for v in values)
        test = Patterns.of(tokens, compiler).match
        return Condition(op, lowered, tuple(values), tokens, compiler, (), test)
    if op.name == "Null":
        flags = tuple(v.lower() for v in values)
        if not set(flags) <= {"true", "false"}:
            raise ValueError(f'{key}: got {list(values)}, expected "true" or "false"')
        return Condition(op, lowered, flags, (), compile_text, (), _unused)
    read, compare, kind = _TYPED[op.name]
    wanted = []
    for value in values:
        typed = read(value)
        if typed is None:
            raise ValueError(f"{key}: got {value!r}, expected {kind}")
        wanted.append(typed)
    typed_test = _typed_test(read, compare, tuple(wanted))
    return Condition(op, lowered, tuple(values), (), compile_text, tuple(wanted), typed_test)


def _typed_test(read: _Read, compare: _Compare, wanted: tuple[object, ...]) -> Test:
    def test(value: str, _: Lookup) -> bool:
        got = read(value)
        return got is not None and any(compare(got, want) for want in wanted)

    return test


def _unused(_: str, __: Lookup) -> bool:
    return False
