"""Reads, checks, starts and describes the estate."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mlzone.errors import ConfigError
from mlzone.estate import Estate
from mlzone.estate.organization import Organization
from mlzone.estate.unit import BusinessUnit
from mlzone.loading import EstateError, Problem, load_estate
from mlzone.loading.load import AllowanceFile, EstateFile, WaiverFile

SCHEMAS: dict[str, type[BaseModel]] = {
    "organization": Organization,
    "business-unit": BusinessUnit,
    "waivers": WaiverFile,
    "allowances": AllowanceFile,
    "estate": EstateFile,
}
"""The JSON schemas by name; `estate` is the whole estate in one file."""


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The result of checking an estate."""

    valid: bool
    problems: tuple[Problem, ...]
    units: int = 0
    teams: int = 0
    people: int = 0
    models: int = 0
    waivers: int = 0


def validate(location: Path) -> Validation:
    """Check an estate and count what it holds."""
    try:
        estate = load_estate(location)
    except EstateError as error:
        return Validation(valid=False, problems=error.problems)
    return Validation(
        valid=True,
        problems=(),
        units=len(estate.units),
        teams=sum(len(unit.teams) for unit in estate.units),
        people=len({assignment.person for assignment in estate.assignments()}),
        models=sum(1 for _ in estate.models()),
        waivers=len(estate.waivers),
    )


def load(location: Path) -> Estate:
    """Load an estate for a command that works with it.

    Raises:
        ConfigError: the estate is invalid; the message tells every problem.
    """
    try:
        return load_estate(location)
    except EstateError as error:
        listing = "\n".join(f"  {problem}" for problem in error.problems)
        raise ConfigError(f"{error.message}\n{listing}", hint=error.hint) from error


def schema(name: str) -> dict[str, Any]:
    """Return the JSON schema of one kind of estate file, for editors."""
    document = SCHEMAS[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}


def write_schemas(folder: Path) -> tuple[Path, ...]:
    """Write every schema as `<name>.schema.json`; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in SCHEMAS:
        path = folder / f"{name}.schema.json"
        write_text(path, json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n")
        written.append(path)
    return tuple(written)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: to a temporary file first, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
