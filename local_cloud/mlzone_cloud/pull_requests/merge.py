"""How pull requests are merged: by git, into the bare repository."""

from typing import Any

from mlzone_cloud import codecommit
from mlzone_cloud.errors import ApiError
from mlzone_cloud.git_repository import GitRepository, RefChange
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.pull_requests.record import CLOSED, OPEN, Record, announce, find, note, target

_OPTIONS = {
    "MergePullRequestByFastForward": "FAST_FORWARD_MERGE",
    "MergePullRequestBySquash": "SQUASH_MERGE",
    "MergePullRequestByThreeWay": "THREE_WAY_MERGE",
}


@operation("codecommit", *_OPTIONS)
def merge_pull_request(call: Call) -> dict[str, Any]:
    """Merge what is proposed and close the pull request; conflicts are people's work."""
    for key in ("conflictResolution", "conflictResolutionStrategy"):
        if call.params.get(key) not in (None, "", "NONE"):
            call.cloud.gap("conflicts that CodeCommit resolves")
            raise ApiError("NotImplemented", f"the embedded cloud does not emulate {key}")
    record = _mergeable(call)
    proposed = target(record)
    repository = GitRepository.of(call.cloud, call.account, call.region, proposed["repositoryName"])
    option = _OPTIONS[call.operation]
    before, source = proposed["destinationCommit"], proposed["sourceCommit"]
    if option == "FAST_FORWARD_MERGE":
        if proposed["mergeBase"] != before:
            raise _by_hand(proposed)
        after = source
    else:
        after = _merged(call, repository, record, option)
    branch = proposed["destinationReference"].removeprefix("refs/heads/")
    try:
        repository.set_branch(branch, after, before=before)
    except ApiError as error:
        raise _moving(proposed["destinationReference"]) from error
    record["pullRequestStatus"] = CLOSED
    proposed["mergeMetadata"] = {
        "isMerged": True,
        "mergedBy": call.caller_arn,
        "mergeCommitId": after,
        "mergeOption": option,
    }
    note(
        record,
        "PULL_REQUEST_MERGE_STATE_CHANGED",
        call.cloud.clock.now(),
        call.caller_arn,
        pullRequestMergedStateChangedEventMetadata={
            "repositoryName": proposed["repositoryName"],
            "destinationReference": proposed["destinationReference"],
            "mergeMetadata": proposed["mergeMetadata"],
        },
    )
    where = (call.cloud, call.account, call.region)
    announce(*where, record, "pullRequestMergeStatusUpdated", call.caller_arn)
    change = RefChange(ref=proposed["destinationReference"], before=before, after=after)
    if before != after:
        codecommit.announce(*where, proposed["repositoryName"], change, call.caller_arn)
    return {"pullRequest": {key: value for key, value in record.items() if key[0] != "_"}}


def _mergeable(call: Call) -> Record:
    """Return the pull request, if it can be merged now."""
    record = find(call.cloud, call.account, call.region, call.params["pullRequestId"])
    proposed, name = target(record), call.params["repositoryName"]
    codecommit.find(call.cloud, call.account, call.region, name)
    if proposed["repositoryName"] != name:
        raise ApiError(
            "RepositoryNotAssociatedWithPullRequestException",
            f"pull request {record['pullRequestId']} is not of {name}",
        )
    if record["pullRequestStatus"] != OPEN:
        raise ApiError("PullRequestAlreadyClosedException", "the pull request is closed")
    there = GitRepository.of(call.cloud, call.account, call.region, name).refs("refs/heads/")
    for side in ("source", "destination"):
        reference = proposed[f"{side}Reference"]
        if reference not in there:
            raise ApiError("ReferenceDoesNotExistException", f"{reference} does not exist")
        if there[reference] != proposed[f"{side}Commit"]:
            # A push is about to be told of.
            raise _moving(reference)
    asked = call.params.get("sourceCommitId")
    if asked and asked != proposed["sourceCommit"]:
        raise ApiError(
            "TipOfSourceReferenceIsDifferentException",
            f"the tip of {proposed['sourceReference']} is {proposed['sourceCommit']}, not {asked}",
        )
    return record


def _merged(call: Call, repository: GitRepository, record: Record, option: str) -> str:
    """Write the commit that has both sides."""
    proposed = target(record)
    destination, source = proposed["destinationCommit"], proposed["sourceCommit"]
    try:
        told = repository.run("merge-tree", "--write-tree", destination, source).decode()
    except ApiError as error:
        raise _by_hand(proposed) from error
    parents = [destination, *([source] if option == "THREE_WAY_MERGE" else [])]
    moment = int(call.cloud.clock.now().timestamp())
    name = call.params.get("authorName") or call.caller_arn.rpartition("/")[2]
    who = f"{name} <{call.params.get('email') or ''}> {moment} +0000"
    message = call.params.get("commitMessage") or f"Merge {proposed['sourceReference']}"
    lines = [f"tree {told.splitlines()[0]}", *(f"parent {parent}" for parent in parents)]
    text = "\n".join([*lines, f"author {who}", f"committer {who}", "", message, ""])
    written = repository.run("hash-object", "-t", "commit", "-w", "--stdin", data=text.encode())
    return written.decode().strip()


def _moving(reference: str) -> ApiError:
    return ApiError(
        "ConcurrentReferenceUpdateException", f"{reference} is being updated; try again"
    )


def _by_hand(proposed: dict[str, Any]) -> ApiError:
    return ApiError(
        "ManualMergeRequiredException",
        f"{proposed['sourceReference']} cannot be merged into {proposed['destinationReference']} "
        "that way; bring it up to date with git",
    )
