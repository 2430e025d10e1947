"""`mlzone model validate|approve|reject|promote`: what the second line decides."""

from pathlib import Path

import click

from mlzone.estate import Estate, Stage
from mlzone_tools.cli.output import estate_option, json_option, show
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.session import Session
from mlzone_tools.services import estate as estate_service
from mlzone_tools.services.model import decision as second_line
from mlzone_tools.services.model import delivery, registry
from mlzone_tools.services.model.session_of import registry_session, stage_session


@click.command("validate")
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


def _decision(
    name: str, status: second_line.Status, *, more: str = "", nor: str = ""
) -> click.Command:
    words = _DECISION_HELP.format(title=name.title(), name=name, more=more, nor=nor)

    @click.command(name, help=words)
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

    return decide


approve = _decision(
    "approve",
    "Approved",
    more="A version without the evidence that its risk tier demands is refused, with\nwhat it "
    "lacks and how that is produced. ",
    nor=" or validated it",
)
reject = _decision("reject", "Rejected")


def _as_second_line(estate: Estate, model: str, person: str) -> tuple[registry.Version, Session]:
    """Return a version, and the person's session in the registry's account."""
    unit, _, _ = estate.model(model.partition(":")[0])
    endpoint = embedded.running()
    item = registry.version(registry_session(endpoint, estate, None, ""), estate, model)
    return item, registry_session(endpoint, estate, person, unit.name)


@click.command("promote")
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
