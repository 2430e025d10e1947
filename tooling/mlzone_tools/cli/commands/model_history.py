"""`mlzone model rollback|retire|reproduce`: versions after they were made; and their lineage."""

from pathlib import Path

import click

from mlzone.errors import LandingZoneError
from mlzone.estate import Estate, Stage
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
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import (
    delivery,
    experiment,
    progress,
    registry,
    reproduction,
    retirement,
)
from mlzone_tools.services.model import lineage as lineages
from mlzone_tools.services.model import rollback as rollbacks
from mlzone_tools.services.model.lineage import Lineage, Place, Run
from mlzone_tools.services.model.session_of import registry_session, stage_session

_SHORT = 12


@click.command("rollback")
@click.argument("model")
@serving_environment_option
@click.option("--as", "person", required=True, help="Who rolls back.")
@estate_option
@json_option
def rollback(
    model: str, environment: str, person: str, estate_path: Path, *, as_json: bool
) -> None:
    """Return to the release that served well before, and wait until it serves.

    An engineer of the team may, in production also an approver of the unit. Nobody is asked again:
    the release was let in before. Traffic moves as for any release. Rolled back again, the model
    goes one release further. Exit code 3 if the person may not, 4 if the deployment fails.

    \b
    Example:
      mlzone model rollback retail-banking/credit-default --as fabio.melo
    """
    estate = estate_service.load(estate_path)
    unit, _, _ = estate.model(model)
    stage = Stage(environment)
    endpoint = embedded.running()
    session = stage_session(endpoint, estate, unit.name, stage, person)
    watcher = stage_session(endpoint, estate, unit.name, stage)
    before = delivery.runs(watcher, delivery.pipeline_name(estate, model, stage))
    done = rollbacks.roll_back(session, estate, model, stage)
    talk(f"{done.pipeline} brings back what {done.back_to} deployed")
    run = progress.follow(watcher, done.pipeline, known=before, talk=talk)
    progress.require_success(run)
    place = lineages.serving(watcher, estate, model, stage)
    show(
        {"rollback": done, "serving": place},
        f"{done.model}:{place.version} serves in {stage}, release {place.release}",
        as_json=as_json,
    )


@click.command("retire")
@click.argument("model")
@click.option("--as", "person", required=True, help="Who retires it: an approver of the unit.")
@click.option("--reason", required=True, help="Kept with each version.")
@estate_option
@json_option
def retire(model: str, person: str, reason: str, estate_path: Path, *, as_json: bool) -> None:
    """Take a version out of use for good: `unit/model:3`, or all versions of `unit/model`.

    It stays readable, with the reason, and is Archived. A version that serves is refused: let
    another one serve, or `model stop` it first. Exit code 3 if the person may not.

    \b
    Example:
      mlzone model retire retail-banking/credit-default:1 --as paula.reis --reason "replaced"
    """
    estate = estate_service.load(estate_path)
    endpoint = embedded.running()
    name = model.partition(":")[0]
    unit, _, _ = estate.model(name)
    shared = registry_session(endpoint, estate, None, "")
    if ":" in model:
        items: tuple[registry.Version, ...] = (registry.version(shared, estate, model),)
    else:
        items = registry.versions(shared, estate, model=name)
    done = retirement.retire(
        registry_session(endpoint, estate, person, unit.name),
        items,
        places(endpoint, estate, name),
        person=person,
        reason=reason,
    )
    lines = [
        f"{item.model}:{item.version} {'was' if item.before else 'is'} retired" for item in done
    ]
    show(done, "\n".join(lines) or f"{name} has no version", as_json=as_json)


@click.command("reproduce")
@click.argument("model")
@estate_option
@json_option
def reproduce(model: str, estate_path: Path, *, as_json: bool) -> None:
    """Run again what made a version, and hold figures and model against it.

    The newest version, or `unit/model:3`. The jobs of its run start once more, with the same image,
    code, data and settings; nothing is registered, and the team's MLflow App has it as a run. Exit
    code 1 if something comes out otherwise, 4 if a job fails.

    \b
    Example:
      mlzone model reproduce retail-banking/credit-default:1
    """
    estate = estate_service.load(estate_path)
    endpoint = embedded.running()
    unit, _, _ = estate.model(model.partition(":")[0])
    shared = registry_session(endpoint, estate, None, "")
    item = registry.version(shared, estate, model)
    containers = registry.describe(shared, item)["InferenceSpecification"]["Containers"]
    dev = stage_session(endpoint, estate, unit.name, Stage.DEV)
    done = reproduction.reproduce(
        dev,
        shared,
        item,
        model_data=containers[0]["ModelDataUrl"],
        talk=talk,
    )
    try:
        talk(f"MLflow run {experiment.keep_reproduction(dev, estate, item, done).run}")
    except LandingZoneError as error:
        # What it showed stands, whatever MLflow does.
        talk(f"warning: no run in MLflow: {error}")
    text = f"{done.model}:{done.version} came out the same: {done.compared} figures and files"
    if done.differences:
        rows = [(d.name, d.registered[:40], d.reproduced[:40]) for d in done.differences]
        text = table(("differs", "registered", "reproduced"), rows)
    show(done, text, as_json=as_json)
    if done.differences:
        raise click.exceptions.Exit(1)


def places(endpoint: Endpoint, estate: Estate, model: str) -> tuple[Place, ...]:
    """Return what serves in staging and production."""
    unit, _, _ = estate.model(model)
    return tuple(
        lineages.serving(stage_session(endpoint, estate, unit.name, stage), estate, model, stage)
        for stage in (Stage.STAGING, Stage.PROD)
    )


def _made(run: Run) -> str:
    return f"commit {run.commit[:_SHORT]} by {run.author} ({run.trigger})"


def drawn(found: Lineage) -> str:
    """Draw a lineage, from the data down to the endpoints."""
    item, run = found.version, found.run
    lines = [f"data      {found.data.zone}  sha256:{found.data.sha256[:_SHORT]}  {found.data.uri}"]
    if run:
        lines += [
            "  │",
            f"run       {run.execution.rpartition('/')[2]}  {run.status}  {_made(run)}",
            *([f"  ├─ MLflow  {run.mlflow_run}  {run.mlflow_app}"] if run.mlflow_run else []),
            *(f"  ├─ {job.step}  {job.status}  {job.job}".rstrip() for job in run.jobs),
        ]
    lines += ["  │", f"version   {item.model}:{item.version}  {item.status}  {item.stage}"]
    for place in found.environments:
        if place.version is None:
            what = "nothing yet"
        elif place.version == item.version:
            what = f"this version, release {place.release}  {place.endpoint}  {place.status}"
        else:
            what = f"version {place.version}, release {place.release}"
        if place.stopped:
            what += f"  stopped: {place.stopped}"
        lines.append(f"  └─ {place.name}  {what}".rstrip())
    return "\n".join(lines)
