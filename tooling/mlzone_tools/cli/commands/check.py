"""`mlzone check`: do templates keep the rules?"""

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import click

from mlzone_tools.cli.output import estate_option, jobs_option, json_option, plain, table, talk
from mlzone_tools.services.check import (
    Answer,
    Check,
    Verdict,
    WaiverCount,
    check_estate,
    check_path,
)
from mlzone_tools.services.check.junit import junit
from mlzone_tools.services.check.sarif import sarif

_FORMATS = ("text", "json", "sarif", "junit")


@dataclass(frozen=True, kw_only=True)
class _Summary:
    """A check, as JSON."""

    folder: Path
    stacks: tuple[str, ...]
    resources: int
    seconds: float
    counts: dict[str, int]
    waivers: WaiverCount
    answers: tuple[Answer, ...]


@click.command("check")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("-u", "--unit", help="Only this business unit.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="How to say it. SARIF and JUnit have every answer.",
)
@click.option("--all", "every", is_flag=True, help="Say what holds, too: evidence.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file."
)
@jobs_option
@estate_option
@json_option
def command(
    path: Path | None,
    unit: str | None,
    form: str,
    out: Path | None,
    jobs: int | None,
    estate_path: Path,
    *,
    every: bool,
    as_json: bool,
) -> None:
    """Check templates against the rules; exit code 3 if a finding is open.

    Without PATH, the estate is synthesized and checked with our rules and with cdk-nag
    (AwsSolutions, NIST 800-53 Rev. 5). With PATH, the folder of a cloud assembly or one template in
    JSON or YAML is checked with our rules alone, whoever wrote it; the estate's waivers hold for it
    if the estate is there.

    Waivers of the estate acknowledge findings, but none of a fatal control; one that acknowledges
    nothing is a finding itself.

    \b
    Examples:
      mlzone check -u retail-banking
      mlzone check cdk.out --format sarif --out check.sarif
      mlzone check elsewhere/template.yaml --all --json
    """
    if path is None:
        check = check_estate(estate_path, unit, jobs=jobs, talk=talk)
    else:
        check = check_path(path, estate_path if estate_path.exists() else None)
    written = _written(check, "json" if as_json else form, every=every)
    if out:
        out.write_text(written + "\n", encoding="utf-8")
        click.echo(_counted(check), err=True)
    else:
        click.echo(written)
    if check.open:
        raise click.exceptions.Exit(3)


def _written(check: Check, form: str, *, every: bool) -> str:
    if form == "sarif":
        return json.dumps(sarif(check, version("mlops-landing-zone")), indent=1)
    if form == "junit":
        return junit(check)
    shown = check.answers if every else check.open
    if form == "json":
        summary = _Summary(
            folder=check.folder,
            stacks=check.stacks,
            resources=check.resources,
            seconds=check.seconds,
            counts=dict(check.counts),
            waivers=check.waivers,
            answers=shown,
        )
        return json.dumps(plain(summary), indent=2, default=str)
    rows = [
        (item.verdict.value, item.rule, item.place, item.waiver or item.message) for item in shown
    ]
    listing = table(("verdict", "rule", "where", "finding"), rows) + "\n\n" if rows else ""
    return listing + _counted(check)


def _counted(check: Check) -> str:
    counts, waivers = check.counts, check.waivers
    expiry = f", next to expire {waivers.next_expiry}" if waivers.next_expiry else ""
    return (
        f"{len(check.open)} open findings, {counts[Verdict.WAIVED]} waived, "
        f"{counts[Verdict.PASS]} held, in {len(check.stacks)} stacks with {check.resources} "
        f"resources ({check.seconds} s)\n"
        f"{waivers.waivers} waivers, {waivers.per_hundred_resources} for 100 resources, "
        f"the oldest of {waivers.oldest_days} days{expiry}"
    )
