"""IAM's condition operators.

All keys and operators of a Condition block must hold; of the values of one key, any may. Negated
operators hold when no value matches, also when the key is absent. Source: IAM User Guide,
"IAM JSON policy elements: Condition operators".
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from mlzone_access.errors import PolicyError
from mlzone_access.wildcard import ContextValue, Pattern

Test = Callable[[str, Mapping[str, ContextValue]], bool]
"""Whether one value of the request matches one value of the policy."""

_ANY, _ALL = "foranyvalue:", "forallvalues:"
_IF_EXISTS = "ifexists"
_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator applied to one key."""

    operator: str
    key: str
    """The condition key, in lower case."""
    tests: tuple[Test, ...]
    negated: bool
    if_exists: bool
    qualifier: str
    """`foranyvalue:`, `forallvalues:` or empty."""
    expect_absent: bool | None
    """For `Null` alone: whether the key must be absent."""

    def holds(self, context: Mapping[str, ContextValue]) -> bool:
        """Tell whether the request's context satisfies the condition."""
        value = context.get(self.key)
        absent = value is None or value == ()
        if self.expect_absent is not None:
            return absent == self.expect_absent
        if absent:
            return self.if_exists or self.qualifier == _ALL or (self.negated and not self.qualifier)
        values = (value,) if isinstance(value, str) else value
        assert values is not None, "an absent key was handled above"  # noqa: S101
        results = (self._matches(item, context) for item in values)
        if self.qualifier == _ALL:
            return all(results)
        if self.qualifier == _ANY or not self.negated:
            return any(results)
        return all(results)

    def _matches(self, value: str, context: Mapping[str, ContextValue]) -> bool:
        return any(test(value, context) for test in self.tests) != self.negated


def parse_conditions(
    block: Mapping[str, Any], *, variables: bool, where: str
) -> tuple[Condition, ...]:
    """Compile a Condition block.

    Args:
        block: operator to key to value or values.
        variables: whether the policy's version knows policy variables.
        where: how messages call the statement.

    Raises:
        PolicyError: an operator does not exist, or a value does not fit it.
    """
    conditions = []
    for operator, keys in block.items():
        if not isinstance(keys, Mapping):
            raise PolicyError(f'{where}: condition "{operator}" must map keys to values')
        for key, raw in keys.items():
            values = [_text(item) for item in (raw if isinstance(raw, list) else [raw])]
            conditions.append(_condition(operator, key, values, variables=variables, where=where))
    return tuple(conditions)


def _condition(
    operator: str, key: str, values: list[str], *, variables: bool, where: str
) -> Condition:
    name = operator.lower()
    qualifier = next((prefix for prefix in (_ANY, _ALL) if name.startswith(prefix)), "")
    name = name.removeprefix(qualifier)
    if_exists = name.endswith(_IF_EXISTS) and name != _IF_EXISTS
    name = name.removesuffix(_IF_EXISTS) if if_exists else name
    expect_absent: bool | None = None
    tests: tuple[Test, ...] = ()
    if name == "null":
        if len(values) != 1 or values[0].lower() not in ("true", "false"):
            raise PolicyError(f'{where}: "Null" of "{key}" takes "true" or "false"')
        expect_absent = values[0].lower() == "true"
        negated = False
    elif name in _OPERATORS:
        build, negated = _OPERATORS[name]
        try:
            tests = tuple(build(value, variables) for value in values)
        except (ValueError, binascii.Error) as error:
            raise PolicyError(f'{where}: "{operator}" of "{key}": {error}') from error
    else:
        raise PolicyError(f'{where}: there is no condition operator "{operator}"')
    return Condition(
        operator=operator,
        key=key.lower(),
        tests=tests,
        negated=negated,
        if_exists=if_exists,
        qualifier=qualifier,
        expect_absent=expect_absent,
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _string_equals(value: str, variables: bool) -> Test:  # noqa: FBT001
    pattern = Pattern(value, variables=variables)
    if not pattern.has_variables:
        return lambda given, _: given == value
    return lambda given, context: given == pattern.resolved(context)


def _string_equals_ignore_case(value: str, variables: bool) -> Test:  # noqa: FBT001
    pattern = Pattern(value, variables=variables)

    def test(given: str, context: Mapping[str, ContextValue]) -> bool:
        expected = pattern.resolved(context)
        return expected is not None and given.lower() == expected.lower()

    return test


def _string_like(value: str, variables: bool) -> Test:  # noqa: FBT001
    return Pattern(value, variables=variables).matches


def _arn(value: str, variables: bool) -> Test:  # noqa: FBT001
    """`ArnEquals` and `ArnLike` behave alike: each of the six parts may have wildcards."""
    parts = [Pattern(part, variables=variables) for part in _split_arn(value)]

    def test(given: str, context: Mapping[str, ContextValue]) -> bool:
        given_parts = _split_arn(given)
        return len(given_parts) == len(parts) and all(
            pattern.matches(part, context) for pattern, part in zip(parts, given_parts, strict=True)
        )

    return test


def _split_arn(arn: str) -> list[str]:
    """Split at the first five colons that stand outside policy variables."""
    parts, depth, current = [], 0, ""
    for character in arn:
        depth += (character == "{") - (character == "}")
        if character == ":" and depth == 0 and len(parts) < _ARN_PARTS - 1:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[str, bool], Test]:
    def build(value: str, variables: bool) -> Test:  # noqa: FBT001
        del variables
        expected = float(value)

        def test(given: str, _: Mapping[str, ContextValue]) -> bool:
            try:
                return compare(float(given), expected)
            except ValueError:
                return False

        return test

    return build


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, bool], Test]:
    def build(value: str, variables: bool) -> Test:  # noqa: FBT001
        del variables
        expected = _timestamp(value)

        def test(given: str, _: Mapping[str, ContextValue]) -> bool:
            try:
                return compare(_timestamp(given), expected)
            except ValueError:
                return False

        return test

    return build


