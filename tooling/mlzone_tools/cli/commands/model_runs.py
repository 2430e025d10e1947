"""`mlzone model runs`: what was tried for a model, with figures."""

from pathlib import Path

import click

from mlzone.estate import Stage
from mlzone_tools.cli.output import estate_option, json_option, show, table
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import experiment
from mlzone_tools.services.model.session_of import stage_session

_FIGURES = 4
_SHORT = 12


@click.command("runs")
@click.argument("model")
@click.option(
    "--last", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most."
)
@click.option("--as", "person", help="Who looks: a member of the team.")
@estate_option
@json_option
def command(model: str, last: int, person: str | None, estate_path: Path, *, as_json: bool) -> None:
    """List a model's runs in its team's MLflow App, newest first: builds, and what people tried.

    A build's run names the version that came of it, or why none did. Exit code 3 if the person may
    not look, 4 if MLflow does not answer.

    \b
    Example:
      mlzone model runs retail-banking/credit-default
      mlzone model runs retail-banking/credit-default --as ana.souza --json
    """
    estate = estate_service.load(estate_path)
    unit, _, _ = estate.model(model)
    session = stage_session(embedded.running(), estate, unit.name, Stage.DEV, person)
    found = experiment.runs(session, estate, model, most=last)
    rows = [
        (
            item.run[:_SHORT],
            item.kind,
            item.status,
            str(item.version or ""),
            item.author,
            item.commit[:_SHORT],
            f"{item.started:%Y-%m-%d %H:%M}",
            ", ".join(
                f"{name} {value:.4g}" for name, value in sorted(item.metrics.items())[:_FIGURES]
            )
            or item.reason.partition("\n")[0],
        )
        for item in found
    ]
    heads = ("run", "kind", "status", "version", "by", "commit", "began", "figures, or why not")
    show(found, table(heads, rows) if rows else f"{model} has no run yet", as_json=as_json)
