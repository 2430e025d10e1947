"""Build and Test actions: CodeBuild."""

from collections.abc import Mapping
from typing import Any

from mlzone_cloud.compute import codebuild
from mlzone_cloud.compute.codepipeline.actions.base import (
    ActionFailure,
    Done,
    Outcome,
    Session,
    parse_json,
)
from mlzone_cloud.compute.codepipeline.state import Artifact, jobs


def start(session: Session) -> Outcome | None:
    """Start a build, or look how it is."""
    run = session.run
    if not run.job:
        _start(session)
    builds = session.role.client("codebuild").batch_get_builds(ids=[run.external_id])["builds"]
    if not builds:
        raise ActionFailure("JobFailed", f"the build {run.external_id} does not exist any more")
    return _outcome(session, builds[0]) if builds[0]["buildComplete"] else None


def _start(session: Session) -> None:
    run, configuration, role = session.run, session.configuration, session.role
    inputs = run.inputs
    primary = configuration.get("PrimarySource") or (inputs[0].name if inputs else "")
    main = next((item for item in inputs if item.name == primary), None)
    if main is None:
        raise ActionFailure(
            "ConfigurationError",
            "The action needs an input artifact; PrimarySource must name one of them",
        )
    if configuration.get("BatchEnabled", "false") == "true":
        raise ActionFailure("ConfigurationError", "the embedded cloud does not run batch builds")
    further = [item for item in inputs if item is not main]
    run.outputs = session.new_outputs(main.revision)
    codebuild.hand_over(
        session.cloud,
        role.account,
        role.region,
        run.id,
        initiator=f"codepipeline/{session.place.name}",
        resolved=main.revision,
    )
    build = role.client("codebuild").start_build(
        projectName=configuration["ProjectName"],
        idempotencyToken=run.id,
        sourceTypeOverride="CODEPIPELINE",
        sourceVersion=_arn(main),
        secondarySourcesOverride=[
            {"type": "CODEPIPELINE", "location": _arn(item), "sourceIdentifier": item.name}
            for item in further
        ],
        environmentVariablesOverride=_variables(configuration),
        **_artifacts(run.outputs),
        **({"encryptionKeyOverride": session.kms_key} if session.kms_key else {}),
    )["build"]
    run.external_id = build["id"]
    run.external_url = build["logs"].get("deepLink", "")
    run.job = build["arn"]
    jobs(session.cloud)[run.job] = (session.place, session.execution.id, run.id)


def _arn(artifact: Artifact) -> str:
    return f"arn:aws:s3:::{artifact.bucket}/{artifact.key}"


def _artifacts(outputs: list[Artifact]) -> dict[str, Any]:
    """Return where a build puts what it makes: one artefact, or several with identifiers."""
    if not outputs:
        return {"artifactsOverride": {"type": "NO_ARTIFACTS"}}
    declared = [
        {"type": "CODEPIPELINE", "location": _arn(item), "artifactIdentifier": item.name}
        for item in outputs
    ]
    if len(outputs) == 1:
        return {"artifactsOverride": declared[0]}
    return {
        "artifactsOverride": {"type": "NO_ARTIFACTS"},
        "secondaryArtifactsOverride": declared,
    }


def _variables(configuration: Mapping[str, str]) -> list[dict[str, str]]:
    text = configuration.get("EnvironmentVariables")
    given = parse_json(text, "EnvironmentVariables") if text else []
    return [
        {"name": item["name"], "value": item["value"], "type": item.get("type", "PLAINTEXT")}
        for item in given
    ]


def _outcome(session: Session, build: dict[str, Any]) -> Outcome:
    if build["buildStatus"] == "SUCCEEDED":
        exported = build.get("exportedEnvironmentVariables") or ()
        return Done(
            variables={item["name"]: item["value"] for item in exported},
            outputs=session.run.outputs,
        )
    failed = next(
        (
            phase
            for phase in build["phases"]
            if phase.get("phaseStatus", "SUCCEEDED") != "SUCCEEDED" and phase.get("contexts")
        ),
        None,
    )
    message = f"Build terminated with state: {build['buildStatus']}"
    if failed:
        context = failed["contexts"][0]
        message += (
            f". Phase: {failed['phaseType']}, Code: {context['statusCode']}, "
            f"Message: {context['message']}"
        )
    return ActionFailure("JobFailed", message)
