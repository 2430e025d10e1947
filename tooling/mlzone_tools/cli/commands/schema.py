"""`mlzone schema`: the estate's JSON schemas, for editors."""

from pathlib import Path

import click

from mlzone_tools.cli.output import json_option, show
from mlzone_tools.services import estate as service


@click.command("schema")
@click.argument("name", type=click.Choice(list(service.SCHEMAS)), required=False)
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write all schemas into this folder instead.",
)
@json_option
def command(name: str | None, folder: Path | None, *, as_json: bool) -> None:
    """Print one JSON schema, or write all of them.

    \b
    Example:
      mlzone schema business-unit
      mlzone schema --write organization/schema
    """
    if folder:
        files = service.write_schemas(folder)
        show(files, "\n".join(map(str, files)), as_json=as_json)
        return
    if not name:
        raise click.UsageError(f"name a schema ({', '.join(service.SCHEMAS)}), or give --write")
    show(service.schema(name), "", as_json=True)
