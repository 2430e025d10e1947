"""`mlzone model retry`: what failed of a build or a promotion, once more."""

from pathlib import Path

import click

from mlzone.estate import Stage
from mlzone_tools.cli.output import estate_option, json_option, show, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import delivery, progress, retrying
from mlzone_tools.services.model.session_of import stage_session


@click.command("retry")
@click.argument("model")
@click.option(
    "--environment",
    "-e",
    type=click.Choice([stage.value for stage in Stage]),
    default=Stage.DEV.value,
    show_default=True,
    help="Where: dev is the build, staging and prod are promotions.",
)
@click.option("--as", "person", required=True, help="Who retries: a member of the team.")
@estate_option
@json_option
def command(model: str, environment: str, person: str, estate_path: Path, *, as_json: bool) -> None:
    """Run what failed of a model's newest run once more, and follow it to its end.

    What succeeded is not repeated: the same commit, the same release, the same approvals. For a
    cause that has gone, such as an image that was missing; mend anything else by a new commit. Exit
    code 3 if the person may not, 4 if it fails again.

    \b
    Example:
      mlzone model retry retail-banking/credit-default --as ana.souza
      mlzone model retry retail-banking/credit-default -e prod --as fabio.melo
    """
    estate = estate_service.load(estate_path)
    unit, _, _ = estate.model(model)
    stage = Stage(environment)
    endpoint = embedded.running()
    watcher = stage_session(endpoint, estate, unit.name, stage)
    pipeline = delivery.pipeline_name(estate, model, stage)
    before = delivery.runs(watcher, pipeline)
    session = stage_session(endpoint, estate, unit.name, stage, person)
    done = retrying.retry(session, estate, model, stage)
    talk(f"{done.pipeline} tries {done.stage} again: {', '.join(done.actions)}")
    others = [run for run in before if run.execution != done.execution]
    run = progress.follow(watcher, done.pipeline, known=others, talk=talk)
    progress.require_success(run)
    show({"retry": done, "run": run}, f"{run.pipeline}: {run.status}", as_json=as_json)
