"""`mlzone monitor`: what moved, why it matters, and what was done."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mlzone.estate import Stage
from mlzone.monitor_kind import MONITORS, MonitorKind
from mlzone_tools.cli.output import (
    estate_option,
    json_option,
    serving_environment_option,
    show,
    table,
    talk,
)
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.session import Session
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services import monitoring
from mlzone_tools.services.estate import write_text
from mlzone_tools.services.model.session_of import stage_session
from mlzone_tools.services.monitoring import Monitored

_CommandT = TypeVar("_CommandT", bound=Callable[..., Any])


@click.group("monitor")
def command() -> None:
    """Run a model's monitor, and read what it found.

    \b
    Example:
      mlzone monitor run retail-banking/credit-default -e staging
      mlzone monitor explain retail-banking/credit-default
    """


def _of_a_model(function: _CommandT) -> _CommandT:
    """Add the model and its environment to a command."""
    return click.argument("model")(serving_environment_option(estate_option(json_option(function))))


def _monitor(
    model: str, environment: str, kind: MonitorKind, estate_path: Path
) -> tuple[Session, Monitored]:
    estate = estate_service.load(estate_path)
    stage = Stage(environment)
    unit, _, _ = estate.model(model)
    session = stage_session(embedded.running(), estate, unit.name, stage)
    return session, monitoring.monitored(estate, model, stage, kind)


def _of_a_monitor(function: _CommandT) -> _CommandT:
    """Add the model, its environment and one of its monitors to a command."""
    return click.option(
        "-m",
        "--monitor",
        "kind",
        type=click.Choice(list(MONITORS)),
        default="data-quality",
        show_default=True,
        help="Which of the model's monitors.",
    )(_of_a_model(function))


@command.command("list")
@_of_a_model
def list_(model: str, environment: str, estate_path: Path, *, as_json: bool) -> None:
    """List the runs of a model's monitors, newest first.

    \b
    Example:
      mlzone monitor list retail-banking/credit-default -e staging
    """
    estate = estate_service.load(estate_path)
    _, _, chosen = estate.model(model)
    found = [
        item
        for kind in chosen.monitors(production=environment == Stage.PROD)
        for item in monitoring.inspections(*_monitor(model, environment, kind, estate_path))
    ]
    found.sort(key=lambda item: item.scheduled, reverse=True)
    rows = [
        (f"{item.scheduled:%Y-%m-%d %H:%M}", item.monitor, item.status, item.job, item.reason)
        for item in found
    ]
    text = (
        table(("scheduled", "monitor", "status", "job", "reason"), rows) if rows else "no run yet"
    )
    show(found, text, as_json=as_json)


@command.command("run")
@click.option(
    "--window",
    default="PT1H",
    show_default=True,
    help="How far back, as ISO 8601 duration of hours.",
)
@_of_a_monitor
def run(
    model: str,
    environment: str,
    kind: MonitorKind,
    window: str,
    estate_path: Path,
    *,
    as_json: bool,
) -> None:
    """Run one of a model's monitors now, over what was captured lately, and say what it found.

    Its results are published like those of a scheduled run: they count for alarms.

    Exit code 1 if it found violations, 3 if a control refuses, 4 if it failed, such as over a
    window in which nothing was captured.

    \b
    Example:
      mlzone monitor run retail-banking/credit-default -e staging --window PT2H
    """
    session, monitor = _monitor(model, environment, kind, estate_path)
    item = monitoring.run_now(
        session, monitor, window=window, now=embedded.running().now, talk=talk
    )
    ended_well = item.status in ("Completed", "CompletedWithViolations")
    said = monitoring.sentences(monitoring.explanation(session, item)) if ended_well else ()
    text = "\n".join((f"{item.status}  {item.reason}".rstrip(), *said))
    show({"run": item, "sentences": said}, text, as_json=as_json)
    code = {"Completed": 0, "CompletedWithViolations": 1}.get(item.status, 4)
    if code:
        raise click.exceptions.Exit(code)


@command.command("explain")
@_of_a_monitor
def explain(
    model: str, environment: str, kind: MonitorKind, estate_path: Path, *, as_json: bool
) -> None:
    """Say in plain sentences what the newest run found.

    \b
    Example:
      mlzone monitor explain retail-banking/credit-default
    """
    session, monitor = _monitor(model, environment, kind, estate_path)
    item = monitoring.latest(session, monitor)
    content = monitoring.explanation(session, item)
    show(content, "\n".join(monitoring.sentences(content)), as_json=as_json)


@command.command("report")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("out/monitor/report.html"),
    show_default=True,
    help="Where the page goes.",
)
@_of_a_monitor
def report(
    model: str,
    environment: str,
    kind: MonitorKind,
    output: Path,
    estate_path: Path,
    *,
    as_json: bool,
) -> None:
    """Fetch the report of the newest run: one self-contained page.

    It is completed with what came after the run: what was done about the finding, and since which
    run it has been found.

    \b
    Example:
      mlzone monitor report retail-banking/credit-default -o drift.html
    """
    session, monitor = _monitor(model, environment, kind, estate_path)
    item = monitoring.latest(session, monitor)
    page = monitoring.completed(
        session,
        monitoring.read(session, item, "report.html").decode(),
        item,
        monitoring.inspections(session, monitor),
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(output, page)
    show({"job": item.job, "file": output}, str(output), as_json=as_json)


@command.command("baseline")
@_of_a_model
def baseline(model: str, environment: str, estate_path: Path, *, as_json: bool) -> None:
    """Show what a model's monitors compare with: the baseline of the release that serves.

    A promotion or a rollback changes it with the release.

    \b
    Example:
      mlzone monitor baseline retail-banking/credit-default
    """
    session, monitor = _monitor(model, environment, "data-quality", estate_path)
    found = monitoring.baseline(session, monitor)
    text = table(
        ("what", "is"),
        [
            ("release", found.release),
            ("folder", found.folder),
            ("sha256", found.digest),
            ("records", str(found.records)),
            ("features", ", ".join(found.features)),
            ("analyzer", found.analyzer),
        ],
    )
    show(found, text, as_json=as_json)
