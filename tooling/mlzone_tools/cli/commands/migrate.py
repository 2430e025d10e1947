"""`mlzone migrate`: many people, and many models, at once."""

from pathlib import Path

import click

from mlzone.directory import Migration
from mlzone_tools.cli.output import estate_option, json_option, show, table, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services import migration
from mlzone_tools.services.model_migration import manifest as manifest_file
from mlzone_tools.services.model_migration import migrating

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group("migrate")
def command() -> None:
    """Bring what exists elsewhere into the estate."""


@command.command("users")
@click.argument("export", type=_FILE)
@click.option("--rules", required=True, type=_FILE, help="Which group goes to which team.")
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@estate_option
@json_option
def users(export: Path, rules: Path, estate_path: Path, *, dry_run: bool, as_json: bool) -> None:
    """Add the people of a directory's export (CSV) to the teams of the estate.

    The rules say which group goes to which unit, team and persona. People are added to the units'
    files, which keep their comments; commit them and open a pull request. Nobody is removed, and a
    second run changes nothing. Exit code 1 if somebody could not be placed.

    \b
    Example:
      mlzone migrate users USERS.csv --rules RULES.yaml
    """
    result = migration.migrate_users(estate_path, export, rules, write=not dry_run)
    show(result, _text(result), as_json=as_json)
    if result.unplaced:
        raise click.exceptions.Exit(1)


@command.command("models")
@click.argument("manifest", type=_FILE)
@click.option("--dry-run", is_flag=True, help="Open the models, submit nothing.")
@click.option("--wait", is_flag=True, help="Follow the builds to their end.")
@estate_option
@json_option
def models(manifest: Path, estate_path: Path, *, dry_run: bool, wait: bool, as_json: bool) -> None:
    """Register models that were trained elsewhere: one a row of a manifest (CSV).

    Each is opened in a sandbox and has to predict the records that come with it; then it is
    submitted as a project of the template `register-only`, whose build judges and registers it. Run
    it again to go on where it stopped: nothing is registered twice. Exit code 1 if a row was
    refused or failed.

    \b
    Example:
      mlzone migrate models MANIFEST.csv --wait
    """
    estate = estate_service.load(estate_path)
    rows = manifest_file.read(manifest, estate)
    done = migrating.Migration(embedded.running(), estate, talk).run(
        rows, write=not dry_run, wait=wait
    )
    lines = [(item.line, item.model, item.status, item.detail) for item in done]
    show(done, table(("line", "model", "status", "detail"), lines), as_json=as_json)
    if any(item.status in (migrating.REFUSED, migrating.FAILED) for item in done):
        raise click.exceptions.Exit(1)


def _text(result: Migration) -> str:
    parts = []
    if result.joining:
        rows = [(item.person, f"{item.unit}/{item.team}", item.persona) for item in result.joining]
        parts.append(table(("person", "joins", "as"), rows))
    if result.unplaced:
        left = [(item.person, item.line, item.reason) for item in result.unplaced]
        parts.append(table(("not placed", "line", "why"), left))
    parts.append(
        f"{len(result.joining)} join, {result.already} are there already, "
        f"{len(result.unplaced)} could not be placed"
    )
    return "\n\n".join(parts)
