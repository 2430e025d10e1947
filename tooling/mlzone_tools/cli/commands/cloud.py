"""`mlzone cloud`: the embedded cloud."""

import shlex
from pathlib import Path

import click

from mlzone.errors import ConfigError
from mlzone.persona import Place
from mlzone_tools.cli.duration import seconds_of
from mlzone_tools.cli.output import estate_option, json_option, show, talk
from mlzone_tools.cloud import embedded, session
from mlzone_tools.cloud.cdk import CDK_HOME
from mlzone_tools.services import bootstrap as bootstrap_service
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services import images as images_service


@click.group("cloud")
def command() -> None:
    """Run AWS's interfaces on this machine: no account, no Docker, no internet.

    Its state is in `.mlzone/cloud`, or in the folder that MLZONE_STATE names: for all commands.

    \b
    Example:
      mlzone cloud up
      mlzone cloud bootstrap --unit retail-banking
      eval "$(mlzone cloud env)"
      npx cdk deploy -c business_unit=retail-banking --all --require-approval never
    """


@command.command("up")
@click.option("--port", default=embedded.DEFAULT_PORT, show_default=True, help="Port on loopback.")
@estate_option
@json_option
def up(port: int, estate_path: Path, *, as_json: bool) -> None:
    """Start it with the estate's accounts; they are empty the first time.

    \b
    Example:
      mlzone cloud up --port 4600
    """
    endpoint = embedded.start(estate_service.load(estate_path), port=port, talk=talk)
    result = {"url": endpoint.url, "pid": endpoint.pid, "accounts": sorted(endpoint.credentials)}
    show(result, f"the embedded cloud answers at {endpoint.url}", as_json=as_json)


@command.command("down")
@json_option
def down(*, as_json: bool) -> None:
    """Stop it; its state is kept.

    \b
    Example:
      mlzone cloud down
    """
    stopped = embedded.stop()
    show({"stopped": stopped}, "stopped" if stopped else "it was not running", as_json=as_json)


@command.command("reset")
@json_option
def reset(*, as_json: bool) -> None:
    """Stop it and forget everything in it.

    \b
    Example:
      mlzone cloud reset
    """
    embedded.reset()
    show({"reset": True}, "everything in the embedded cloud is forgotten", as_json=as_json)


@command.command("status")
@json_option
def status(*, as_json: bool) -> None:
    """Show whether it runs, its clock, its memory, and what it could not do.

    \b
    Example:
      mlzone cloud status --json
    """
    endpoint = embedded.find()
    if endpoint is None:
        show({"status": "stopped"}, "stopped", as_json=as_json)
        raise click.exceptions.Exit(1)
    result = {"url": endpoint.url, "pid": endpoint.pid, **endpoint.control("status")}
    lines = [f"{name}: {value}" for name, value in result.items() if name != "denials"]
    show(result, "\n".join(lines), as_json=as_json)


@command.command("advance")
@click.argument("duration")
@json_option
def advance(duration: str, *, as_json: bool) -> None:
    """Move its clock forward; schedules that fall due are carried out.

    \b
    Example:
      mlzone cloud advance 1h
    """
    result = embedded.running().control("advance", {"seconds": seconds_of(duration)})
    show(result, f"the cloud's clock says {result['clock']}", as_json=as_json)


@command.command("env")
@click.option("--as", "person", help="A person of the estate, such as ana.souza.")
@click.option(
    "--in",
    "place",
    type=click.Choice([place.value for place in Place]),
    help="Which of their accounts.",
)
@click.option("-u", "--unit", help="In this business unit, if the person works for several.")
@click.option("--incident", help="In the role for emergencies, for this incident, such as INC-7.")
@click.option("--account", help="An account, as the platform team.")
@estate_option
@json_option
def env(
    person: str | None,
    place: str | None,
    unit: str | None,
    incident: str | None,
    account: str | None,
    estate_path: Path,
    *,
    as_json: bool,
) -> None:
    """Print the environment variables that point AWS's tools at it.

    Without options they are the platform team's, in the ML shared-services account, from which
    everything is deployed.

    \b
    Example:
      eval "$(mlzone cloud env)"
      eval "$(mlzone cloud env --as ana.souza)"
      eval "$(mlzone cloud env --as igor.teixeira --unit retail-banking --incident INC-7)"
    """
    if incident and not person:
        raise ConfigError("an emergency is somebody's", hint="add --as PERSON")
    endpoint = embedded.running()
    estate = estate_service.load(estate_path)
    if person and incident:
        chosen = session.emergency_session(endpoint, estate, person, incident=incident, unit=unit)
    elif person:
        chosen = session.person_session(
            endpoint, estate, person, place=Place(place) if place else None, unit=unit
        )
    else:
        account = account or estate.organization.accounts.shared_services
        if account not in endpoint.credentials:
            raise ConfigError(
                f"there is no account {account} in the embedded cloud",
                hint=f"it has {', '.join(sorted(endpoint.credentials))}",
            )
        chosen = session.account_session(endpoint, estate, account)
    variables = {**chosen.variables, "CDK_HOME": str(CDK_HOME.absolute())}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    talk(f"# {chosen.arn}")
    units = sorted({it.unit for it in estate.assignments() if it.person == person and it.unit})
    if not unit and len(units) > 1:
        talk(f"# {person} works for {', '.join(units)}; to choose: --unit NAME")
    show(variables, "\n".join(lines), as_json=as_json)


@command.command("bootstrap")
@click.option("-u", "--unit", help="Only the accounts that this business unit needs.")
@estate_option
@json_option
def bootstrap(unit: str | None, estate_path: Path, *, as_json: bool) -> None:
    """Prepare the accounts with the real `cdk bootstrap`, under our boundary and policies.

    \b
    Example:
      mlzone cloud bootstrap --unit retail-banking
    """
    estate = estate_service.load(estate_path)
    done = bootstrap_service.bootstrap(embedded.running(), estate, unit, talk=talk)
    show(done, f"{len(done)} accounts are ready for deployments", as_json=as_json)


@command.command("images")
@estate_option
@json_option
def images(estate_path: Path, *, as_json: bool) -> None:
    """Put stand-ins of the platform's container images into its registry.

    `mlzone deploy` does so by itself; run this after a plain `cdk deploy`.

    \b
    Example:
      mlzone cloud images
    """
    done = images_service.publish(embedded.running(), estate_service.load(estate_path))
    show({"images": done}, "\n".join(done), as_json=as_json)
