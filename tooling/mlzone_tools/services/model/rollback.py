"""Returns a model to the release that served well before, through its promotion."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Stage
from mlzone_runtime.release.champion import NoChampionError, bring_back
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model import delivery


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """A promotion that brings an earlier release back."""

    model: str
    environment: str
    pipeline: str
    execution: str
    """The execution that was started."""
    back_to: str
    """The earlier execution that it repeats."""


def roll_back(session: Session, estate: Estate, model: str, stage: Stage) -> Rollback:
    """Start the promotion that brings the last good release back, as the person of the session.

    Nobody is asked again: the release was let in before, and that answer holds.

    Raises:
        ConfigError: no other release served before.
        GovernanceError: the person may not; the message is AWS's, with the deciding statement.
    """
    unit, _, chosen = estate.model(model)
    pipeline = delivery.pipeline_name(estate, model, stage)
    client = session.client("codepipeline")
    try:
        with denials(f"{model} stays as it is in {stage}", hint=delivery.ENGINEERS):
            way = bring_back(client, pipeline, again=True)
    except NoChampionError as error:
        raise ConfigError(
            f"{model} stays as it is in {stage}: {error}", hint="see: mlzone model show --lineage"
        ) from error
    except ClientError as error:
        if error.response["Error"]["Code"] != "PipelineNotFoundException":
            raise
        raise ConfigError(
            f"there is no {pipeline}", hint=f"deploy first: mlzone deploy {unit.name}"
        ) from error
    return Rollback(
        model=f"{unit.name}/{chosen.name}",
        environment=stage,
        pipeline=pipeline,
        execution=way.execution,
        back_to=way.back_to,
    )
