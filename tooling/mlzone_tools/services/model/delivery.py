"""Where a model's versions are on their way: builds, promotions, and who must answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session

ENGINEERS = "an engineer of the model's team may; in production also an approver of the unit"
"""Who lets promotions begin."""
_OPEN = ("InProgress",)


@dataclass(frozen=True, kw_only=True)
class Action:
    """An action of a pipeline run."""

    stage: str
    name: str
    status: str
    summary: str
    """What it says: what came of a trial, or the reason of a failure, with its log's last lines."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of a delivery pipeline."""

    pipeline: str
    execution: str
    status: str
    started: datetime
    actions: tuple[Action, ...]

    @property
    def finished(self) -> bool:
        """Whether nothing of it goes on."""
        return self.status not in _OPEN

    @property
    def problem(self) -> str:
        """Why it failed, or an empty text."""
        failed = [item for item in self.actions if item.status == "Failed"]
        return "\n".join(f"{item.stage}/{item.name}: {item.summary}" for item in failed)


def pipeline_name(estate: Estate, model: str, stage: Stage) -> str:
    """Return the pipeline that brings a model into an environment: the build in development."""
    unit, _, chosen = estate.model(model)
    naming = Naming(prefix=estate.organization.prefix)
    if stage is Stage.DEV:
        return naming.build_pipeline(unit.name, chosen.name)
    return naming.promotion_pipeline(unit.name, chosen.name, stage)


def runs(session: Session, pipeline: str) -> tuple[Run, ...]:
    """Return the executions of a pipeline, newest first; none if the pipeline is not there."""
    client = session.client("codepipeline")
    try:
        summaries = client.list_pipeline_executions(pipelineName=pipeline)[
            "pipelineExecutionSummaries"
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] == "PipelineNotFoundException":
            return ()
        raise
    return tuple(
        Run(
            pipeline=pipeline,
            execution=item["pipelineExecutionId"],
            status=item["status"],
            started=item["startTime"],
            actions=_actions(client, pipeline, item["pipelineExecutionId"]),
        )
        for item in sorted(summaries, key=lambda item: item["startTime"], reverse=True)
    )


def answer(session: Session, pipeline: str, *, approve: bool, reason: str) -> str:
    """Answer the approval that a promotion waits for; return the action's name.

    Raises:
        ConfigError: nothing waits.
        GovernanceError: the person of the session may not answer.
    """
    client = session.client("codepipeline")
    waiting = _waiting(client, pipeline)
    if waiting is None:
        raise ConfigError(
            f"nothing waits for an answer in {pipeline}", hint="see: mlzone model show MODEL"
        )
    stage, action, token = waiting
    with denials():
        client.put_approval_result(
            pipelineName=pipeline,
            stageName=stage,
            actionName=action,
            token=token,
            result={"summary": reason, "status": "Approved" if approve else "Rejected"},
        )
    return f"{stage}/{action}"


def is_waiting(session: Session, pipeline: str) -> bool:
    """Tell whether a promotion waits for a person."""
    return _waiting(session.client("codepipeline"), pipeline) is not None


def _waiting(client: Any, pipeline: str) -> tuple[str, str, str] | None:
    try:
        state = client.get_pipeline_state(name=pipeline)
    except ClientError as error:
        if error.response["Error"]["Code"] == "PipelineNotFoundException":
            return None
        raise
    for stage in state["stageStates"]:
        for action in stage.get("actionStates", []):
            latest = action.get("latestExecution", {})
            if latest.get("status") == "InProgress" and latest.get("token"):
                return stage["stageName"], action["actionName"], latest["token"]
    return None


def _actions(client: Any, pipeline: str, execution: str) -> tuple[Action, ...]:
    details = client.list_action_executions(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution}
    )["actionExecutionDetails"]
    ordered = sorted(details, key=lambda item: item["startTime"])
    return tuple(
        Action(
            stage=item["stageName"],
            name=item["actionName"],
            status=item["status"],
            summary=_summary(item.get("output", {})),
        )
        for item in ordered
    )


def _summary(output: dict[str, Any]) -> str:
    result = output.get("executionResult", {})
    error = result.get("errorDetails", {}).get("message", "")
    outcome = output.get("outputVariables", {}).get("OUTCOME", "")
    return str(error or outcome or result.get("externalExecutionSummary", ""))
