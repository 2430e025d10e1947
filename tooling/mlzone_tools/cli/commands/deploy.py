"""`mlzone deploy`: a business unit, into its accounts."""

from pathlib import Path

import click

from mlzone.estate import Stage
from mlzone_tools.cli.output import estate_option, json_option, show, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import deployment
from mlzone_tools.services import estate as estate_service


@click.command("deploy")
@click.argument("unit")
@click.option(
    "-e",
    "--environment",
    type=click.Choice([stage.value for stage in Stage]),
    help="Only this environment.",
)
@estate_option
@json_option
def command(unit: str, environment: str | None, estate_path: Path, *, as_json: bool) -> None:
    """Check, synthesize and deploy a business unit with the real CDK command line.

    The organization's guardrails and the shared services come first. A second run changes nothing.
    Exit code 3 if a finding is open, 4 if a stack failed and was rolled back.

    A unit that was removed leaves its data, keys and evidence under their names. They are listed,
    with exit code 4 and nothing deployed, until somebody has saved and deleted them.

    \b
    Example:
      mlzone deploy retail-banking -e dev
    """
    estate = estate_service.load(estate_path)
    stacks = deployment.deploy(
        embedded.running(), estate, estate_path, unit, environment, talk=talk
    )
    show({"stacks": stacks}, f"{len(stacks)} stacks are deployed", as_json=as_json)
