"""The conditions of condition steps."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlzone_cloud.sagemaker.pipelines.expression import ExpressionError, Scope, resolve

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def hold(conditions: Sequence[Mapping[str, Any]], scope: Scope) -> bool:
    """Tell whether all conditions hold.

    Raises:
        ExpressionError: a value is missing, or two values cannot be compared.
    """
    try:
        return all(_holds(condition, scope) for condition in conditions)
    except KeyError as error:
        raise ExpressionError(f"a condition lacks {error}") from error


def _holds(condition: Mapping[str, Any], scope: Scope) -> bool:
    kind = condition["Type"]
    if kind == "Not":
        return not _holds(condition["Condition"], scope)
    if kind == "Or":
        return any(_holds(item, scope) for item in condition["Conditions"])
    if kind == "In":
        value = resolve(condition["QueryValue"], scope)
        return any(_equal(value, item) for item in resolve(condition["Values"], scope))
    left = resolve(condition["LeftValue"], scope)
    right = resolve(condition["RightValue"], scope)
    if kind == "Equals":
        return _equal(left, right)
    compare = _COMPARISONS.get(kind)
    if compare is None:
        raise ExpressionError(f"there is no condition of type {kind}")
    try:
        return compare(_number(left), _number(right))
    except (TypeError, ValueError) as error:
        raise ExpressionError(f"{left!r} and {right!r} cannot be compared") from error


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, str) == isinstance(right, str):
        return bool(left == right)
    try:
        return _number(left) == _number(right)
    except (TypeError, ValueError):
        return False


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)
