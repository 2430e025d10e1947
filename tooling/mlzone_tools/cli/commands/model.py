"""`mlzone model`: from a project to production."""

from pathlib import Path

import click

from mlzone.estate import Estate, Stage
from mlzone_tools.cli.commands import model_batch, model_history, model_retry, model_runs
from mlzone_tools.cli.output import (
    estate_option,
    json_option,
    serving_environment_option,
    show,
    table,
    talk,
)
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, own_name
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import decision as second_line
from mlzone_tools.services.model import (
    delivery,
    progress,
    project,
    registry,
    rendering,
    stopping,
)
from mlzone_tools.services.model import lineage as lineages
from mlzone_tools.services.model.session_of import registry_session, stage_session


@click.group("model")
def command() -> None:
    """Take a model from its template to production.

    \b
    Example:
      mlzone model new retail-banking/credit-default my-project
      mlzone model submit retail-banking/credit-default my-project --as ana.souza
      mlzone model approve retail-banking/credit-default --as paula.reis --reason "reviewed"
    """


@command.command("new")
@click.argument("model")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@estate_option
@json_option
def new(model: str, folder: Path, estate_path: Path, *, as_json: bool) -> None:
    """Make a model's project from its pipeline template, as a git repository.

    For a model that nobody has begun: once its repository has commits, `model clone` it instead.

    \b
    Example:
      mlzone model new retail-banking/credit-default my-project
    """
    made = project.create(estate_service.load(estate_path), model, folder)
    files = sorted(
        str(path.relative_to(made))
        for path in made.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(made).parts
    )
    show(
        {"folder": made, "files": files},
        f"{made} has {len(files)} files; read {made / 'README.md'}, then: mlzone model submit",
        as_json=as_json,
    )


@command.command("update")
@click.argument("model")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@estate_option
@json_option
def update(model: str, folder: Path, estate_path: Path, *, as_json: bool) -> None:
    """Bring a project to the newest version of its template, keeping what people changed.

    What the template changed is merged by git. Exit code 1 if both changed the same lines: git
    marks them, and `model submit` refuses the project until they are settled.

    \b
    Example:
      mlzone model update retail-banking/credit-default my-project
    """
    done = rendering.update(estate_service.load(estate_path), model, folder)
    if done.conflicts:
        text = "\n".join(["settle what git marked with <<<<<<< in", *done.conflicts])
    elif done.changed:
        text = f"{folder} is of {done.template}@{done.after} now: {len(done.changed)} files changed"
    else:
        text = f"{folder} is of the newest version already: {done.template}@{done.after}"
    show(done, text, as_json=as_json)
    if done.conflicts:
        raise click.exceptions.Exit(1)


@command.command("clone")
@click.argument("model")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--as", "person", required=True, help="Who works on it: a member of the team.")
@estate_option
@json_option
def clone(model: str, folder: Path, person: str, estate_path: Path, *, as_json: bool) -> None:
    """Fetch the project of a model that is worked on already, with its history.

    Exit code 3 if the person may not read it.

    \b
    Example:
      mlzone model clone retail-banking/credit-default my-project --as carla.dias
    """
    estate = estate_service.load(estate_path)
    unit, _, _ = estate.model(model)
    session = stage_session(embedded.running(), estate, unit.name, Stage.DEV, person)
    made = project.clone(session, estate, model, folder)
    show({"folder": made}, f"{made} is there; change it, then: mlzone model submit",
         as_json=as_json)  # fmt: skip


