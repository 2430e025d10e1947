"""Which function performs which action."""

from collections.abc import Callable

from botocore.exceptions import ClientError

from mlzone_cloud.compute.codepipeline.actions import approval, build, deploy, function, source
from mlzone_cloud.compute.codepipeline.actions.base import (
    ActionFailure,
    Outcome,
    Session,
    permission,
)
from mlzone_cloud.compute.codepipeline.variables import UnresolvedVariableError, resolve
from mlzone_cloud.errors import ApiError

ACTIONS: dict[tuple[str, str], Callable[[Session], Outcome | None]] = {
    ("Approval", "Manual"): approval.ask,
    ("Build", "CodeBuild"): build.start,
    ("Deploy", "S3"): deploy.s3,
    ("Invoke", "Lambda"): function.invoke,
    ("Source", "CodeCommit"): source.code_commit,
    ("Source", "S3"): source.s3,
    ("Test", "CodeBuild"): build.start,
}
"""By category and provider."""


def perform(session: Session) -> Outcome | None:
    """Do what an action does; None: somebody reports later how it ended."""
    run = session.run
    try:
        declared = {key: str(text) for key, text in run.declaration["configuration"].items()}
        run.configuration = resolve(declared, session.execution.namespaces)
        if run.kind not in ACTIONS:
            category, provider = run.kind
            message = f"the embedded cloud does not execute {category} actions of {provider}"
            return ActionFailure("NotImplemented", message)
        return ACTIONS[run.kind](session)
    except ActionFailure as failure:
        return failure
    except Exception as error:  # noqa: BLE001 - an action always ends
        return _failure(session, error)


def _failure(session: Session, error: Exception) -> ActionFailure:
    match error:
        case ClientError():
            return permission(error)
        case ApiError():
            code = "PermissionError" if "Denied" in error.code else "ConfigurationError"
            return ActionFailure(code, error.message)
        case UnresolvedVariableError():
            return ActionFailure("ConfigurationError", str(error))
        case KeyError():
            return ActionFailure("ConfigurationError", f"the configuration lacks {error}")
    name = f"action {session.run.name} of {session.place.name}"
    session.cloud.record_error(f"{name}: {error!r}")
    return ActionFailure("InternalError", repr(error))
