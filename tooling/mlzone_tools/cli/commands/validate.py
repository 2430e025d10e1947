"""`mlzone validate`: is the estate right?"""

from pathlib import Path

import click

from mlzone_tools.cli.output import estate_option, json_option, show
from mlzone_tools.services import estate as service


@click.command("validate")
@estate_option
@json_option
def command(estate_path: Path, *, as_json: bool) -> None:
    """Check the estate and report every problem at once.

    Each problem names file, line, column and field. Nothing is written. Exit code 2 if the estate
    is invalid.

    \b
    Example:
      mlzone validate
      mlzone validate --estate organization/samples/minimal.yaml --json
    """
    result = service.validate(estate_path)
    if result.valid:
        text = (
            f"valid: {result.units} business units, {result.teams} teams, {result.people} people, "
            f"{result.models} models, {result.waivers} waivers"
        )
    else:
        count = len(result.problems)
        text = "\n".join(
            [*map(str, result.problems), f"{count} problem{'s' if count != 1 else ''}"]
        )
    show(result, text, as_json=as_json)
    if not result.valid:
        raise click.exceptions.Exit(2)
