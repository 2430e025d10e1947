"""`mlzone check`: does the estate keep its rules?"""

import tempfile
from pathlib import Path

import click

from mlzone_tools.cli.output import estate_option, json_option, show, table
from mlzone_tools.services import synthesis


@click.command("check")
@click.option("-u", "--unit", help="Only this business unit.")
@estate_option
@json_option
def command(unit: str | None, estate_path: Path, *, as_json: bool) -> None:
    """Check the templates with cdk-nag, with our rules and against AWS's quotas.

    Findings that a waiver of the estate acknowledges are counted, not shown. Exit code 3 if a
    finding is open.

    \b
    Example:
      mlzone check -u retail-banking --json
    """
    with tempfile.TemporaryDirectory(prefix="mlzone-check-") as folder:
        result = synthesis.synthesize(output=Path(folder), estate=estate_path, unit=unit)
    summary = (
        f"{len(result.findings)} open findings, {result.acknowledged} acknowledged by waivers, in "
        f"{len(result.stacks)} stacks with {result.resources} resources"
    )
    rows = [(item.rule, item.construct, item.description) for item in result.findings]
    listing = f"{table(('rule', 'construct', 'finding'), rows)}\n\n" if rows else ""
    show(result, listing + summary, as_json=as_json)
    if not result.clean:
        raise click.exceptions.Exit(3)
