"""Source actions: CodeCommit and S3."""

import json

from botocore.exceptions import ClientError

from mlzone_cloud.compute.codebuild_source import CLONE_REF, may
from mlzone_cloud.compute.codepipeline.actions.base import ActionFailure, Done, Session
from mlzone_cloud.compute.codepipeline.state import Revision
from mlzone_cloud.git_repository import GitRepository

_ABSENT = "404"
_FULL_CLONE = "CODEBUILD_CLONE_REF"


def code_commit(session: Session) -> Done:
    """Fetch the tip of a branch, or the commit that the execution was started with."""
    configuration, role = session.configuration, session.role
    name, branch = configuration["RepositoryName"], configuration.get("BranchName", "main")
    client = role.client("codecommit")
    asked = _asked(session, "COMMIT_ID")
    tip = client.get_branch(repositoryName=name, branchName=branch)["branch"]["commitId"]
    commit_id = asked or tip
    commit = client.get_commit(repositoryName=name, commitId=commit_id)["commit"]
    may(role, "UploadArchive", name)
    if configuration.get("OutputArtifactFormat") == _FULL_CLONE:
        reference = {"kind": CLONE_REF, "repository": name, "commit": commit_id}
        body = json.dumps(reference).encode()
    else:
        body = GitRepository.of(session.cloud, role.account, role.region, name).archive(commit_id)
    output = session.new_outputs(commit_id)[0]
    session.write(output, body)
    message = commit["message"].strip()
    session.run.revision = Revision(
        id=commit_id,
        summary=message,
        url=(
            f"https://{role.region}.console.aws.amazon.com/codesuite/codecommit/repositories/"
            f"{name}/commit/{commit_id}"
        ),
        created=session.cloud.clock.now(),
    )
    return Done(
        variables={
            "AuthorDate": commit["author"]["date"],
            "BranchName": branch,
            "CommitId": commit_id,
            "CommitMessage": message,
            "CommitterDate": commit["committer"]["date"],
            "RepositoryName": name,
        },
        outputs=[output],
    )


def s3(session: Session) -> Done:
    """Fetch an object of a versioned bucket."""
    configuration, role = session.configuration, session.role
    bucket = configuration["S3Bucket"]
    key = _asked(session, "S3_OBJECT_KEY") or configuration["S3ObjectKey"]
    client = role.client("s3")
    if client.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise ActionFailure(
            "ConfigurationError", f"Versioning is not enabled for the S3 bucket {bucket}"
        )
    asked = _asked(session, "S3_OBJECT_VERSION_ID")
    try:
        found = client.head_object(
            Bucket=bucket, Key=key, **({"VersionId": asked} if asked else {})
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != _ABSENT:
            raise
        raise ActionFailure(
            "ConfigurationError", f"The object {key} does not exist in the S3 bucket {bucket}"
        ) from error
    version = found["VersionId"]
    body = role.get(bucket, key, version)
    output = session.new_outputs(version)[0]
    session.write(output, body)
    session.run.revision = Revision(
        id=version,
        summary=f"Amazon S3 version id: {version}",
        url=f"https://s3.console.aws.amazon.com/s3/object/{bucket}/{key}",
        created=found["LastModified"],
    )
    return Done(
        variables={
            "BucketName": bucket,
            "ETag": found["ETag"].strip('"'),
            "ObjectKey": key,
            "VersionId": version,
        },
        outputs=[output],
    )


def _asked(session: Session, kind: str) -> str:
    """Return the revision that the execution was started with, if it is of a kind."""
    revision = session.execution.revisions.get(session.run.name) or {}
    return str(revision["revisionValue"]) if revision.get("revisionType") == kind else ""
