"""What the platform tells the build: the delivery parameter, checked against its schema."""

import json
from pathlib import Path
from typing import Any

import jsonschema

PROJECT = Path(__file__).resolve().parent.parent
_SCHEMA = PROJECT / "delivery.schema.json"


class BuildError(Exception):
    """The build cannot go on; the message says why and what to do."""


def parse(text: str) -> dict[str, Any]:
    """Return the parameter's content.

    Raises:
        BuildError: it is not what the schema says.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        jsonschema.validate(document, json.loads(_SCHEMA.read_text(encoding="utf-8")))
    except ValueError as error:
        raise BuildError(f"the delivery parameter is no JSON: {error}") from error
    except jsonschema.ValidationError as error:
        raise BuildError(f"delivery parameter, {error.json_path}: {error.message}") from error
    return document
