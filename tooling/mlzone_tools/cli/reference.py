"""Writes the reference of the command line: `python -m mlzone_tools.cli.reference`.

The commands' own help is the source, so that page and program cannot differ.
"""

import inspect
import json
from collections.abc import Iterator

import click

from mlzone_tools.cli.main import cli
from mlzone_tools.cli.shapes import SHAPES

_HEAD = """# Command line

Written by `python -m mlzone_tools.cli.reference > docs/command-line.md` from the commands' own
help.

Data goes to standard output, talk to standard error. Every command has `--help`, and every command
that prints data has `--json`; with it nothing but JSON is on standard output. Colours are left out
where nobody at a terminal reads, or where `NO_COLOR` is set.

| Exit code | Means |
|---|---|
| 0 | ok |
| 1 | findings or differences |
| 2 | bad configuration or input; nothing was changed |
| 3 | a control refuses; the message names the deciding policy statement |
| 4 | a deployment or a tool failed |
| 130 | interrupted; the same command goes on |

| Environment variable | Does |
|---|---|
| `MLZONE_STATE` | the state folder of the embedded cloud, for all commands (`.mlzone/cloud`); after `mlzone demo --keep` it is `.mlzone/demo` |
| `NO_COLOR` | no colours |

In the shapes below a text in angle brackets says what a value is.
"""  # noqa: E501


def render() -> str:
    """Return the page, in Markdown."""
    sections = [_section(path, command) for path, command in _commands(cli, ())]
    return "\n".join([_HEAD, *sections])


def _commands(
    group: click.Group, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context) if not path else list(group.commands):
        command = group.get_command(context, name)
        if command is None:
            continue
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _section(path: tuple[str, ...], command: click.Command) -> str:
    name = " ".join(path)
    text, _, example = inspect.cleandoc(command.help or "").partition("\b\nExample:\n")
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"## mlzone {name}", "", f"`mlzone {name} {usage}`", "", text.strip(), ""]
    if example:
        lines += ["```sh", inspect.cleandoc(example), "```", ""]
    lines += list(_options(command, context))
    for key, shape in SHAPES.items():
        if key == name or key.startswith(f"{name} --"):
            lines += [f"`mlzone {key} --json` prints", "", *_shape(shape), ""]
    return "\n".join(lines)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [
        record
        for parameter in command.params
        if isinstance(parameter, click.Option)
        and parameter.name not in ("as_json", "estate_path")
        and (record := parameter.get_help_record(context))
    ]
    if records:
        yield from ("| Option | |", "|---|---|")
        for names, text in records:
            yield f"| `{names.replace('|', ', ')}` | {' '.join(text.split())} |"
        yield ""


def _shape(shape: object) -> list[str]:
    if isinstance(shape, str):
        return [shape.strip("<>") + "."]
    return ["```json", json.dumps(shape, indent=2, ensure_ascii=False), "```"]


if __name__ == "__main__":
    click.echo(render(), nl=False)
