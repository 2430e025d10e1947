"""`mlzone deploy`: a business unit, into its accounts."""

from pathlib import Path

import click

from mlzone_tools.cli.output import environment_option, estate_option, json_option, show, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import deployment
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.plan import saved


@click.command("deploy")
@click.argument("unit")
@environment_option
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Deploy what this plan says, exactly that, or refuse.",
)
@estate_option
@json_option
def command(
    unit: str,
    environment: str | None,
    plan_file: Path | None,
    estate_path: Path,
    *,
    as_json: bool,
) -> None:
    """Check, synthesize and deploy a business unit with the real CDK command line.

    The organization's guardrails and the shared services come first. A second run changes nothing.
    With `--plan` only the stacks that the plan adds or changes are deployed. A plan that is
    blocked, or older than estate, code or templates, is refused.

    Exit code 3 if a finding is open or the plan is refused, 4 if a stack failed and was rolled
    back.

    A unit that was removed leaves its data, keys and evidence under their names. They are listed,
    with exit code 4 and nothing deployed, until somebody has saved and deleted them.

    \b
    Example:
      mlzone deploy retail-banking -e dev
      mlzone deploy retail-banking --plan plan.json
    """
    estate = estate_service.load(estate_path)
    plan = saved.read(plan_file) if plan_file else None
    stacks = deployment.deploy(
        embedded.running(), estate, estate_path, unit, environment, plan=plan, talk=talk
    )
    show({"stacks": stacks}, f"{len(stacks)} stacks are deployed", as_json=as_json)
