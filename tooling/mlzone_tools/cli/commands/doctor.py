"""`mlzone doctor`: is this machine fit?"""

from pathlib import Path

import click

from mlzone_tools.cli.output import estate_option, json_option, show, table
from mlzone_tools.services.doctor import examine


@click.command("doctor")
@estate_option
@json_option
def command(estate_path: Path, *, as_json: bool) -> None:
    """Check the tools, the disk, the estate and the embedded cloud; say what to do.

    Where the estate has SageMaker Model Monitor run the monitors, it is asked whether the account
    can still make its schedules: AWS closed it to new customers.

    Exit code 1 if something must be put right.

    \b
    Example:
      mlzone doctor
    """
    checks = examine(estate_path)
    rows = [(check.health, check.name, check.finding, check.advice) for check in checks]
    show(checks, table(("", "what", "finding", "what to do"), rows), as_json=as_json)
    if any(check.health == "problem" for check in checks):
        raise click.exceptions.Exit(1)
