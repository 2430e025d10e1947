"""`mlzone evidence`: what was recorded of models, and whether it is whole."""

import json
from pathlib import Path

import click

from mlzone_tools.cli.output import estate_option, json_option, plain, show, table, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services import evidence
from mlzone_tools.services.estate import write_text
from mlzone_tools.services.model.session_of import shared_session


class _Evidence(click.Group):
    """Lets `mlzone evidence MODEL` mean the model's binder."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            args = ["binder", *args]
        return super().resolve_command(ctx, args)


@click.group("evidence", cls=_Evidence)
def command() -> None:
    """Show what was recorded of models in the evidence vault, and whether it is whole.

    `mlzone evidence MODEL` is short for `mlzone evidence binder MODEL`.
    """


@command.command("binder")
@click.argument("model")
@click.option("--version", "number", type=int, help="This version instead of the newest.")
@click.option("--as", "person", help="As this person, such as an auditor.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/evidence"),
    show_default=True,
    help="The folder that gets the binder as HTML and as JSON.",
)
@estate_option
@json_option
def binder(
    model: str,
    number: int | None,
    person: str | None,
    out: Path,
    estate_path: Path,
    *,
    as_json: bool,
) -> None:
    """Write the binder of a version: a page that stands alone and prints, and the same as JSON.

    It holds the model card, data and code by hash, approvals, deployments, runs of monitors,
    accepted findings, and for each framework which control is shown by what.

    \b
    Example:
      mlzone evidence binder credit-default --version 1
    """
    estate = estate_service.load(estate_path)
    unit, _, item = estate.model(model)
    shared = shared_session(embedded.running(), estate, person)
    reference = f"{unit.name}/{item.name}" + (f":{number}" if number else "")
    found = evidence.binder(shared, estate, reference)
    name = f"{unit.name}-{item.name}-{found.version.version}"
    out.mkdir(parents=True, exist_ok=True)
    content = json.dumps(plain(found), indent=2, ensure_ascii=False, default=str)
    write_text(out / f"{name}.json", content + "\n")
    write_text(out / f"{name}.html", evidence.page(found))
    talk(f"wrote {out / name}.html and .json")
    rows = [(item.framework.value, *_statuses(item)) for item in found.frameworks]
    text = table(("framework", "recorded", "held", "missing", "not held"), rows)
    show(found, text, as_json=as_json)


def _statuses(found: evidence.FrameworkTable) -> tuple[int, ...]:
    statuses = [row.status for row in found.controls]
    return tuple(statuses.count(name) for name in ("recorded", "held", "missing", "not held"))


@command.command("verify")
@click.argument("model", required=False)
@click.option("--as", "person", help="As this person, such as an auditor.")
@estate_option
@json_option
def verify(model: str | None, person: str | None, estate_path: Path, *, as_json: bool) -> None:
    """Reckon every hash again, and look for every event; exit code 1 if something is not whole.

    Finds records that were changed, deleted, put in another order, written over or left out.

    \b
    Example:
      mlzone evidence verify
      mlzone evidence verify credit-default --as odete.farias --json
    """
    estate = estate_service.load(estate_path)
    shared = shared_session(embedded.running(), estate, person)
    found = evidence.verify(shared, estate, model)
    rows = [
        (item.name, item.records, "whole" if not item.problems else "broken", item.head[:16])
        for item in found
    ]
    problems = [
        f"{item.name}: record {problem.record} {problem.what}"
        if problem.record
        else f"{item.name}: {problem.what}"
        for item in found
        for problem in item.problems
    ]
    text = "\n".join([table(("chain", "records", "it is", "head"), rows), *problems])
    show(found, text if rows else "nothing is recorded yet", as_json=as_json)
    if problems:
        raise click.exceptions.Exit(1)
