"""`mlzone destroy`: a business unit, or what a plan says, out of its accounts."""

import sys
from pathlib import Path

import click

from mlzone.errors import ConfigError
from mlzone_tools.cli.output import environment_option, estate_option, json_option, show, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services import removal
from mlzone_tools.services.plan import saved


@click.command("destroy")
@click.argument("unit", required=False)
@environment_option
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Remove the stacks that this plan says go, in its order.",
)
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.option("--dry-run", is_flag=True, help="Only say what would go and what would stay.")
@estate_option
@json_option
def command(
    unit: str | None,
    environment: str | None,
    plan_file: Path | None,
    estate_path: Path,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove a business unit's stacks with the real CDK command line, or what a plan says goes.

    A team or a unit is let go by a pull request that takes it out of the estate. Its plan says what
    goes, what stays and in which order; `--plan` follows it. A plan that is blocked, or older than
    estate or code, is refused.

    Applications and private spaces that people have in Studio are closed first. Data, keys and
    evidence are kept, and listed: buckets, logs, repositories, databases. Under the same names the
    unit cannot be deployed again until they are saved and deleted.

    The organization's stacks stay. A removal that was interrupted goes on with a second run.

    \b
    Example:
      mlzone destroy retail-banking -e dev --dry-run
      mlzone destroy --plan plan.json
    """
    estate = estate_service.load(estate_path)
    endpoint = embedded.running()
    if bool(unit) == bool(plan_file):
        raise click.UsageError("give either a business unit or --plan FILE")
    if plan_file and environment:
        raise click.UsageError("a plan says itself what goes; leave --environment out")
    saved_plan = saved.read(plan_file) if plan_file else None
    planned = (
        removal.planned(endpoint, estate, saved_plan)
        if saved_plan
        else removal.plan(endpoint, estate, unit or "", environment)
    )
    talk(f"{len(planned.stacks)} stacks go: {', '.join(planned.stacks) or 'none is deployed'}")
    talk(f"{len(planned.kept)} resources stay, because they hold data, keys or evidence")
    if dry_run or not planned.stacks:
        show(planned, _text(planned), as_json=as_json)
        return
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("nobody is there to confirm", hint="add --yes to remove")
        click.confirm(f"Remove {unit or 'what the plan says'}?", abort=True, err=True)
    done = (
        removal.remove_planned(endpoint, estate, saved_plan, talk=talk)
        if saved_plan
        else removal.remove(endpoint, estate, estate_path, unit or "", environment, talk=talk)
    )
    show(done, _text(done), as_json=as_json)


def _text(planned: removal.Removal) -> str:
    return "\n".join(f"kept  {item.stack}  {item.type}  {item.name}" for item in planned.kept)
