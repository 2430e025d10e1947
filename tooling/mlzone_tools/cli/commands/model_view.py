"""`mlzone model list|show`: versions, runs, what is proposed and what waits for whom."""

from pathlib import Path

import click

from mlzone.estate import Estate, Stage
from mlzone_tools.cli.commands import model_history, model_proposal
from mlzone_tools.cli.output import estate_option, json_option, show, table
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import own_name
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import decision as second_line
from mlzone_tools.services.model import delivery, proposal, registry
from mlzone_tools.services.model import lineage as lineages
from mlzone_tools.services.model.session_of import registry_session, stage_session


@click.command("list")
@click.argument("model", required=False)
@click.option("--waiting", is_flag=True, help="Only versions that wait for a decision.")
@click.option(
    "--waiting-for",
    "person",
    metavar="PERSON",
    help="Only what this person can bring on; `me` is who the shell's AWS credentials belong to.",
)
@estate_option
@json_option
def list_(
    model: str | None, estate_path: Path, *, waiting: bool, person: str | None, as_json: bool
) -> None:
    """List the versions of all models or of one, newest first.

    With --waiting-for, what an approver can validate, approve, or let into production: never their
    own versions, nor a second step of the same version.

    \b
    Example:
      mlzone model list --waiting
      mlzone model list --waiting-for paula.reis
    """
    estate = estate_service.load(estate_path)
    endpoint = embedded.running()
    shared = registry_session(endpoint, estate, None, "")
    found = registry.versions(shared, estate, model=model, waiting=waiting)
    if person:

        def is_asked(name: str) -> bool:
            unit, _, _ = estate.model(name)
            watcher = stage_session(endpoint, estate, unit.name, Stage.PROD)
            return delivery.is_waiting(watcher, delivery.pipeline_name(estate, name, Stage.PROD))

        who = own_name(endpoint) if person == "me" else person
        found = tuple(second_line.waiting_for(found, estate, who, is_asked))
    rows = [
        (
            f"{item.model}:{item.version}",
            item.status,
            item.waits_for,
            item.stage,
            item.author,
            item.metadata.get("auc", ""),
            f"{item.created:%Y-%m-%d %H:%M}",
        )
        for item in found
    ]
    text = table(("version", "status", "waits for", "stage", "author", "auc", "created"), rows)
    nothing = "nothing waits" if person or waiting else "no version is registered"
    show(found, text if rows else nothing, as_json=as_json)


@click.command("show")
@click.argument("model")
@click.option("--lineage", is_flag=True, help="Draw the way from the data to the endpoints.")
@estate_option
@json_option
def show_(model: str, estate_path: Path, *, lineage: bool, as_json: bool) -> None:
    """Show a version (the newest, or `unit/model:3`), runs of its delivery, and what is proposed.

    \b
    Example:
      mlzone model show retail-banking/credit-default:1
      mlzone model show retail-banking/credit-default --lineage
    """
    estate = estate_service.load(estate_path)
    endpoint = embedded.running()
    name = model.partition(":")[0]
    unit, _, _ = estate.model(name)
    shared = registry_session(endpoint, estate, None, unit.name)
    found = registry.versions(shared, estate, model=name)
    if lineage:
        _show_lineage(endpoint, estate, registry.pick(found, model), as_json=as_json)
        return
    item = registry.pick(found, model) if found or ":" in model else None
    runs = [
        run
        for stage in Stage
        for run in delivery.runs(
            stage_session(endpoint, estate, unit.name, stage),
            delivery.pipeline_name(estate, name, stage),
        )[:3]
    ]
    development = stage_session(endpoint, estate, unit.name, Stage.DEV)
    proposed = proposal.Proposals(development, estate, name).listed()
    lines = []
    if item:
        lines += [
            f"{item.model}:{item.version}  {item.status}  {item.stage}",
            f"  arn      {item.arn}",
            f"  author   {item.author}",
            *([f"  decided  {item.decided_by}"] if item.decided_by else []),
            *([f"  waits for  {item.waits_for}"] if item.waits_for else []),
            *(f"  {key}  {value}" for key, value in sorted(item.metadata.items())),
        ]
    for run in runs:
        lines.append(f"{run.pipeline}  {run.status}  {run.started:%Y-%m-%d %H:%M}")
        lines += [
            f"  {action.stage}/{action.name}  {action.status}  {action.summary}".rstrip()
            for action in run.actions
        ]
    lines += model_proposal.lines(proposed)
    detail = registry.describe(shared, item) if item else None
    show(
        {"version": item, "registry": detail, "runs": runs, "proposals": proposed},
        "\n".join(lines) or f"{name} has no version and no run yet",
        as_json=as_json,
    )


def _show_lineage(
    endpoint: Endpoint, estate: Estate, item: registry.Version, *, as_json: bool
) -> None:
    unit, _, _ = estate.model(item.model)
    found = lineages.lineage(
        stage_session(endpoint, estate, unit.name, Stage.DEV),
        estate,
        item,
        model_history.places(endpoint, estate, item.model),
    )
    show(found, model_history.drawn(found), as_json=as_json)
