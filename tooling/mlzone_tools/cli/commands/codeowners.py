"""`mlzone codeowners`: who reviews which file."""

from pathlib import Path

import click

from mlzone.code_owners import code_owners
from mlzone_tools.cli.output import estate_option, json_option, show
from mlzone_tools.services import estate as service


@click.command("codeowners")
@click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write this file instead, such as .github/CODEOWNERS.",
)
@estate_option
@json_option
def command(file: Path | None, estate_path: Path, *, as_json: bool) -> None:
    """Print a CODEOWNERS file: a unit's owner reviews the unit, security officers the waivers.

    Run it again when owners change; a pull request can then only be merged with their approval.

    \b
    Example:
      mlzone codeowners --write .github/CODEOWNERS
    """
    text = code_owners(service.load(estate_path), estate_path.name)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        service.write_text(file, text)
    show({"file": str(file or ""), "content": text}, str(file) if file else text, as_json=as_json)