@command.command("submit")
@click.argument("model")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--as", "person", required=True, help="Who commits: a member of the team.")
@click.option("--message", default="Train the model", show_default=True, help="Of the commit.")
@click.option("--wait", is_flag=True, help="Follow the build to its end.")
@estate_option
@json_option
def submit(
    model: str,
    folder: Path,
    person: str,
    message: str,
    estate_path: Path,
    *,
    wait: bool,
    as_json: bool,
) -> None:
    """Commit what changed and push it: the platform tests, trains and registers.

    Exit code 2 if somebody else has pushed meanwhile, 3 if the person may not push, 4 if the build
    fails (with --wait).

    \b
    Example:
      mlzone model submit retail-banking/credit-default my-project --as ana.souza --wait
    """
    estate = estate_service.load(estate_path)
    endpoint = embedded.running()
    unit, _, _ = estate.model(model)
    session = stage_session(endpoint, estate, unit.name, Stage.DEV, person)
    pipeline = delivery.pipeline_name(estate, model, Stage.DEV)
    before = delivery.runs(session, pipeline)
    commit = project.submit(session, estate, model, folder, person=person, message=message)
    if not wait:
        show({"commit": commit}, f"{commit} is pushed; see: mlzone model show {model}",
             as_json=as_json)  # fmt: skip
        return
    talk(f"{commit} is pushed; following {pipeline}")
    run = progress.follow(session, pipeline, known=before, talk=talk)
    progress.require_success(run)
    show({"commit": commit, "run": run}, f"{run.pipeline}: {run.status}", as_json=as_json)


@command.command("list")
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


@command.command("show")
@click.argument("model")
@click.option("--lineage", is_flag=True, help="Draw the way from the data to the endpoints.")
@estate_option
@json_option
def show_(model: str, estate_path: Path, *, lineage: bool, as_json: bool) -> None:
    """Show a version (the newest, or `unit/model:3`), and the runs of its delivery.

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
    item = registry.version(shared, estate, model) if found or ":" in model else None
    if lineage:
        _show_lineage(endpoint, estate, registry.version(shared, estate, model), as_json=as_json)
        return
    runs = [
        run
        for stage in Stage
        for run in delivery.runs(
            stage_session(endpoint, estate, unit.name, stage),
            delivery.pipeline_name(estate, name, stage),
        )[:3]
    ]
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
    detail = registry.describe(shared, item) if item else None
    show(
        {"version": item, "registry": detail, "runs": runs},
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


@command.command("validate")
@click.argument("model")
@click.option("--as", "person", required=True, help="Who validated it: an approver of the unit.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The report; its hash is kept with the version, the report where you keep reports.",
)
@estate_option
@json_option
def validate(model: str, person: str, report: Path, estate_path: Path, *, as_json: bool) -> None:
    """Sign the report of an independent validation of a version.

    The newest version, or `unit/model:3`. Risk tiers 1 and 2 demand it before an approval, and
    somebody else approves. Exit code 3 if the person may not.

    \b
    Example:
      mlzone model validate retail-banking/credit-default --as tomas.amaral --report report.pdf
    """
    estate = estate_service.load(estate_path)
    item, session = _as_second_line(estate, model, person)
    done = second_line.validate(
        session, item, person=person, report=report.name, content=report.read_bytes()
    )
    show(
        done,
        f"{item.model}:{item.version} is validated by {person}: {report.name}, {done.sha256}",
        as_json=as_json,
    )


_DECISION_HELP = """{title} a version, as a second-line approver.

The newest version, or `unit/model:3`. {more}Exit code 3 if the person may not decide: never who
made the version{nor}.

\b
Example:
  mlzone model {name} retail-banking/credit-default --as paula.reis --reason "metrics read"
