"""`mlzone model stop|start`: a model out of service at once, and back."""

from pathlib import Path

import click

from mlzone.estate import Stage
from mlzone_tools.cli.output import estate_option, json_option, serving_environment_option, show
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import stopping
from mlzone_tools.services.model.session_of import stage_session


@click.command("stop")
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


@click.command("start")
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
