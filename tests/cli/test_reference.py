"""The reference of the command line is complete, and what the program says of itself."""

from pathlib import Path

import click

from mlzone_tools.cli.main import cli
from mlzone_tools.cli.reference import render
from mlzone_tools.cli.shapes import SHAPES

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> dict[str, click.Command]:
    context = click.Context(group)
    found: dict[str, click.Command] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            found |= leaves(command, (*path, name))
        elif command:
            found[" ".join((*path, name))] = command
    return found


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "run: python -m mlzone_tools.cli.reference > docs/command-line.md"
    )


def test_every_command_documents_its_JSON():
    commands = leaves(cli)

    assert {key.partition(" --")[0] for key in SHAPES} == set(commands)
    for name, command in commands.items():
        assert "as_json" in {parameter.name for parameter in command.params}, name


def test_every_command_has_a_purpose_and_an_example():
    for name, command in leaves(cli).items():
        assert f"mlzone {name}" in (command.help or ""), name
