"""Pull requests: made, read, changed and closed."""

from typing import Any

from mlzone_cloud import codecommit
from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic import paging
from mlzone_cloud.git_repository import GitRepository
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.pull_requests.record import (
    CLOSED,
    OPEN,
    Record,
    announce,
    branch_reference,
    find,
    new_revision,
    note,
    records,
    target,
)

_LONGEST_TITLE, _LONGEST_TEXT = 150, 10_240
_DEFAULT_BRANCH = "main"
_NUMBERS = "codecommit.pull_request_numbers"


@operation("codecommit", "CreatePullRequest")
def create_pull_request(call: Call) -> dict[str, Any]:
    """Propose to merge a branch into another; a token that was used before makes nothing new."""
    params = call.params
    token = params.get("clientRequestToken") or ""
    asked = {key: params.get(key) for key in ("title", "description", "targets")}
    for record in records(call.cloud, call.account, call.region).values() if token else ():
        if record["clientRequestToken"] == token:
            if record["_asked"] != asked:
                raise ApiError(
                    "IdempotencyParameterMismatchException",
                    "the client request token was used with other parameters",
                )
            return {"pullRequest": _shown(record)}
    _check_title(params["title"])
    _check_description(params.get("description") or "")
    proposed = _target(call)
    numbers = call.cloud.store(_NUMBERS, call.account, call.region)
    # A number is never given again, also not after its repository was deleted.
    numbers["last"] = numbers.get("last", 0) + 1
    now = call.cloud.clock.now()
    record = {
        "pullRequestId": str(numbers["last"]),
        "title": params["title"],
        "description": params.get("description") or "",
        "creationDate": now,
        "lastActivityDate": now,
        "pullRequestStatus": OPEN,
        "authorArn": call.caller_arn,
        "pullRequestTargets": [proposed],
        "clientRequestToken": token,
        "revisionId": new_revision(),
        "approvalRules": [],
        "_asked": asked,
        "_events": [],
        "_comments": [],
    }
    records(call.cloud, call.account, call.region)[record["pullRequestId"]] = record
    note(
        record,
        "PULL_REQUEST_CREATED",
        now,
        call.caller_arn,
        pullRequestCreatedEventMetadata={
            "repositoryName": proposed["repositoryName"],
            "sourceCommitId": proposed["sourceCommit"],
            "destinationCommitId": proposed["destinationCommit"],
            "mergeBase": proposed["mergeBase"],
        },
    )
    _announce(call, record, "pullRequestCreated")
    return {"pullRequest": _shown(record)}


@operation("codecommit", "GetPullRequest")
def get_pull_request(call: Call) -> dict[str, Any]:
    """Describe a pull request."""
    return {"pullRequest": _shown(_record(call))}


@operation("codecommit", "ListPullRequests")
def list_pull_requests(call: Call) -> dict[str, Any]:
    """List the ids of a repository's pull requests, the newest first."""
    params = call.params
    codecommit.find(call.cloud, call.account, call.region, params["repositoryName"])
    status, author = params.get("pullRequestStatus"), params.get("authorArn")
    if status and status not in (OPEN, CLOSED):
        raise ApiError("InvalidPullRequestStatusException", f"{status} is neither OPEN nor CLOSED")
    numbers = [
        number
        for number, record in records(call.cloud, call.account, call.region).items()
        if target(record)["repositoryName"] == params["repositoryName"]
        and status in (None, "", record["pullRequestStatus"])
        and author in (None, "", record["authorArn"])
    ]
    page, token = paging.cut(sorted(numbers, key=int, reverse=True), params)
    return {"pullRequestIds": page, **({"nextToken": token} if token else {})}


