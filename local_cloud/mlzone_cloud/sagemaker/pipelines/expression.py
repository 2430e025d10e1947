"""The expressions of a pipeline definition: references, joins and values out of JSON files.

Source: "SageMaker Pipeline Definition JSON Schema", version 2020-12-01.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"""\[(\d+)\]|\[['"]([^'"]+)['"]\]|\.?([^.\[\]]+)""")
_STEP = re.compile(r"Steps\.([A-Za-z0-9\-_]+)\.?(.*)", re.DOTALL)
_NAMES = ("OutputName", "InputName", "ChannelName", "Name", "MetricName")
"""What names the items of a list that is asked for an item by name."""


class ExpressionError(Exception):
    """An expression has no value; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What expressions can refer to."""

    parameters: Mapping[str, Any]
    execution: Mapping[str, str]
    steps: Mapping[str, Mapping[str, Any]]
    """The properties of the steps that are done, by name."""
    property_files: Callable[[str, str], str]
    """From a step and the name of its property file to where that lies in S3."""
    read: Callable[[str], bytes]
    """Reads an object by its S3 URI."""


def resolve(value: Any, scope: Scope) -> Any:
    """Return data with its expressions replaced by their values.

    Raises:
        ExpressionError: one of them has none.
    """
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((kind, argument),) = value.items()
        if kind == "Get":
            return _get(argument, scope)
        if kind == "Std:Join":
            parts = resolve(argument["Values"], scope)
            return str(argument.get("On", "")).join(as_text(part) for part in parts)
        if kind == "Std:JsonGet":
            return _json_get(argument, scope)
    return {key: resolve(item, scope) for key, item in value.items()}


def references(value: Any) -> Iterator[str]:
    """Yield the targets of every `Get` in data, such as `Steps.Train.ModelArtifacts`."""
    if isinstance(value, dict):
        target = value.get("Get")
        if len(value) == 1 and isinstance(target, str):
            yield target
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def step_of(reference: str) -> tuple[str, str] | None:
    """Return the step that a reference is about and the path in its properties."""
    found = _STEP.fullmatch(reference)
    return (found[1], found[2]) if found else None


def at_path(value: Any, path: str) -> Any:
    """Return what lies at a path such as `a.b['c'][0]`, which may begin with `$`.

    Raises:
        ExpressionError: nothing does.
    """
    for index, quoted, plain in _TOKEN.findall(path.removeprefix("$")):
        try:
            value = value[int(index)] if index else _member(value, quoted or plain)
        except (KeyError, IndexError, TypeError, StopIteration) as error:
            raise ExpressionError(f"there is no {index or quoted or plain} in {path}") from error
    return value


def as_text(value: Any) -> str:
    """Return a value as joins and text fields show it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value)


def _member(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return next(item for item in value if any(item.get(key) == name for key in _NAMES))
    return value[name]


def _get(reference: str, scope: Scope) -> Any:
    space, _, rest = reference.partition(".")
    try:
        if space == "Parameters":
            return scope.parameters[rest]
        if space == "Execution":
            return scope.execution[rest]
    except KeyError as error:
        raise ExpressionError(f"{reference} has no value") from error
    step = step_of(reference)
    if step is None or step[0] not in scope.steps:
        raise ExpressionError(f"{reference} has no value: the step did not run")
    return at_path(scope.steps[step[0]], step[1])


def _json_get(argument: Mapping[str, Any], scope: Scope) -> Any:
    if "PropertyFile" in argument:
        target = argument["PropertyFile"]
        reference = target["Get"] if isinstance(target, dict) else target
        step = step_of(reference)
        if step is None:
            raise ExpressionError(f"{reference} names no property file")
        uri = scope.property_files(step[0], step[1].removeprefix("PropertyFiles."))
    else:
        uri = as_text(resolve(argument["S3Uri"], scope))
    try:
        document = json.loads(scope.read(uri))
    except ValueError as error:
        raise ExpressionError(f"{uri} is not JSON: {error}") from error
    try:
        return at_path(document, argument["Path"])
    except ExpressionError as error:
        raise ExpressionError(f"{uri}: {error}") from error
