"""Takes a model out of service in an environment, and asks that it may serve again (MON-04)."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from mlzone.errors import ConfigError, DeploymentError
from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone_runtime.caller import proof
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model import delivery

_LONGEST_SECONDS = 900
"""What stops a model waits for CloudFormation."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A model that is out of service."""

    model: str
    """`unit/model`."""
    environment: str
    release: str
    """The release that served; it serves again unless another one is promoted."""
    stopped: str
    """Who stopped it and why, as the model's stacks say."""
    person: str
    """Who asked."""
    before: bool
    """Whether it was out of service already."""


def stop(session: Session, estate: Estate, model: str, stage: Stage, reason: str) -> Stop:
    """Take a model out of service, as the person of the session, and wait until it is.

    Raises:
        ConfigError: there is nothing that could be stopped.
        GovernanceError: the person may not; the message is AWS's, with the deciding statement.
        DeploymentError: it could not be stopped.
    """
    unit, _, chosen = estate.model(model)
    naming = Naming(prefix=estate.organization.prefix)
    function = naming.stop_function(unit.name, chosen.name, stage)
    client = session.client(
        "lambda", config=Config(read_timeout=_LONGEST_SECONDS, retries={"total_max_attempts": 1})
    )
    request = {"reason": reason, "proof": proof(session.client("sts"), function)}
    with _refusals(f"{model} keeps serving in {stage}", function):
        answer = client.invoke(FunctionName=function, Payload=json.dumps(request).encode())
    said: Mapping[str, Any] = json.loads(answer["Payload"].read())
    if problem := said.get("errorMessage") or said.get("refused"):
        raise DeploymentError(
            f"{model} is not stopped in {stage}: {problem}",
            hint="try again; in an emergency: the role for it, docs/aws.md",
        )
    return Stop(
        model=f"{unit.name}/{chosen.name}",
        environment=stage,
        release=said["release"],
        stopped=said["stopped"],
        person=said["person"],
        before=said["before"],
    )


def start(session: Session, estate: Estate, model: str, stage: Stage) -> tuple[str, str]:
    """Start the promotion by which a model can serve again; return the pipeline and its execution.

    Raises:
        GovernanceError: the person of the session may not.
    """
    pipeline = delivery.pipeline_name(estate, model, stage)
    with _refusals(f"{pipeline} is not started", pipeline):
        started = session.client("codepipeline").start_pipeline_execution(name=pipeline)
    return pipeline, str(started["pipelineExecutionId"])


@contextmanager
def _refusals(outcome: str, name: str) -> Iterator[None]:
    """Say what it means that AWS refuses what happens inside."""
    try:
        with denials(outcome, hint=delivery.ENGINEERS):
            yield
    except ClientError as error:
        code, message = str(error.response["Error"]["Code"]), error.response["Error"]["Message"]
        if code.endswith("NotFoundException"):
            raise ConfigError(
                f"{outcome}: there is no {name}", hint="deploy first: mlzone deploy UNIT"
            ) from error
        raise DeploymentError(f"{outcome}: {message}") from error
