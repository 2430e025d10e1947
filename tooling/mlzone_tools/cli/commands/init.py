"""`mlzone init`: begin an estate."""

from pathlib import Path

import click

from mlzone_tools.cli.output import json_option, show
from mlzone_tools.services import starter


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", required=True, help="The organization's name, for people.")
@click.option("--prefix", required=True, help="Begins the name of every resource: 2 to 8 letters.")
@click.option("--region", default="us-east-1", show_default=True, help="The home Region.")
@click.option("--domain", required=True, help="The domain of e-mail addresses.")
@json_option
def command(
    folder: Path, name: str, prefix: str, region: str, domain: str, *, as_json: bool
) -> None:
    """Write the smallest valid estate into a new folder, to be filled in.

    Nothing that exists is overwritten.

    \b
    Example:
      mlzone init organization --name "My Bank" --prefix mybank --domain mybank.example
    """
    files = starter.start(folder, name=name, prefix=prefix, region=region, domain=domain)
    listing = "\n".join(f"wrote {path}" for path in files)
    show(files, f"{listing}\nnext: fill in your accounts and people, then `mlzone validate`", as_json=as_json)  # fmt: skip  # noqa: E501
