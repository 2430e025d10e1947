"""`mlzone drift`: what did somebody change by hand?"""

from pathlib import Path

import click

from mlzone_tools.cli.output import estate_option, json_option, show, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import drift as service
from mlzone_tools.services import estate as estate_service


@click.command("drift")
@click.option("-u", "--unit", help="Only this business unit, and what it needs.")
@estate_option
@json_option
def command(unit: str | None, estate_path: Path, *, as_json: bool) -> None:
    """Compare what is deployed with its templates, and tell whose it is.

    CloudFormation compares; resources that were changed or deleted beside the estate are shown with
    what they should be. Exit code 1 if there are some.

    \b
    Example:
      mlzone drift -u retail-banking
    """
    estate = estate_service.load(estate_path)
    found = service.find_drift(embedded.running(), estate, unit, talk=talk)
    text = "\n".join(service.lines(found)) or "everything is as the estate says"
    show(found, text, as_json=as_json)
    if found:
        raise click.exceptions.Exit(1)