@operation("codecommit", "UpdatePullRequestStatus")
def update_status(call: Call) -> dict[str, Any]:
    """Close a pull request; none is opened again."""
    record, status = _record(call), call.params["pullRequestStatus"]
    if status not in (OPEN, CLOSED):
        raise ApiError("InvalidPullRequestStatusException", f"{status} is neither OPEN nor CLOSED")
    if status != CLOSED or record["pullRequestStatus"] != OPEN:
        raise ApiError(
            "InvalidPullRequestStatusUpdateException",
            f"the only valid update is from OPEN to CLOSED; it is {record['pullRequestStatus']}",
        )
    record["pullRequestStatus"] = CLOSED
    note(
        record,
        "PULL_REQUEST_STATUS_CHANGED",
        call.cloud.clock.now(),
        call.caller_arn,
        pullRequestStatusChangedEventMetadata={"pullRequestStatus": CLOSED},
    )
    _announce(call, record, "pullRequestStatusChanged")
    return {"pullRequest": _shown(record)}


@operation("codecommit", "UpdatePullRequestTitle")
def update_title(call: Call) -> dict[str, Any]:
    """Give an open pull request another title."""
    _check_title(call.params["title"])
    return _changed(call, "title")


@operation("codecommit", "UpdatePullRequestDescription")
def update_description(call: Call) -> dict[str, Any]:
    """Describe an open pull request in other words."""
    _check_description(call.params["description"])
    return _changed(call, "description")


@operation("codecommit", "DescribePullRequestEvents")
def describe_events(call: Call) -> dict[str, Any]:
    """Return what happened to a pull request, the newest first."""
    kind, actor = call.params.get("pullRequestEventType"), call.params.get("actorArn")
    found = [
        event
        for event in reversed(_record(call)["_events"])
        if kind in (None, "", event["pullRequestEventType"])
        and actor in (None, "", event["actorArn"])
    ]
    page, token = paging.cut(found, call.params)
    return {"pullRequestEvents": page, **({"nextToken": token} if token else {})}


def _target(call: Call) -> dict[str, Any]:
    """Return what a request wants to merge into what."""
    if len(call.params["targets"]) != 1:
        raise ApiError("InvalidTargetsException", "a pull request has one target")
    given = call.params["targets"][0]
    name = given["repositoryName"]
    codecommit.find(call.cloud, call.account, call.region, name)
    repository = GitRepository.of(call.cloud, call.account, call.region, name)
    source = branch_reference(given["sourceReference"])
    destination = branch_reference(given.get("destinationReference") or _DEFAULT_BRANCH)
    if source == destination:
        raise ApiError("SourceAndDestinationAreSameException", f"both are {source}")
    there = repository.refs("refs/heads/")
    for reference in (source, destination):
        if reference not in there:
            raise ApiError("ReferenceDoesNotExistException", f"{reference} does not exist")
    return {
        "repositoryName": name,
        "sourceReference": source,
        "destinationReference": destination,
        "sourceCommit": there[source],
        "destinationCommit": there[destination],
        "mergeBase": repository.merge_base(there[destination], there[source]),
        "mergeMetadata": {"isMerged": False},
    }


def _changed(call: Call, key: str) -> dict[str, Any]:
    record = _record(call)
    if record["pullRequestStatus"] != OPEN:
        raise ApiError("PullRequestAlreadyClosedException", "the pull request is closed")
    record[key] = call.params[key]
    record["lastActivityDate"] = call.cloud.clock.now()
    return {"pullRequest": _shown(record)}


def _check_title(title: str) -> None:
    if not title or len(title) > _LONGEST_TITLE:
        raise ApiError(
            "InvalidTitleException", f"a title has 1 to {_LONGEST_TITLE} characters"
        )  # fmt: skip


def _check_description(text: str) -> None:
    if len(text) > _LONGEST_TEXT:
        raise ApiError(
            "InvalidDescriptionException", f"a description has at most {_LONGEST_TEXT} characters"
        )


def _record(call: Call) -> Record:
    return find(call.cloud, call.account, call.region, call.params["pullRequestId"])


def _announce(call: Call, record: Record, event: str) -> None:
    announce(call.cloud, call.account, call.region, record, event, call.caller_arn)


def _shown(record: Record) -> dict[str, Any]:
    return {key: value for key, value in record.items() if not key.startswith("_")}
