"""Lets what failed of a build or a promotion run once more, and nothing that succeeded."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Stage
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model import delivery


@dataclass(frozen=True, kw_only=True)
class Retry:
    """A run of which the failed actions run once more."""

    model: str
    environment: str
    pipeline: str
    execution: str
    stage: str
    """The pipeline's stage that had failed."""
    actions: tuple[str, ...]
    """The actions of it that had failed."""


def retry(session: Session, estate: Estate, model: str, stage: Stage) -> Retry:
    """Retry the failed actions of a model's newest run, as the person of the session.

    Args:
        session: the person's session in the environment.
        estate: declares the model.
        model: `unit/model`, or the model's name where it is unique.
        stage: the environment: the build in development, else the promotion.

    Raises:
        ConfigError: there is no run, or the newest one has not failed.
        GovernanceError: the person may not; the message is AWS's, with the deciding statement.
    """
    unit, _, chosen = estate.model(model)
    pipeline = delivery.pipeline_name(estate, model, stage)
    newest = next(iter(delivery.runs(session, pipeline)), None)
    failed = [item for item in newest.actions if item.status == "Failed"] if newest else []
    if newest is None or newest.status != "Failed" or not failed:
        state = f"the newest run of {pipeline} is {newest.status}" if newest else "there is no run"
        raise ConfigError(
            f"nothing of {model} can be tried again in {stage}: {state}",
            hint=f"see: mlzone model show {model}",
        )
    where = failed[-1].stage
    may = "who trains the model retries its builds, its ML engineers the promotions"
    try:
        with denials(f"{model} stays as it is in {stage}", hint=may):
            session.client("codepipeline").retry_stage_execution(
                pipelineName=pipeline,
                stageName=where,
                pipelineExecutionId=newest.execution,
                retryMode="FAILED_ACTIONS",
            )
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if "Retryable" in code or "NotLatest" in code:
            raise ConfigError(
                f"{pipeline} cannot be tried again: {message}",
                hint=f"commit again: mlzone model submit {model} FOLDER --as PERSON",
            ) from error
        raise
    return Retry(
        model=f"{unit.name}/{chosen.name}",
        environment=stage,
        pipeline=pipeline,
        execution=newest.execution,
        stage=where,
        # An action that was tried before is listed once a try.
        actions=tuple(dict.fromkeys(item.name for item in failed if item.stage == where)),
    )
