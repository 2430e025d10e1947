"""What an endpoint is asked, and what it answers: CSV and JSON.

CSV: rows without header in the order of the features; one probability a row comes back.
JSON: `{"instances": [{feature: value, …}, …]}`; `{"predictions": [{"probability", "decision"}]}`;
where answers are any numbers, `answer` in the place of `probability`.
"""

import csv
import io
import json
from collections.abc import Sequence

from mlzone_runtime.tabular_schema import InvalidValueError, Matrix, Schema

CSV = "text/csv"
JSON = "application/json"
_INSTANCES = "instances"


class BadRequestError(Exception):
    """A request that cannot be answered.

    Attributes:
        status: the HTTP status that says so.
        field: the feature at fault, or an empty text.
    """

    def __init__(self, message: str, *, field: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.field = field
        self.status = status

    def body(self) -> bytes:
        """Return the answer's body."""
        document = {"error": str(self)} | ({"field": self.field} if self.field else {})
        return json.dumps(document).encode()


def media_type(header: str) -> str:
    """Return the media type of a Content-Type header, without its parameters."""
    return header.partition(";")[0].strip().lower()


def answer_type(accept: str, asked: str) -> str:
    """Return the type of the answer: what the caller accepts, else the type of the question."""
    accepted = [media_type(item) for item in accept.split(",")]
    return next((kind for kind in accepted if kind in (CSV, JSON)), asked)


def decode(schema: Schema, body: bytes, kind: str) -> Matrix:
    """Return a request's rows as the model's numbers.

    Raises:
        BadRequestError: the body is not what the model expects; the error names the field.
    """
    if kind not in (CSV, JSON):
        raise BadRequestError(
            f"content type {kind or 'absent'}; expected {CSV} or {JSON}", status=415
        )
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the body is not UTF-8: {error.reason}") from error
    try:
        if kind == CSV:
            return _decode_csv(schema, text)
        return _decode_json(schema, text)
    except InvalidValueError as error:
        raise BadRequestError(str(error), field=error.field) from error


def encode(schema: Schema, probabilities: Sequence[object], kind: str) -> bytes:
    """Return the body of an answer; probabilities keep every digit of their precision."""
    if kind == CSV:
        return "".join(f"{item!s}\n" for item in probabilities).encode()
    numbers = [float(str(item)) for item in probabilities]
    return json.dumps(
        {
            "predictions": [
                {schema.answer_key: number, "decision": schema.decision(number)}
                for number in numbers
            ]
        }
    ).encode()


def _decode_csv(schema: Schema, text: str) -> Matrix:
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise BadRequestError(f"the body is no CSV: {error}") from error
    if not rows:
        raise BadRequestError("the body holds no row")
    if rows[0] == schema.names:
        raise BadRequestError("the first row is a header; send rows without header")
    return schema.encode(rows)


def _decode_json(schema: Schema, text: str) -> Matrix:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"the body is no JSON: {error}") from error
    instances = document.get(_INSTANCES) if isinstance(document, dict) else None
    if not isinstance(instances, list) or not instances:
        raise BadRequestError(f'expected {{"{_INSTANCES}": [{{feature: value, …}}, …]}}')
    known = set(schema.names)
    for index, instance in enumerate(instances):
        if not isinstance(instance, dict):
            raise InvalidValueError("", index, "is no object of features and values")
        for name in instance:
            if name not in known:
                raise InvalidValueError(name[:80], index, "is no feature of this model")
        for name in schema.names:
            if name not in instance:
                raise InvalidValueError(name, index, "is not there; send null if it is unknown")
    return schema.encode_records(instances)
