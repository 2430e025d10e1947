"""`mlzone model batches|backfill`: what a model was asked by the day, and is to be asked again."""

from datetime import datetime
from pathlib import Path

import click

from mlzone.estate import Stage
from mlzone_tools.cli.output import (
    estate_option,
    json_option,
    serving_environment_option,
    show,
    table,
    talk,
)
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import batches
from mlzone_tools.services.model.session_of import stage_session

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("backfill")
@click.argument("model")
@click.option("--from", "first", type=_DAY, required=True, help="The first day.")
@click.option("--to", "last", type=_DAY, required=True, help="The last day.")
@serving_environment_option
@click.option(
    "--at-once",
    type=click.IntRange(1, 20),
    default=4,
    show_default=True,
    help="How many days are under way at the same time.",
)
@click.option("--as", "person", required=True, help="Who asks: an engineer of the team.")
@estate_option
@json_option
def backfill(
    model: str,
    first: datetime,
    last: datetime,
    environment: str,
    at_once: int,
    person: str,
    estate_path: Path,
    *,
    as_json: bool,
) -> None:
    """Have a model with daily batches answer for a range of days, and wait.

    For each day: what lies below `ZONE/batches/MODEL/input/yyyy/mm/dd/` in the team's data. A day
    for which the release that serves has answered the same records stays as it is; so the command
    can be run again, and goes on where it stopped. New input, or a new release, is answered anew.
    Exit code 1 if a day failed, 3 if the person may not.

    \b
    Example:
      mlzone model backfill retail-banking/loan-review --from 2026-11-01 --to 2026-11-28 \\
        --as fabio.melo
    """
    estate = estate_service.load(estate_path)
    unit, _, _ = estate.model(model)
    wanted = batches.days(first.date(), last.date())
    stage = Stage(environment)
    session = stage_session(embedded.running(), estate, unit.name, stage, person)
    done = batches.backfill(session, estate, model, stage, wanted, at_once=at_once, talk=talk)
    rows = [(item.day, item.state, item.reason or item.results) for item in done]
    show(done, table(("day", "state", "answers"), rows), as_json=as_json)
    if any(item.failed for item in done):
        raise click.exceptions.Exit(1)


@click.command("batches")
@click.argument("model")
@serving_environment_option
@click.option(
    "--last", type=click.IntRange(1, 100), default=14, show_default=True, help="How many at most."
)
@estate_option
@json_option
def batches_(model: str, environment: str, last: int, estate_path: Path, *, as_json: bool) -> None:
    """List what a model with daily batches was asked, newest first.

    A day that was asked about again, with other records or by another release, is listed again.

    \b
    Example:
      mlzone model batches retail-banking/loan-review
    """
    estate = estate_service.load(estate_path)
    unit, _, _ = estate.model(model)
    stage = Stage(environment)
    session = stage_session(embedded.running(), estate, unit.name, stage)
    found = batches.asked(session, estate, model, stage, most=last)
    rows = [
        (item.day, item.state, item.release, f"{item.began:%Y-%m-%d %H:%M}",
         item.reason or item.results)
        for item in found
    ]  # fmt: skip
    text = table(("day", "state", "release", "began", "answers"), rows)
    show(found, text if rows else f"{model} was asked nothing yet", as_json=as_json)
