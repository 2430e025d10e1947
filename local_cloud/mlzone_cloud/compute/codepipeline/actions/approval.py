"""Manual approvals."""

import json
import uuid

from mlzone_cloud.compute.codepipeline.actions.base import Session


def ask(session: Session) -> None:
    """Hand a token out, and tell the topic that somebody has to decide."""
    run, configuration = session.run, session.configuration
    if run.token:
        return
    token = str(uuid.uuid4())
    topic = configuration.get("NotificationArn")
    if topic:
        # The role must be able to publish before anybody is asked.
        session.role.client("sns").publish(
            TopicArn=topic,
            Subject=f"APPROVAL NEEDED: AWS CodePipeline {session.place.name}"[:100],
            Message=json.dumps(_message(session, token)),
        )
    run.token = token


def _message(session: Session, token: str) -> dict[str, object]:
    run, place = session.run, session.place
    console = f"https://console.aws.amazon.com/codesuite/codepipeline/pipelines/{place.name}/view"
    expires = run.expires.strftime("%Y-%m-%dT%H:%MZ") if run.expires else None
    return {
        "region": place.region,
        "consoleLink": f"{console}?region={place.region}",
        "approval": {
            "pipelineName": place.name,
            "stageName": run.stage,
            "actionName": run.name,
            "token": token,
            "expires": expires,
            "externalEntityLink": session.configuration.get("ExternalEntityLink"),
            "approvalReviewLink": f"{console}#/{run.stage}/{run.name}/approve/{token}",
            "customData": session.configuration.get("CustomData"),
        },
    }
