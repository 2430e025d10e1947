"""What a transform job sends and keeps: records of objects, filters, joins.

Source: Amazon SageMaker AI Developer Guide, "Associate prediction results with input records".
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

_MIB = 1024 * 1024
_COLUMNS = re.compile(r"\$\[(?P<inside>[-\d:, ]+)\]")
_PATH = re.compile(r"\$(\.\w+|\['[^']+'\])+")
_STEP = re.compile(r"\.(\w+)|\['([^']+)'\]")
OUTPUT = "SageMakerOutput"


class FilterError(Exception):
    """A filter is none that is emulated, or does not fit the data."""


def batches(
    body: bytes, *, split: str, strategy: str, most_mib: int
) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield what is sent at once, with its records.

    Args:
        body: an object.
        split: `None` or `Line`.
        strategy: `MultiRecord` or `SingleRecord`.
        most_mib: the largest payload.
    """
    if split == "None":
        yield body, [body]
        return
    records = [line for line in body.splitlines() if line.strip()]
    if strategy == "SingleRecord":
        yield from ((record, [record]) for record in records)
        return
    waiting: list[bytes] = []
    size = 0
    for record in records:
        if waiting and size + len(record) + 1 > most_mib * _MIB:
            yield b"\n".join(waiting), waiting
            waiting, size = [], 0
        waiting.append(record)
        size += len(record) + 1
    if waiting:
        yield b"\n".join(waiting), waiting


def selector(expression: str, content_type: str) -> Callable[[bytes], bytes]:
    """Return what applies a filter to a record.

    Args:
        expression: a JSONPath: `$`, columns of CSV such as `$[1:]` and `$[0,3]`, a field of JSON.
        content_type: `text/csv` or a type of JSON.

    Raises:
        FilterError: the expression is none of these.
    """
    if expression in ("", "$"):
        return lambda record: record
    columns = _COLUMNS.fullmatch(expression)
    if columns and content_type == "text/csv":
        return lambda record: _columns(record, columns["inside"])
    if _PATH.fullmatch(expression) and "json" in content_type:
        return lambda record: _field(record, expression)
    raise FilterError(
        f"the embedded cloud does not emulate the filter {expression} of {content_type}"
    )


def joined(record: bytes, output: bytes, content_type: str) -> bytes:
    """Return a record together with what the model says of it.

    Raises:
        FilterError: a record of JSON is no object.
    """
    if "json" not in content_type:
        return record + b"," + output
    given = json.loads(record)
    if not isinstance(given, dict):
        raise FilterError("only objects of JSON can be joined with their output")
    return json.dumps({**given, OUTPUT: json.loads(output)}).encode()


def _columns(record: bytes, inside: str) -> bytes:
    cells = record.split(b",")
    chosen: list[bytes] = []
    for part in inside.split(","):
        if ":" in part:
            first, last = (int(text) if text.strip() else None for text in part.split(":"))
            chosen += cells[first:last]
        else:
            try:
                chosen.append(cells[int(part)])
            except (IndexError, ValueError) as error:
                raise FilterError(f"there is no column {part} in a record") from error
    return b",".join(chosen)


def _field(record: bytes, expression: str) -> bytes:
    value: Any = json.loads(record)
    for plain, quoted in _STEP.findall(expression):
        if not isinstance(value, dict) or (plain or quoted) not in value:
            raise FilterError(f"there is no {expression} in a record")
        value = value[plain or quoted]
    return json.dumps(value).encode()
