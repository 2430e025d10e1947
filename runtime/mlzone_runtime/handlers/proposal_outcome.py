"""Says the outcome of its tests to a pull request, as a comment on the commit that was tested."""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

_PASSED = "SUCCEEDED"
_OUTCOMES = {
    _PASSED: "Tests passed",
    "FAILED": "Tests failed",
    "STOPPED": "Tests were stopped",
    "TIMED_OUT": "Tests took too long and were stopped",
}
_BROKEN = "Tests could not run"
_SHORT = 10
_SAID = "IdempotencyParameterMismatchException"
_GONE = "CommitDoesNotExistException"


def say(event: Mapping[str, Any], *, repository: str, codecommit: Any) -> dict[str, str]:
    """Comment on the pull request whose tests have ended.

    Each outcome of a commit is said once, however often the event comes. Also a commit that was
    pushed away meanwhile gets its comment, as long as it is there: the comment names it.

    Args:
        event: CodeBuild's.
        repository: the repository of the model's project.
        codecommit: the client.

    Returns:
        The pull request and the outcome; nothing if nobody was told.
    """
    about = event["detail"]["additional-information"]
    variables = {
        item["name"]: item["value"]
        for item in about.get("environment", {}).get("environment-variables", [])
    }
    number = variables.get("MLZONE_PULL_REQUEST", "")
    commit = about.get("source-version", "")
    if not number or not commit:
        LOG.info("the build was started by hand, for no pull request")
        return {}
    status = event["detail"]["build-status"]
    said = f"{number}:{commit}:{status}"
    try:
        codecommit.post_comment_for_pull_request(
            pullRequestId=number,
            repositoryName=repository,
            beforeCommitId=variables["MLZONE_DESTINATION_COMMIT"],
            afterCommitId=commit,
            content=_comment(status, commit, about),
            clientRequestToken=hashlib.sha256(said.encode()).hexdigest(),
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in (_SAID, _GONE):
            raise
        LOG.info("nothing is said of %s in pull request %s: %s", commit, number, code)
        return {}
    return {"pull_request": number, "outcome": status}


def _comment(status: str, commit: str, about: Mapping[str, Any]) -> str:
    lines = [f"**{_OUTCOMES.get(status, _BROKEN)}** for commit `{commit[:_SHORT]}`."]
    failed = [
        phase["phase-type"]
        for phase in about.get("phases", [])
        if phase.get("phase-status", _PASSED) != _PASSED
    ]
    if failed:
        lines.append(f"It ended in phase `{failed[0]}`.")
    logs = about.get("logs", {})
    if link := logs.get("deep-link"):
        lines.append(f"[Log of the tests]({link})")
    elif group := logs.get("group-name"):
        lines.append(f"Log: `{group}`, stream `{logs.get('stream-name', '')}`")
    return "\n\n".join(lines)
