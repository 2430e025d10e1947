"""`mlzone synth`: the estate as CloudFormation templates."""

from pathlib import Path

import click

from mlzone_tools.cli.output import (
    environment_option,
    estate_option,
    jobs_option,
    json_option,
    show,
    talk,
)
from mlzone_tools.services import synthesis


@click.command("synth")
@click.option("-u", "--unit", help="Only this business unit.")
@environment_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("cdk.out"),
    show_default=True,
    help="The folder of the assembly.",
)
@jobs_option
@estate_option
@json_option
def command(
    unit: str | None,
    environment: str | None,
    output: Path,
    jobs: int | None,
    estate_path: Path,
    *,
    as_json: bool,
) -> None:
    """Write the templates of the estate, or of a part of it; the same bytes each time.

    Several processes share the stacks, and a stack whose part of the estate, code, tools and
    waivers are as before is not made again (`.mlzone/synth`). `cdk synth` writes the same, slower.

    Exit code 3 if a check has a finding.

    \b
    Example:
      mlzone synth -u retail-banking -e dev
    """
    result = synthesis.synthesize(
        output=output, estate=estate_path, unit=unit, stage=environment, jobs=jobs, talk=talk
    )
    text = (
        f"{len(result.stacks)} stacks with {result.resources} resources in {result.folder} "
        f"({result.seconds} s)"
    )
    show(result, text, as_json=as_json)
    synthesis.require_clean(result)
