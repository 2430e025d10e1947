"""`mlzone status`: what of the estate is deployed?"""

from pathlib import Path

import click

from mlzone_tools.cli.output import estate_option, json_option, show, table
from mlzone_tools.cloud import embedded
from mlzone_tools.services import deployment
from mlzone_tools.services import estate as estate_service


@click.command("status")
@click.option("-u", "--unit", help="Only this business unit, and what it needs.")
@estate_option
@json_option
def command(unit: str | None, estate_path: Path, *, as_json: bool) -> None:
    """Show every stack that the estate should have, and its status.

    Exit code 1 if one is missing or failed.

    \b
    Example:
      mlzone status -u retail-banking
    """
    states = deployment.states(embedded.running(), estate_service.load(estate_path), unit)
    rows = [(item.stack, item.account, item.region, item.status) for item in states]
    show(states, table(("stack", "account", "region", "status"), rows), as_json=as_json)
    if any(item.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE") for item in states):
        raise click.exceptions.Exit(1)
