"""`mlzone model propose`, `proposals`, `merge`: a change by pull request."""

from pathlib import Path

import click

from mlzone.estate import Estate, Stage
from mlzone_tools.cli.output import estate_option, json_option, show, table, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.session import Session
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import delivery, progress, proposal
from mlzone_tools.services.model.session_of import stage_session

_MODEL = click.argument("model")
_WAIT = click.option("--wait", is_flag=True, help="Follow what it starts to its end.")


def lines(found: tuple[proposal.Proposal, ...]) -> list[str]:
    """Return what `model show` says of open pull requests."""
    return [
        f"pull request {item.number}  {item.title}  {item.author}  tests {item.tests}"
        for item in found
    ]


@click.command("propose")
@_MODEL
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--as", "person", required=True, help="Who proposes: a member of the team.")
@click.option(
    "--title",
    default="Change the model",
    show_default=True,
    help="Of the pull request, and the commit's message.",
)
@click.option(
    "--branch",
    default="",
    help="Where to push; the folder's own branch unless given, or proposal/PERSON if that is main.",
)
@_WAIT
@estate_option
@json_option
def propose(
    model: str,
    folder: Path,
    person: str,
    title: str,
    branch: str,
    estate_path: Path,
    *,
    wait: bool,
    as_json: bool,
) -> None:
    """Commit what changed and propose it by pull request: the platform tests it, and no more.

    Nothing is trained, registered or deployed before it is merged. Proposing again on the same
    branch brings the pull request up to date. Exit code 2 if nothing differs from main or the
    branch has others' commits, 3 if the person may not, 4 if the tests fail (with --wait).

    \b
    Example:
      mlzone model propose retail-banking/credit-default my-project --as ana.souza --wait
    """
    estate = estate_service.load(estate_path)
    session = _session(estate, model, person)
    proposals = proposal.Proposals(session, estate, model)
    made = proposals.propose(folder, person=person, title=title, branch=branch)
    if wait:
        talk(f"pull request {made.number} proposes {made.commit}; following its tests")
        commit = made.commit
        made = proposals.follow(made, talk)
        proposals.require_passed(made, commit)
    then = f"mlzone model merge {model} {made.number} --as PERSON"
    show(made, f"pull request {made.number}: tests {made.tests}; then: {then}", as_json=as_json)


@click.command("proposals")
@_MODEL
@click.option("--all", "closed", is_flag=True, help="Also what is merged or closed.")
@click.option("--log", "number", metavar="NUMBER", help="The end of this one's tests' log.")
@estate_option
@json_option
def proposals_(
    model: str, number: str | None, estate_path: Path, *, closed: bool, as_json: bool
) -> None:
    """List the open pull requests of a model's project, and how the tests of each went.

    \b
    Example:
      mlzone model proposals retail-banking/credit-default
      mlzone model proposals retail-banking/credit-default --log 3
    """
    estate = estate_service.load(estate_path)
    proposals = proposal.Proposals(_session(estate, model), estate, model)
    if number:
        log = proposals.log(proposals.get(number))
        show(log, "\n".join(log) or "its tests have said nothing yet", as_json=as_json)
        return
    found = proposals.listed(closed=closed)
    rows = [
        (item.number, item.status, item.tests, item.author, item.branch, item.commit[:10],
         item.title)
        for item in found
    ]  # fmt: skip
    head = ("number", "status", "tests", "author", "branch", "commit", "title")
    show(found, table(head, rows) if rows else "nothing is proposed", as_json=as_json)


@click.command("merge")
@_MODEL
@click.argument("number")
@click.option("--as", "person", required=True, help="Who merges: a member of the team.")
@click.option("--close", is_flag=True, help="Close it without merging.")
@_WAIT
@estate_option
@json_option
def merge(
    model: str,
    number: str,
    person: str,
    estate_path: Path,
    *,
    close: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Bring a pull request whose tests have passed into main: the platform trains and registers.

    Who merges is the author of the version. Exit code 2 if it is not open or lacks commits of main,
    3 if its tests have not passed or the person may not, 4 if the build fails (with --wait).

    \b
    Example:
      mlzone model merge retail-banking/credit-default 3 --as bruno.lima --wait
      mlzone model merge retail-banking/credit-default 4 --as bruno.lima --close
    """
    estate = estate_service.load(estate_path)
    session = _session(estate, model, person)
    proposals = proposal.Proposals(session, estate, model)
    if close:
        show(proposals.close(number), f"pull request {number} is closed", as_json=as_json)
        return
    pipeline = delivery.pipeline_name(estate, model, Stage.DEV)
    before = delivery.runs(session, pipeline) if wait else ()
    merged = proposals.merge(number)
    if not wait:
        show(merged, f"{merged.commit} is in main; see: mlzone model show {model}",
             as_json=as_json)  # fmt: skip
        return
    talk(f"{merged.commit} is in main; following {pipeline}")
    run = progress.follow(session, pipeline, known=before, talk=talk)
    progress.require_success(run)
    show(merged, f"{run.pipeline}: {run.status}", as_json=as_json)


def _session(estate: Estate, model: str, person: str | None = None) -> Session:
    unit, _, _ = estate.model(model)
    return stage_session(embedded.running(), estate, unit.name, Stage.DEV, person)
