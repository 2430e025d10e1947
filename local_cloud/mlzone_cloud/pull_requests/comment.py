"""What is said about pull requests."""

import uuid
from typing import Any

from mlzone_cloud import codecommit
from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic import paging
from mlzone_cloud.git_repository import GitRepository
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.pull_requests.record import Record, find, target

_LONGEST = 10_240
_ABOUT = ("pullRequestId", "repositoryName", "beforeCommitId", "afterCommitId", "location")


@operation("codecommit", "PostCommentForPullRequest")
def post_comment(call: Call) -> dict[str, Any]:
    """Say something; a token that was used before says it no second time."""
    record, params = _record(call), call.params
    content, token = params["content"], params.get("clientRequestToken") or ""
    about = {key: params[key] for key in _ABOUT if params.get(key)}
    for said in record["_comments"] if token else ():
        if said["comment"]["clientRequestToken"] == token:
            if said["about"] != about or said["comment"]["content"] != content:
                raise ApiError(
                    "IdempotencyParameterMismatchException",
                    "the client request token was used with other parameters",
                )
            return {**said["about"], "comment": said["comment"]}
    if not content.strip():
        raise ApiError("CommentContentRequiredException", "the comment is empty")
    if len(content) > _LONGEST:
        raise ApiError(
            "CommentContentSizeLimitExceededException",
            f"a comment has at most {_LONGEST} characters",
        )
    before, after = params["beforeCommitId"], params["afterCommitId"]
    if before == after:
        raise ApiError("BeforeCommitIdAndAfterCommitIdAreSameException", f"both are {before}")
    repository = GitRepository.of(call.cloud, call.account, call.region, params["repositoryName"])
    for commit in (before, after):
        if not repository.has_commit(commit):
            raise ApiError("CommitDoesNotExistException", f"{commit} does not exist")
    now = call.cloud.clock.now()
    comment = {
        "commentId": str(uuid.uuid4()),
        "content": content,
        "creationDate": now,
        "lastModifiedDate": now,
        "authorArn": call.caller_arn,
        "deleted": False,
        "clientRequestToken": token,
        "callerReactions": [],
        "reactionCounts": {},
    }
    record["lastActivityDate"] = now
    record["_comments"].append({"about": about, "comment": comment})
    _announce(call, record, comment)
    return {**about, "comment": comment}


@operation("codecommit", "GetCommentsForPullRequest")
def get_comments(call: Call) -> dict[str, Any]:
    """Return what was said, the oldest first."""
    params = call.params
    record = _record(call) if params.get("repositoryName") else _any(call)
    wanted = {key: params[key] for key in _ABOUT if params.get(key)}
    found = [
        {**said["about"], "comments": [said["comment"]]}
        for said in record["_comments"]
        if all(said["about"].get(key) == value for key, value in wanted.items())
    ]
    page, token = paging.cut(found, params)
    return {"commentsForPullRequestData": page, **({"nextToken": token} if token else {})}


def _any(call: Call) -> Record:
    return find(call.cloud, call.account, call.region, call.params["pullRequestId"])


def _record(call: Call) -> Record:
    record, name = _any(call), call.params["repositoryName"]
    codecommit.find(call.cloud, call.account, call.region, name)
    if target(record)["repositoryName"] != name:
        raise ApiError(
            "RepositoryNotAssociatedWithPullRequestException",
            f"pull request {record['pullRequestId']} is not of {name}",
        )
    return record


def _announce(call: Call, record: Record, comment: dict[str, Any]) -> None:
    name = call.params["repositoryName"]
    repository = codecommit.find(call.cloud, call.account, call.region, name)
    call.cloud.emit(
        account=call.account,
        region=call.region,
        source="aws.codecommit",
        detail_type="CodeCommit Comment on Pull Request",
        resources=(repository["Arn"],),
        detail={
            "event": "commentOnPullRequestCreated",
            "callerUserArn": call.caller_arn,
            "commentId": comment["commentId"],
            "pullRequestId": record["pullRequestId"],
            "repositoryId": repository["repositoryId"],
            "repositoryName": name,
            "beforeCommitId": call.params["beforeCommitId"],
            "afterCommitId": call.params["afterCommitId"],
            "notificationBody": (
                f"A comment was made in the following AWS CodeCommit repository: {name}. "
                f"User: {call.caller_arn}. Pull request: {record['pullRequestId']}"
            ),
        },
    )
