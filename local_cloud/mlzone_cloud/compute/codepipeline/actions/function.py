"""Invoke actions: Lambda functions that report how the job went."""

import json
import uuid
from datetime import timedelta
from typing import Any

from mlzone_cloud.compute.codepipeline.actions.base import Session
from mlzone_cloud.compute.codepipeline.state import Artifact, jobs

CONTINUE_AFTER = timedelta(seconds=20)
"""How long a function that asked for it waits before it is called again."""


def invoke(session: Session) -> None:
    """Call the function; it reports with PutJobSuccessResult or PutJobFailureResult."""
    run = session.run
    if not run.outputs:
        run.outputs = session.new_outputs()
    jobs(session.cloud).pop(run.job, None)
    run.job, run.due = str(uuid.uuid4()), None
    # Noted first: the function may report before the call returns.
    jobs(session.cloud)[run.job] = (session.place, session.execution.id, run.id)
    session.role.client("lambda").invoke(
        FunctionName=session.configuration["FunctionName"],
        InvocationType="Event",
        Payload=json.dumps({"CodePipeline.job": _job(session)}).encode(),
    )


def _job(session: Session) -> dict[str, Any]:
    run = session.run
    caller = session.cloud.assume(session.role.role, session.place.name[:64])
    keys = caller.credentials
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": session.configuration},
        "inputArtifacts": [_artifact(item) for item in run.inputs],
        "outputArtifacts": [_artifact(item) for item in run.outputs],
        "artifactCredentials": {
            "accessKeyId": keys.access_key_id,
            "secretAccessKey": keys.secret_access_key,
            "sessionToken": keys.session_token,
            "expirationTime": int(keys.expires.timestamp() * 1000) if keys.expires else None,
        },
    }
    if run.token:
        data["continuationToken"] = run.token
    if session.kms_key:
        data["encryptionKey"] = {"id": session.kms_key, "type": "KMS"}
    return {"id": run.job, "accountId": session.place.account, "data": data}


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "revision": artifact.revision or None,
        "location": {
            "type": "S3",
            "s3Location": {"bucketName": artifact.bucket, "objectKey": artifact.key},
        },
    }
