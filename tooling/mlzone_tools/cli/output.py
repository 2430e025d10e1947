"""How commands speak: data on standard output, talk on standard error, colour where wanted."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import BaseModel

from mlzone.errors import LandingZoneError
from mlzone.estate import Stage

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def json_option(command: CommandT) -> CommandT:
    """Add `--json` to a command, as the parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(
        command
    )


def estate_option(command: CommandT) -> CommandT:
    """Add `--estate` to a command, as the parameter `estate_path`."""
    return click.option(
        "--estate",
        "estate_path",
        type=click.Path(path_type=Path),
        default=Path("organization"),
        show_default=True,
        help="The estate's folder, or a file that holds a whole estate.",
    )(command)


def environment_option(command: CommandT) -> CommandT:
    """Add `--environment` to a command that is for all of them unless one is given."""
    return click.option(
        "-e",
        "--environment",
        type=click.Choice([stage.value for stage in Stage]),
        help="Only this environment.",
    )(command)


def serving_environment_option(command: CommandT) -> CommandT:
    """Add `--environment` to a command about a model where it serves: production by default."""
    return click.option(
        "-e",
        "--environment",
        type=click.Choice([Stage.STAGING.value, Stage.PROD.value]),
        default=Stage.PROD.value,
        show_default=True,
        help="Where the model serves.",
    )(command)


def jobs_option(command: CommandT) -> CommandT:
    """Add `--jobs` to a command, as the parameter `jobs`."""
    return click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        help="How many processes synthesize at once; the number of cores unless given.",
    )(command)


_CONVERSIONS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (datetime, lambda value: value.isoformat()),
    (Enum, lambda value: value.value),
    (Path, str),
    (BaseModel, lambda value: value.model_dump(mode="json")),
)


def plain(value: Any) -> Any:
    """Return a result as JSON's own types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    return value


def show(result: Any, text: str, *, as_json: bool) -> None:
    """Print a result: as JSON for machines, or the text for people."""
    click.echo(
        json.dumps(plain(result), indent=2, ensure_ascii=False, default=str) if as_json else text
    )


def talk(message: str) -> None:
    """Say something to the person at the terminal, beside the data."""
    click.echo(message, err=True)


def fail(error: LandingZoneError) -> None:
    """Explain an error: what happened, then what to do."""
    talk(f"{style('error:', 'red')} {error.message}")
    if error.hint:
        talk(f"\n{style('hint:', 'cyan')} {error.hint}")


def style(text: str, colour: str, *, bold: bool = False) -> str:
    """Colour a text, unless NO_COLOR is set or nobody at a terminal reads it."""
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        return text
    return click.style(text, fg=colour, bold=bold)


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Lay out rows under headings, in columns as wide as their content."""
    lines = [list(headings), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    rendered = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    rendered.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(rendered)
