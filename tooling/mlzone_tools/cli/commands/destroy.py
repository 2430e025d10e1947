"""`mlzone destroy`: a business unit, out of its accounts."""

import sys
from pathlib import Path

import click

from mlzone.errors import ConfigError
from mlzone_tools.cli.output import environment_option, estate_option, json_option, show, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services import removal


@click.command("destroy")
@click.argument("unit")
@environment_option
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.option("--dry-run", is_flag=True, help="Only say what would go and what would stay.")
@estate_option
@json_option
def command(
    unit: str,
    environment: str | None,
    estate_path: Path,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove a business unit's stacks with the real CDK command line.

    Data, keys and evidence are kept, and listed: buckets, logs, repositories, databases. Under the
    same names the unit cannot be deployed again until they are saved and deleted.

    The organization's stacks stay. A removal that was interrupted goes on with a second run.

    \b
    Example:
      mlzone destroy retail-banking -e dev --dry-run
    """
    estate = estate_service.load(estate_path)
    endpoint = embedded.running()
    planned = removal.plan(endpoint, estate, unit, environment)
    talk(f"{len(planned.stacks)} stacks go: {', '.join(planned.stacks) or 'none is deployed'}")
    talk(f"{len(planned.kept)} resources stay, because they hold data, keys or evidence")
    if dry_run or not planned.stacks:
        show(planned, _text(planned), as_json=as_json)
        return
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("nobody is there to confirm", hint="add --yes to remove")
        click.confirm(f"Remove {unit}?", abort=True, err=True)
    done = removal.remove(endpoint, estate, estate_path, unit, environment, talk=talk)
    show(done, _text(done), as_json=as_json)


def _text(planned: removal.Removal) -> str:
    return "\n".join(f"kept  {item.stack}  {item.type}  {item.name}" for item in planned.kept)
