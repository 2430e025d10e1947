"""What a target is given of an event: all, a part, a constant, or a text made from it.

Source: Amazon EventBridge User Guide, "Amazon EventBridge input transformation". Nothing here knows
a cloud.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_MISSING = object()
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]|\['([^']+)'\]")
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.\-]+)>")


def payload(
    target: Mapping[str, Any], event: Mapping[str, Any], *, rule_arn: str, ingestion_time: str
) -> str:
    """Return what a target is given, as text.

    Args:
        target: the target of a rule, as PutTargets has it.
        event: the event.
        rule_arn: the ARN of the rule.
        ingestion_time: when EventBridge got the event, in ISO 8601.
    """
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        found = look_up(target["InputPath"], event)
        return json.dumps(None if found is _MISSING else found)
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(event)
    reserved: dict[str, Any] = {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
        "aws.events.event.ingestion-time": ingestion_time,
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.json": event,
    }
    paths = transformer.get("InputPathsMap") or {}
    values = {name: look_up(path, event) for name, path in paths.items()}
    return filled(transformer["InputTemplate"], {**values, **reserved})


def look_up(path: str, event: Any) -> Any:
    """Return what a JSON path leads to; a value that is not None, JSON or not, if it leads nowhere.

    The language is EventBridge's: `$`, names, indexes and `*`.
    """
    found = [event]
    many = False
    for name, index, quoted in _STEP.findall(path.removeprefix("$")):
        if index == "*" or name == "*":
            many = True
            found = [item for value in found for item in _children(value)]
        elif index:
            found = [
                value[int(index)]
                for value in found
                if isinstance(value, list) and int(index) < len(value)
            ]
        else:
            key = name or quoted
            found = [value[key] for value in found if isinstance(value, Mapping) and key in value]
    if many:
        return found
    return found[0] if found else _MISSING


def _children(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Return a template with its placeholders filled.

    Where a placeholder stands within a quoted text, its value becomes part of the text; elsewhere
    it becomes JSON, so that texts get their quotes. What the event has not, is an empty text.
    """
    result: list[str] = []
    quoted = False
    place = 0
    for match in _PLACEHOLDER.finditer(template):
        before = template[place : match.start()]
        result.append(before)
        quoted ^= _quotes(before) % 2 == 1
        place = match.start()
        if match[1] in values:
            result.append(_text(values[match[1]], quoted=quoted))
            place = match.end()
        else:
            # No variable: the angle brackets are the template's own.
            result.append(match[0])
            place = match.end()
    return "".join([*result, template[place:]])


def _quotes(text: str) -> int:
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', text))


def _text(value: Any, *, quoted: bool) -> str:
    if value is _MISSING:
        return "" if quoted else '""'
    if not quoted:
        return json.dumps(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
