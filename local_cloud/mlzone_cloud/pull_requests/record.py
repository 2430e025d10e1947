"""What is kept of a pull request, and what EventBridge hears of it."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError
from mlzone_cloud.git_repository import GitRepository, RefChange

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Record = dict[str, Any]
"""As GetPullRequest shows it; what begins with `_` is ours."""

STORE = "codecommit.pull_requests"
OPEN, CLOSED = "OPEN", "CLOSED"
_HEADS = "refs/heads/"
_DONE = {
    "pullRequestCreated": "Created",
    "pullRequestSourceBranchUpdated": "Updated",
    "pullRequestStatusChanged": "Status changed",
    "pullRequestMergeStatusUpdated": "Merge status updated",
}
"""How the text of an event names what happened."""


def records(cloud: "Cloud", account: str, region: str) -> dict[str, Record]:
    """Return the pull requests of an account and Region by their ids."""
    return cloud.store(STORE, account, region)


def find(cloud: "Cloud", account: str, region: str, pull_request_id: str) -> Record:
    """Return a pull request.

    Raises:
        ApiError: there is none.
    """
    if not pull_request_id.isdigit():
        raise ApiError("InvalidPullRequestIdException", f"{pull_request_id} is no valid id")
    record = records(cloud, account, region).get(pull_request_id)
    if record is None:
        raise ApiError("PullRequestDoesNotExistException", f"{pull_request_id} does not exist")
    return record


def target(record: Record) -> dict[str, Any]:
    """Return what is to be merged into what."""
    found: dict[str, Any] = record["pullRequestTargets"][0]
    return found


def branch_reference(name: str) -> str:
    """Return the full name of a branch.

    Raises:
        ApiError: it names something else, such as a tag.
    """
    if name.startswith("refs/") and not name.startswith(_HEADS):
        raise ApiError("ReferenceTypeNotSupportedException", f"{name} is no branch")
    return name if name.startswith(_HEADS) else f"{_HEADS}{name}"


def new_revision() -> str:
    """Return the id of what is proposed now."""
    return uuid.uuid4().hex * 2


def note(record: Record, kind: str, moment: datetime, actor: str, **about: Any) -> None:
    """Keep what happened, for DescribePullRequestEvents.

    Args:
        record: the pull request.
        kind: such as `PULL_REQUEST_CREATED`.
        moment: when it happened.
        actor: ARN of who did it.
        about: the event's own part, under its name.
    """
    record["lastActivityDate"] = moment
    record["_events"].append(
        {
            "pullRequestId": record["pullRequestId"],
            "eventDate": moment,
            "pullRequestEventType": kind,
            "actorArn": actor,
            **about,
        }
    )


def announce(
    cloud: "Cloud", account: str, region: str, record: Record, event: str, caller_arn: str
) -> None:
    """Tell EventBridge what happened to a pull request."""
    proposed = target(record)
    name, number = proposed["repositoryName"], record["pullRequestId"]
    merged = proposed["mergeMetadata"]
    cloud.emit(
        account=account,
        region=region,
        source="aws.codecommit",
        detail_type="CodeCommit Pull Request State Change",
        resources=(f"arn:aws:codecommit:{region}:{account}:{name}",),
        detail={
            "event": event,
            "author": record["authorArn"],
            "callerUserArn": caller_arn,
            "creationDate": _written(record["creationDate"]),
            "lastModifiedDate": _written(record["lastActivityDate"]),
            "description": record.get("description", ""),
            "title": record["title"],
            "pullRequestId": number,
            "pullRequestStatus": record["pullRequestStatus"].title(),
            "repositoryNames": [name],
            "revisionId": record["revisionId"],
            "sourceReference": proposed["sourceReference"],
            "sourceCommit": proposed["sourceCommit"],
            "destinationReference": proposed["destinationReference"],
            "destinationCommit": proposed["destinationCommit"],
            "isMerged": str(merged["isMerged"]),
            **({"mergeOption": merged["mergeOption"]} if merged["isMerged"] else {}),
            "notificationBody": (
                "A pull request event occurred in the following AWS CodeCommit repository: "
                f"{name}. User: {caller_arn}. Event: {_DONE[event]}. "
                f"Pull request name: {number}: {record['title']}"
            ),
        },
    )


def branch_moved(
    cloud: "Cloud", account: str, region: str, name: str, change: RefChange, caller_arn: str
) -> None:
    """Bring the open pull requests of a repository up to date once one of its branches moved."""
    if not change.ref.startswith(_HEADS) or not change.after:
        return
    repository = GitRepository.of(cloud, account, region, name)
    for record in list(records(cloud, account, region).values()):
        proposed = target(record)
        if record["pullRequestStatus"] != OPEN or proposed["repositoryName"] != name:
            continue
        if change.ref == proposed["destinationReference"]:
            proposed["destinationCommit"] = change.after
            proposed["mergeBase"] = repository.merge_base(change.after, proposed["sourceCommit"])
        elif change.ref == proposed["sourceReference"]:
            before, proposed["sourceCommit"] = proposed["sourceCommit"], change.after
            destination = proposed["destinationCommit"]
            proposed["mergeBase"] = repository.merge_base(destination, change.after)
            record["revisionId"] = new_revision()
            note(
                record,
                "PULL_REQUEST_SOURCE_REFERENCE_UPDATED",
                cloud.clock.now(),
                caller_arn,
                pullRequestSourceReferenceUpdatedEventMetadata={
                    "repositoryName": name,
                    "beforeCommitId": before,
                    "afterCommitId": change.after,
                    "mergeBase": proposed["mergeBase"],
                },
            )
            announce(cloud, account, region, record, "pullRequestSourceBranchUpdated", caller_arn)


def repository_renamed(cloud: "Cloud", account: str, region: str, old: str, new: str) -> None:
    """Let the pull requests of a repository follow its name."""
    for record in records(cloud, account, region).values():
        if target(record)["repositoryName"] == old:
            target(record)["repositoryName"] = new


def repository_deleted(cloud: "Cloud", account: str, region: str, name: str) -> None:
    """Delete the pull requests of a repository."""
    kept = records(cloud, account, region)
    for number in [key for key, item in kept.items() if target(item)["repositoryName"] == name]:
        del kept[number]


def _written(moment: datetime) -> str:
    return f"{moment:%a %b %d %H:%M:%S} UTC {moment:%Y}"