def _timestamp(value: str) -> float:
    """Read ISO 8601 or seconds of the epoch."""
    try:
        return float(value)
    except ValueError:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _bool(value: str, variables: bool) -> Test:  # noqa: FBT001
    del variables
    expected = value.lower()
    if expected not in ("true", "false"):
        raise ValueError(f'got "{value}"; expected true or false')
    return lambda given, _: given.lower() == expected


def _binary(value: str, variables: bool) -> Test:  # noqa: FBT001
    del variables
    expected = base64.b64decode(value, validate=True)

    def test(given: str, _: Mapping[str, ContextValue]) -> bool:
        try:
            return base64.b64decode(given, validate=True) == expected
        except binascii.Error:
            return False

    return test


def _ip(value: str, variables: bool) -> Test:  # noqa: FBT001
    del variables
    network = ip_network(value, strict=False)

    def test(given: str, _: Mapping[str, ContextValue]) -> bool:
        try:
            return ip_address(given) in network
        except ValueError:
            return False

    return test


def _equal(one: float, other: float) -> bool:
    return one == other


def _less(one: float, other: float) -> bool:
    return one < other


def _less_or_equal(one: float, other: float) -> bool:
    return one <= other


def _greater(one: float, other: float) -> bool:
    return one > other


def _greater_or_equal(one: float, other: float) -> bool:
    return one >= other


_OPERATORS: dict[str, tuple[Callable[[str, bool], Test], bool]] = {
    "stringequals": (_string_equals, False),
    "stringnotequals": (_string_equals, True),
    "stringequalsignorecase": (_string_equals_ignore_case, False),
    "stringnotequalsignorecase": (_string_equals_ignore_case, True),
    "stringlike": (_string_like, False),
    "stringnotlike": (_string_like, True),
    "numericequals": (_numeric(_equal), False),
    "numericnotequals": (_numeric(_equal), True),
    "numericlessthan": (_numeric(_less), False),
    "numericlessthanequals": (_numeric(_less_or_equal), False),
    "numericgreaterthan": (_numeric(_greater), False),
    "numericgreaterthanequals": (_numeric(_greater_or_equal), False),
    "dateequals": (_date(_equal), False),
    "datenotequals": (_date(_equal), True),
    "datelessthan": (_date(_less), False),
    "datelessthanequals": (_date(_less_or_equal), False),
    "dategreaterthan": (_date(_greater), False),
    "dategreaterthanequals": (_date(_greater_or_equal), False),
    "bool": (_bool, False),
    "binaryequals": (_binary, False),
    "ipaddress": (_ip, False),
    "notipaddress": (_ip, True),
    "arnequals": (_arn, False),
    "arnlike": (_arn, False),
    "arnnotequals": (_arn, True),
    "arnnotlike": (_arn, True),
}
"""Operator in lower case, to what builds its test and whether it is negated."""
