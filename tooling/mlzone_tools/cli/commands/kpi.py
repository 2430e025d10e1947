"""`mlzone kpi`: does it work for the people who build models?"""

from pathlib import Path
from typing import Any

import click

from mlzone_tools.cli.output import estate_option, json_option, show, table
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services import kpi
from mlzone_tools.services.model.session_of import registry_session


@click.command("kpi")
@click.option("--events", "with_events", is_flag=True, help="List the events themselves.")
@estate_option
@json_option
def command(estate_path: Path, *, with_events: bool, as_json: bool) -> None:
    """Show lead times, waiting, models in production, drift and retraining.

    \b
    Example:
      mlzone kpi
      mlzone kpi --events
    """
    estate = estate_service.load(estate_path)
    kept = kpi.events(registry_session(embedded.running(), estate, None, ""), estate)
    if with_events:
        rows: list[tuple[Any, ...]] = [
            (f"{item.time:%Y-%m-%d %H:%M:%S}", item.model, item.environment, item.kind, item.actor)
            for item in kept
        ]
        show(kept, table(("time", "model", "environment", "event", "who"), rows), as_json=as_json)
        return
    found = kpi.figures(kept)
    rows = [
        (
            item.model,
            item.builds,
            item.versions,
            item.in_production,
            _hours(item.lead_time_hours),
            _hours(item.waiting_hours),
            item.drifts,
            item.retrainings,
        )
        for item in found.models
    ]
    headings = (
        "model",
        "builds",
        "versions",
        "in production",
        "lead time",
        "waiting",
        "drifts",
        "retrainings",
    )
    text = table(headings, rows) if rows else "no life-cycle event yet"
    summary = f"{found.published} models in production, lead time {_hours(found.lead_time_hours)}"
    show(found, f"{text}\n\n{summary}", as_json=as_json)


def _hours(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} h"
