"""Second step: data becomes records; every misfit is reported in the user's words."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mlzone.loading.parse import Document, FieldPath
from mlzone.loading.problem import Problem, path_text

RecordT = TypeVar("RecordT", bound=BaseModel)

_LONGEST_VALUE = 60

_PATTERNS = {
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$": (
        "use lower case, digits and single hyphens, starting with a letter"
    ),
    r"^[a-z][a-z0-9]*([.-][a-z0-9]+)*$": (
        "use the person's user name: lower case, digits, dots and hyphens"
    ),
    r"^\d{12}$": "expected a 12-digit account id, in quotes",
    r"^[a-z]{2}(-[a-z]+)+-\d$": "expected an AWS Region such as sa-east-1",
    r"^ml\.[a-z0-9-]+\.[a-z0-9]+$": "expected a SageMaker instance type such as ml.m5.large",
    r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$": "expected an IPv4 network such as 10.20.0.0/20",
    r"^[a-z][a-z0-9]{1,7}$": "use 2 to 8 lower-case letters and digits, starting with a letter",
    r"^o-[a-z0-9]{10,32}$": "expected an AWS organization id such as o-a1b2c3d4e5",
    r"^[A-Z0-9-]{2,20}$": "use 2 to 20 upper-case letters, digits and hyphens",
    r"^[a-z0-9-]+(\.[a-z0-9-]+)+$": "expected a domain such as example.com",
    r"^[A-Z]+-\d+$": "expected a ticket such as SEC-123",
    r"^vpc-[0-9a-f]{8,17}$": "expected a VPC id such as vpc-0a1b2c3d4e5f67890",
    r"^subnet-[0-9a-f]{8,17}$": "expected a subnet id such as subnet-0a1b2c3d4e5f67890",
    r"^sg-[0-9a-f]{8,17}$": "expected a security group id such as sg-0a1b2c3d4e5f67890",
    r"^arn:aws[a-z-]*:iam::\d{12}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]+$": (
        "expected the ARN of one role, such as arn:aws:iam::123456789012:role/core-banking"
    ),
    r"^[A-Za-z0-9_+=,.@:/-]{2,1224}$": (
        "use 2 to 1224 letters, digits and the characters _+=,.@:/-"
    ),
    r"^[a-z][a-z0-9_]{0,63}$": "use lower case, digits and underscores, starting with a letter",
}
"""What to do about a value that misses a pattern, in words."""


def shape(
    record: type[RecordT], document: Document, path: FieldPath, problems: list[Problem]
) -> RecordT | None:
    """Validate the data at `path` of a document.

    Args:
        record: what the data should be.
        document: the parsed file.
        path: where in the file.
        problems: what is wrong is added here.

    Returns:
        The record, or None if anything is wrong with it.
    """
    data = document.data
    for part in path:
        data = data[part]
    try:
        return record.model_validate(data)
    except ValidationError as error:
        problems += [
            _problem(record, document, path, detail)
            for detail in error.errors(include_url=False)
            if not _follows_from_another(detail)
        ]
    return None


def _problem(
    record: type[BaseModel], document: Document, prefix: FieldPath, detail: ErrorDetails
) -> Problem:
    path = (*prefix, *detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = _fields_at(record, detail["loc"][:-1])
        message = f'unknown field "{path[-1]}"{_suggestion(str(path[-1]), known)}'
        return Problem(document.key_place(path), path_text(path), message)
    explain = _EXPLANATIONS.get(detail["type"], _otherwise)
    return Problem(document.place(path), path_text(path), explain(detail))


def _follows_from_another(detail: ErrorDetails) -> bool:
    """Tell whether a list is only too short because one of its items is wrong."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _fields_at(record: type[BaseModel], loc: tuple[str | int, ...]) -> tuple[str, ...]:
    """Return the names of the fields that the record at `loc` knows."""
    current: Any = record
    for part in loc:
        if isinstance(part, int):
            continue
        field = next(
            (field for name, field in current.model_fields.items() if part in (name, field.alias)),
            None,
        )
        current = _record_in(field.annotation) if field else None
        if current is None:
            return ()
    return tuple(field.alias or name for name, field in current.model_fields.items())


def _record_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := _record_in(argument):
            return found
    return None


def _suggestion(given: str, known: tuple[str, ...]) -> str:
    # Imported here: difflib is only needed on the way to an error.
    import difflib  # noqa: PLC0415

    close = difflib.get_close_matches(given, known, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; expected one of {', '.join(known)}" if known else ""


def _value(detail: ErrorDetails) -> str:
    value = detail["input"]
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f'{text[: _LONGEST_VALUE - 2]}…"'


def _context(detail: ErrorDetails, key: str) -> Any:
    return detail.get("ctx", {}).get(key)


def _mismatch(detail: ErrorDetails) -> str:
    pattern = str(_context(detail, "pattern"))
    return f"got {_value(detail)}; {_PATTERNS.get(pattern, f'expected {pattern}')}"


def _expected(what: str) -> Callable[[ErrorDetails], str]:
    return lambda detail: f"got {_value(detail)}; expected {what}"


def _bound(words: str, key: str) -> Callable[[ErrorDetails], str]:
    return lambda detail: f"got {_value(detail)}; expected {words} {_context(detail, key)}"


def _length(words: str, key: str, unit: str) -> Callable[[ErrorDetails], str]:
    def explain(detail: ErrorDetails) -> str:
        limit = _context(detail, key)
        plural = "" if limit == 1 else "s"
        return f"got {_value(detail)}; expected {words} {limit} {unit}{plural}"

    return explain


def _missing(detail: ErrorDetails) -> str:
    return f'field "{detail["loc"][-1]}" is missing'


def _custom(detail: ErrorDetails) -> str:
    return str(_context(detail, "error"))


def _otherwise(detail: ErrorDetails) -> str:
    message = detail["msg"]
    return f"got {_value(detail)}; {message[0].lower()}{message[1:]}"


_EXPLANATIONS: dict[str, Callable[[ErrorDetails], str]] = {
    "bool_parsing": _expected("true or false"),
    "bool_type": _expected("true or false"),
    "date_from_datetime_parsing": _expected("a date such as 2027-06-30"),
    "date_parsing": _expected("a date such as 2027-06-30"),
    "date_type": _expected("a date such as 2027-06-30"),
    "float_parsing": _expected("a number"),
    "float_type": _expected("a number"),
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "int_from_float": _expected("a whole number"),
    "int_parsing": _expected("a whole number"),
    "int_type": _expected("a whole number"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "literal_error": _bound("one of", "expected"),
    "missing": _missing,
    "model_attributes_type": _expected("a mapping of fields"),
    "model_type": _expected("a mapping of fields"),
    "string_pattern_mismatch": _mismatch,
    "string_too_long": _length("at most", "max_length", "character"),
    "string_too_short": _length("at least", "min_length", "character"),
    "string_type": _expected("text, in quotes"),
    "too_long": _length("at most", "max_length", "item"),
    "too_short": _length("at least", "min_length", "item"),
    "tuple_type": _expected("a list"),
    "value_error": _custom,
}