"""


def _decision(name: str, status: second_line.Status, *, more: str = "", nor: str = "") -> None:
    words = _DECISION_HELP.format(title=name.title(), name=name, more=more, nor=nor)

    @command.command(name, help=words)
    @click.argument("model")
    @click.option("--as", "person", required=True, help="Who decides.")
    @click.option("--reason", required=True, help="Kept with the version.")
    @estate_option
    @json_option
    def decide(model: str, person: str, reason: str, estate_path: Path, *, as_json: bool) -> None:
        estate = estate_service.load(estate_path)
        item, session = _as_second_line(estate, model, person)
        done = second_line.decide(session, estate, item, status, person=person, reason=reason)
        show(
            done,
            f"{item.model}:{item.version} is {status.lower()} by {person}",
            as_json=as_json,
        )


_decision(
    "approve",
    "Approved",
    more="A version without the evidence that its risk tier demands is refused, with\nwhat it "
    "lacks and how that is produced. ",
    nor=" or validated it",
)
_decision("reject", "Rejected")


def _as_second_line(estate: Estate, model: str, person: str) -> tuple[registry.Version, Session]:
    """Return a version, and the person's session in the registry's account."""
    unit, _, _ = estate.model(model.partition(":")[0])
    endpoint = embedded.running()
    item = registry.version(registry_session(endpoint, estate, None, ""), estate, model)
    return item, registry_session(endpoint, estate, person, unit.name)


@command.command("promote")
@click.argument("model")
@click.option("--as", "person", required=True, help="Who answers: an approver of the unit.")
@click.option("--reason", required=True, help="Kept with the promotion.")
@click.option("--refuse", is_flag=True, help="Stop the promotion instead.")
@estate_option
@json_option
def promote(
    model: str, person: str, reason: str, estate_path: Path, *, refuse: bool, as_json: bool
) -> None:
    """Answer the approval that a promotion to production waits for.

    \b
    Example:
      mlzone model promote retail-banking/credit-default --as tomas.amaral --reason "tests read"
    """
    estate = estate_service.load(estate_path)
    unit, _, _ = estate.model(model)
    session = stage_session(embedded.running(), estate, unit.name, Stage.PROD, person)
    pipeline = delivery.pipeline_name(estate, model, Stage.PROD)
    action = delivery.answer(session, pipeline, approve=not refuse, reason=reason)
    verb = "refused" if refuse else "approved"
    show(
        {"pipeline": pipeline, "action": action, "answer": verb, "person": person},
        f"{pipeline}: {action} is {verb} by {person}",
        as_json=as_json,
    )


@command.command("stop")
@click.argument("model")
@serving_environment_option
@click.option("--as", "person", required=True, help="Who stops it.")
@click.option("--reason", required=True, help="Kept as evidence.")
@estate_option
@json_option
def stop(
    model: str, environment: str, person: str, reason: str, estate_path: Path, *, as_json: bool
) -> None:
    """Take a model out of service at once: its endpoint and monitors go, and stay away.

    An engineer of the team may, in production also an approver of the unit. Nothing that runs by
    itself brings the model back; a person does, see `model start`. Exit code 3 if the person may
    not, 4 if it could not be stopped.

    \b
    Example:
      mlzone model stop retail-banking/credit-default --environment prod --as paula.reis \\
        --reason "wrong decisions, INC-12"
    """
    estate = estate_service.load(estate_path)
    unit, _, _ = estate.model(model)
    stage = Stage(environment)
    session = stage_session(embedded.running(), estate, unit.name, stage, person)
    done = stopping.stop(session, estate, model, stage, reason)
    text = f"{done.model} is out of service in {done.environment}; {done.release} served"
    if done.before:
        text = f"{done.model} was out of service in {done.environment} before ({done.stopped})"
    show(done, text, as_json=as_json)


@command.command("start")
@click.argument("model")
@serving_environment_option
@click.option("--as", "person", required=True, help="Who starts it: an engineer of the team.")
@estate_option
@json_option
def start(model: str, environment: str, person: str, estate_path: Path, *, as_json: bool) -> None:
    """Start the promotion by which a stopped model serves again.

    The newest release that the environment has pulled. Where the risk tier lets an approver decide
    on production, one has to answer after the stop: see `model promote`. Exit code 3 if the person
    may not.

    \b
    Example:
      mlzone model start retail-banking/credit-default --environment prod --as fabio.melo
    """
    estate = estate_service.load(estate_path)
    unit, _, chosen = estate.model(model)
    stage = Stage(environment)
    session = stage_session(embedded.running(), estate, unit.name, stage, person)
    pipeline, execution = stopping.start(session, estate, model, stage)
    asks = stage is Stage.PROD and chosen.controls.production_approval
    then = f"; an approver answers it: mlzone model promote {model}" if asks else ""
    show(
        {"pipeline": pipeline, "execution": execution, "needs_approval": asks},
        f"{pipeline} is started{then}",
        as_json=as_json,
    )


for _command in (
    model_batch.backfill,
    model_batch.batches_,
    model_history.rollback,
    model_history.retire,
    model_history.reproduce,
    model_retry.command,
    model_runs.command,
):
    command.add_command(_command)
