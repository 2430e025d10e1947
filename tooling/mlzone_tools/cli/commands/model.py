"""`mlzone model`: from a project to production."""

import click

from mlzone_tools.cli.commands import (
    model_batch,
    model_decision,
    model_history,
    model_project,
    model_proposal,
    model_retry,
    model_runs,
    model_service,
    model_view,
)


@click.group("model")
def command() -> None:
    """Take a model from its template to production.

    \b
    Example:
      mlzone model new retail-banking/credit-default my-project
      mlzone model submit retail-banking/credit-default my-project --as ana.souza
      mlzone model approve retail-banking/credit-default --as paula.reis --reason "reviewed"
    """


for _command in (
    model_project.new,
    model_project.update,
    model_project.clone,
    model_project.submit,
    model_proposal.propose,
    model_proposal.proposals_,
    model_proposal.merge,
    model_runs.command,
    model_retry.command,
    model_view.list_,
    model_view.show_,
    model_decision.validate,
    model_decision.approve,
    model_decision.reject,
    model_decision.promote,
    model_history.rollback,
    model_history.retire,
    model_history.reproduce,
    model_service.stop,
    model_service.start,
    model_batch.backfill,
    model_batch.batches_,
):
    command.add_command(_command)
