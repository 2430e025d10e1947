"""`mlzone model new|update|clone|submit`: the project that a model is made from."""

from pathlib import Path
from typing import get_args

import click

from mlzone.estate import Estate, Stage, Template
from mlzone_tools.cli.output import estate_option, json_option, show, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import delivery, progress, project, rendering
from mlzone_tools.services.model.session_of import stage_session


@click.command("new")
@click.argument("model")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option(
    "--template",
    "wanted",
    type=click.Choice(get_args(Template)),
    help="Try a template for a model that the estate does not declare yet.",
)
@estate_option
@json_option
def new(
    model: str, folder: Path | None, wanted: str | None, estate_path: Path, *, as_json: bool
) -> None:
    """Make a model's project from its pipeline template, as a git repository.

    The folder is called like the model unless you say otherwise. The estate says the template; of a
    model that it does not declare yet, you do. Such a project stands alone: `make test` in it runs
    its tests. Once the model is declared, `model update` tells the project of its team.

    For a model that nobody has begun: once its repository has commits, `model clone` it instead.

    \b
    Example:
      mlzone model new retail-banking/credit-default my-project
      mlzone model new attrition --template tabular-realtime
    """
    estate = estate_service.load(estate_path)
    made = project.create(estate, model, folder or Path(model.rpartition("/")[2]), wanted)
    files = sorted(
        str(path.relative_to(made))
        for path in made.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(made).parts
    )
    show(
        {"folder": made, "files": files},
        f"{made} has {len(files)} files; read {made / 'README.md'}, then: {_next(estate, model)}",
        as_json=as_json,
    )


def _next(estate: Estate, model: str) -> str:
    if estate.declares(model):
        return "mlzone model submit"
    return "make test in it, and declare the model in the estate"


@click.command("update")
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


@click.command("clone")
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


@click.command("submit")
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
