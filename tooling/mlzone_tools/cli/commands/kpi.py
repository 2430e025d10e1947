"""`mlzone kpi`: does it work for the people who build models?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from mlzone.errors import ConfigError
from mlzone.estate import Estate
from mlzone_tools.cli.duration import seconds_of
from mlzone_tools.cli.output import estate_option, json_option, show, table
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services import kpi
from mlzone_tools.services.model.session_of import registry_session


@click.command("kpi")
@click.option("--team", help="Only the models of this team.")
@click.option("--since", metavar="DURATION", help="Only what happened in the last 30d, 12h, ...")
@click.option("--events", "with_events", is_flag=True, help="List the events themselves.")
@estate_option
@json_option
def command(
    team: str | None, since: str | None, estate_path: Path, *, with_events: bool, as_json: bool
) -> None:
    """Show lead times and their parts, releases, failures, queues, adoption and monitoring.

    All of it is reckoned from the events that every step leaves; docs/kpi.md defines each figure.

    \b
    Example:
      mlzone kpi
      mlzone kpi --team credit-risk --since 30d --json
      mlzone kpi --events
    """
    estate = estate_service.load(estate_path)
    _require_team(estate, team)
    lasting = timedelta(seconds=seconds_of(since)) if since else None
    kept = kpi.events(registry_session(embedded.running(), estate, None, ""), estate)
    # The cloud's clock may be ahead of ours.
    now = max([datetime.now(UTC), *(item.time for item in kept)])
    period = kpi.Period(start=now - lasting if lasting else None, end=now)
    if with_events:
        chosen = [item for item in kept if item in period and team in (None, item.team)]
        rows: list[tuple[Any, ...]] = [
            (f"{item.time:%Y-%m-%d %H:%M:%S}", item.model, item.environment, item.kind, item.actor)
            for item in chosen
        ]
        text = table(("time", "model", "environment", "event", "who"), rows)
        show(chosen, text if rows else "no life-cycle event yet", as_json=as_json)
        return
    found = kpi.figures(kept, estate, period, team=team)
    show(found, _text(found) if found.events else "no life-cycle event yet", as_json=as_json)


def _require_team(estate: Estate, team: str | None) -> None:
    known = sorted({item.name for unit in estate.units for item in unit.teams})
    if team is not None and team not in known:
        raise ConfigError(f'no team "{team}" in the estate', hint=f"it has: {', '.join(known)}")


def _text(found: kpi.Figures) -> str:
    headings = (
        "scope",
        "builds",
        "versions",
        "releases",
        "lead time",
        "first release",
        "failed",
        "restored in",
        "waiting",
        "drifts",
        "retrainings",
    )
    rows = [
        (
            item.scope,
            item.builds,
            item.versions,
            item.releases,
            _spread(item.lead_time),
            _spread(item.first_release),
            _share(item.change_failure_rate),
            _spread(item.time_to_restore),
            item.waiting,
            item.drifts,
            item.retrainings,
        )
        for item in (*found.models, found.total)
    ]
    phases = "  ".join(f"{name} {_spread(spread)}" for name, spread in found.total.phases.items())
    templates = ", ".join(
        f"{item.template} {item.published} of {item.models}" for item in found.templates
    )
    return "\n".join(
        (
            table(headings, rows),
            "",
            f"where the time goes: {phases}",
            f"releases a week: {found.total.releases_per_week:g}",
            f"models in production: {found.published}, {found.monitored} of them monitored",
            f"published by template: {templates}",
            f"people at work: {found.people}",
            _waivers(found.waivers),
        )
    )


def _waivers(value: kpi.Waivers) -> str:
    expiry = f", next to expire {value.next_expiry}" if value.next_expiry else ""
    return f"waivers: {value.count}, the oldest of {value.oldest_days} days{expiry}"


def _spread(value: kpi.Spread | None) -> str:
    return "-" if value is None else f"{_hours(value.median)}"


def _hours(value: float) -> str:
    minute, day = 1 / 60, 24
    if value < minute:
        return f"{value * 3600:.0f} s"
    if value < 1:
        return f"{value * 60:.1f} min"
    return f"{value:.1f} h" if value < 2 * day else f"{value / day:.1f} d"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
