"""`mlzone change`: the steps of the pipeline that deploys a unit."""

import json
from pathlib import Path

import click

from mlzone.estate import Stage
from mlzone.naming import Naming
from mlzone_tools.cli import plan_layout
from mlzone_tools.cli.output import estate_option, json_option, plain, show, talk
from mlzone_tools.cloud import embedded
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.change import comment as comments
from mlzone_tools.services.change import drift_check, handover
from mlzone_tools.services.change.contributing import contributor_session
from mlzone_tools.services.model import delivery
from mlzone_tools.services.plan import making

_BLOCKED = 3

_environment = click.option(
    "-e",
    "--environment",
    type=click.Choice([stage.value for stage in Stage]),
    required=True,
    help="Which environment.",
)
_folder = click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="What `mlzone change plan` has written.",
)


@click.group("change")
def command() -> None:
    """Bring a merged change into a unit's environments: the steps of its pipeline.

    They work with the AWS credentials of the shell, on AWS as on the embedded cloud. By hand, on
    the embedded cloud, `mlzone plan` and `mlzone deploy` do the same.

    \b
    Example:
      mlzone change plan retail-banking --out change
      mlzone change deploy retail-banking --environment dev --from change
    """


@command.command("plan")
@click.argument("unit")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder for the plan and the templates that it is of.",
)
@click.option(
    "--base",
    metavar="REVISION",
    help="What to compare with; what the unit's pipeline deployed last unless given.",
)
@estate_option
@json_option
def plan(unit: str, out: Path, base: str | None, estate_path: Path, *, as_json: bool) -> None:
    """Plan what would be deployed since the last time. It can deploy nothing.

    Exit code 3 if the change is blocked, or a finding is open.

    \b
    Example:
      mlzone change plan retail-banking --out change --base HEAD~1
    """
    made = handover.make(estate_path, estate_service.load(estate_path), unit, out, base=base)
    if as_json:
        click.echo(json.dumps(plain(made), indent=2, ensure_ascii=False))
    else:
        click.echo(plan_layout.text(made))
    if made.blockers:
        raise click.exceptions.Exit(_BLOCKED)


@command.command("comment")
@click.option("--base", required=True, metavar="REVISION", help="What to compare with.")
@estate_option
@json_option
def comment(base: str, estate_path: Path, *, as_json: bool) -> None:
    """Plan a pull request, and say it in one comment on it: made once, updated in place.

    It runs in a job of GitHub Actions or GitLab CI, which says which pull request, with the token
    in GITHUB_TOKEN or GITLAB_TOKEN. It needs no credentials of AWS.

    Exit code 3 if the change must not be merged as it is; the comment says why.

    \b
    Example:
      mlzone change comment --base origin/main
    """
    where = comments.thread()
    made = making.plan_against(estate_path, base=base)
    identifier = comments.keep(where, plan_layout.MARK, plan_layout.markdown(made))
    result = {"comment": identifier, "changed": made.changed, "blocked": bool(made.blockers)}
    show(result, f"comment {identifier} says what the change does", as_json=as_json)
    if made.blockers:
        raise click.exceptions.Exit(_BLOCKED)


@command.command("deploy")
@click.argument("unit")
@_environment
@_folder
@estate_option
@json_option
def deploy(unit: str, environment: str, folder: Path, estate_path: Path, *, as_json: bool) -> None:
    """Deploy what was planned into one environment, exactly that, or refuse.

    The environment's stacks that the plan says go are removed afterwards, in its order.

    Staging and production need the answer of a person whom the plan names, and who did not make
    the change; before production, two roles must have agreed where the plan names several.

    Exit code 3 if it refuses, 4 if a stack failed and was rolled back.

    \b
    Example:
      mlzone change deploy retail-banking --environment dev --from change
    """
    estate = estate_service.load(estate_path)
    done = handover.deploy(estate, unit, Stage(environment), folder, talk=talk)
    show(done, f"{len(done.stacks)} stacks are deployed into {environment}", as_json=as_json)


@command.command("verify")
@click.argument("unit")
@_environment
@_folder
@estate_option
@json_option
def verify(unit: str, environment: str, folder: Path, estate_path: Path, *, as_json: bool) -> None:
    """Compare an environment with what was to be deployed into it. It only reads.

    Exit code 4 if a deployed template differs.

    \b
    Example:
      mlzone change verify retail-banking --environment dev --from change
    """
    estate = estate_service.load(estate_path)
    done = handover.verify(estate, unit, Stage(environment), folder, talk=talk)
    show(done, f"{len(done.stacks)} stacks in {environment} are as planned", as_json=as_json)


@command.command("drift")
@click.argument("unit")
@click.option("--at", required=True, metavar="TIME", help="When the look was due.")
@estate_option
@json_option
def drift(unit: str, at: str, estate_path: Path, *, as_json: bool) -> None:
    """Look for what was changed by hand in a unit's environments, keep a report and tell of it.

    It takes the roles that only read. The report lies in the bucket of the unit's pipeline; the
    platform's bus hears of every look. By hand, `mlzone drift` compares and tells nobody.

    Exit code 0 also if something was changed; 4 if a stack could not be compared.

    \b
    Example:
      mlzone change drift retail-banking --at 2026-11-29T05:00:00Z
    """
    report, place = drift_check.check(estate_service.load(estate_path), unit, at=at, talk=talk)
    show({"report": place, **plain(report)}, f"{report.text}\nreport: {place}", as_json=as_json)
    drift_check.require_whole(report)


@command.command("approve")
@click.argument("unit")
@click.option("--as", "person", required=True, metavar="PERSON", help="Who answers.")
@click.option("--reason", required=True, help="What was read and why.")
@click.option("--reject", is_flag=True, help="Say no.")
@estate_option
@json_option
def approve(
    unit: str, person: str, reason: str, estate_path: Path, *, reject: bool, as_json: bool
) -> None:
    """Answer the question that a unit's pipeline waits with, on the embedded cloud.

    Whether the answer counts, the deployment after it decides by the plan.

    \b
    Example:
      mlzone change approve retail-banking --as helena.prado --reason "the plan is as agreed"
    """
    estate = estate_service.load(estate_path)
    pipeline = Naming(prefix=estate.organization.prefix).environment_pipeline(unit)
    session = contributor_session(embedded.running(), estate, unit, person)
    action = delivery.answer(session, pipeline, approve=not reject, reason=reason)
    status = "Rejected" if reject else "Approved"
    result = {"pipeline": pipeline, "action": action, "status": status, "person": person}
    show(result, f"{action} of {pipeline}: {status} by {person}", as_json=as_json)
