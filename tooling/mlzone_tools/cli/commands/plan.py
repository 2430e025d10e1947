"""`mlzone plan`: what does a change do?"""

import json
from pathlib import Path

import click

from mlzone_tools.cli import plan_layout
from mlzone_tools.cli.output import environment_option, estate_option, json_option, plain, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services.plan import making, saved
from mlzone_tools.services.plan.deployed import plan_deployed

_BLOCKED, _CHANGED = 3, 1


@click.command("plan")
@click.option("--base", metavar="REVISION", help="What to compare with: a revision.")
@click.option(
    "--deployed", is_flag=True, help="Compare with what is deployed, not with a revision."
)
@click.option("-u", "--unit", help="With --deployed: only this business unit, and what it needs.")
@environment_option
@click.option(
    "--format",
    "layout",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to print the plan.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan, for `mlzone deploy --plan`.",
)
@estate_option
@json_option
def command(
    base: str | None,
    unit: str | None,
    environment: str | None,
    layout: str,
    out: Path | None,
    estate_path: Path,
    *,
    deployed: bool,
    as_json: bool,
) -> None:
    """Show what a change of the estate does, before it is merged or deployed.

    The estate as it lies here is compared with a revision of its git repository: what changes in
    the estate's own words; which resources are added, changed, replaced or deleted, and what is
    lost with them; which access is gained and lost; findings, waivers, cost, quotas; and who must
    approve, and why. Only the stacks that can differ are synthesized.

    With `--deployed`, the templates of the deployed stacks are the base: what was deployed from
    elsewhere, or never, shows; so do stacks that the estate does not have any more. Templates do
    not tell which estate they were made from: such a plan is about resources, data and stacks.

    Exit code 0 if nothing changes, 1 if something does, 3 if the change must not be merged as it
    is: it loses data without an allowance in allowances.yaml, or it has an open finding.

    \b
    Example:
      mlzone plan --base main
      mlzone plan --base main --format markdown --out plan.json
      mlzone plan --deployed
    """
    if deployed == bool(base):
        raise click.UsageError("give either --base REVISION or --deployed")
    if base and (unit or environment):
        raise click.UsageError("a revision is compared as a whole, without --unit, --environment")
    plan = (
        making.plan_against(estate_path, base=base)
        if base
        else plan_deployed(embedded.running(), estate_path, unit=unit, stage=environment, talk=talk)
    )
    if out:
        saved.save(plan, out)
        talk(f"saved as {out}")
    if as_json or layout == "json":
        click.echo(json.dumps(plain(plan), indent=2, ensure_ascii=False))
    else:
        click.echo(plan_layout.markdown(plan) if layout == "markdown" else plan_layout.text(plan))
    if plan.blockers:
        raise click.exceptions.Exit(_BLOCKED)
    if plan.changed:
        raise click.exceptions.Exit(_CHANGED)
