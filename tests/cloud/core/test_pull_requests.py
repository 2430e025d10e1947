"""CodeCommit's pull requests, as its users and EventBridge's see them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.conftest import Server
from tests.cloud.core.acting import make_role, statement
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud

DEV, REGION = "111111111111", "sa-east-1"
NAME = "project"
DETAIL_TYPE = "CodeCommit Pull Request State Change"


@dataclass
class Project:
    """A repository with a commit on `main` and another on `change`, and what EventBridge hears."""

    cloud: Cloud
    heard: list[dict[str, Any]] = field(default_factory=list)

    @property
    def client(self) -> Any:
        return self.cloud.client("codecommit", account=DEV, region=REGION)

    def commit(self, branch: str, text: str, *, after: str = "", path: str = "a.txt") -> str:
        more = {"parentCommitId": after} if after else {}
        made = self.client.create_commit(
            repositoryName=NAME,
            branchName=branch,
            putFiles=[{"filePath": path, "fileContent": text.encode()}],
            **more,
        )
        return str(made["commitId"])

    def branch(self, name: str, commit: str) -> None:
        self.client.create_branch(repositoryName=NAME, branchName=name, commitId=commit)

    def propose(self, source: str = "change", **more: Any) -> dict[str, Any]:
        given = {"repositoryName": NAME, "sourceReference": source}
        made = self.client.create_pull_request(title="A change", targets=[given], **more)
        request: dict[str, Any] = made["pullRequest"]
        return request

    def get(self, number: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get_pull_request(pullRequestId=number)["pullRequest"]
        return found

    def tip(self, branch: str = "main") -> str:
        found = self.client.get_branch(repositoryName=NAME, branchName=branch)
        return str(found["branch"]["commitId"])

    def event(self, kind: str) -> dict[str, Any]:
        (found,) = (item for item in self.heard if item["event"] == kind)
        return found


@pytest.fixture
def project(cloud: Cloud) -> Project:
    made = Project(cloud)
    cloud.listen(DETAIL_TYPE, lambda _account, _region, detail: made.heard.append(detail))
    made.client.create_repository(repositoryName=NAME)
    first = made.commit("main", "one\n")
    made.branch("change", first)
    made.commit("change", "two\n", after=first)
    return made


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def test_what_is_proposed_names_both_commits_and_what_they_have_in_common(project: Project):
    request = project.propose(description="It is better")

    (target,) = request["pullRequestTargets"]
    assert (request["pullRequestStatus"], request["title"]) == ("OPEN", "A change")
    assert target["sourceReference"] == "refs/heads/change"
    assert target["destinationReference"] == "refs/heads/main"
    assert target["sourceCommit"] == project.tip("change")
    assert target["destinationCommit"] == target["mergeBase"] == project.tip()
    assert target["mergeMetadata"] == {"isMerged": False}
    assert project.get(request["pullRequestId"]) == request


def test_eventbridge_hears_of_it_as_of_codecommits(project: Project):
    request = project.propose()

    told = project.event("pullRequestCreated")
    assert told["sourceCommit"] == project.tip("change")
    assert told["sourceReference"] == "refs/heads/change"
    assert told["destinationReference"] == "refs/heads/main"
    assert told["destinationCommit"] == project.tip()
    assert told["repositoryNames"] == [NAME]
    assert (told["pullRequestId"], told["pullRequestStatus"]) == (request["pullRequestId"], "Open")
    assert (told["isMerged"], told["revisionId"]) == ("False", request["revisionId"])


def test_a_rule_gets_the_event_with_the_repository_as_its_resource(project: Project):
    sqs, events = (project.cloud.client(item, account=DEV, region=REGION)
                   for item in ("sqs", "events"))  # fmt: skip
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    queue = f"arn:aws:sqs:{REGION}:{DEV}:heard"
    anybody = {**statement("Allow", ["sqs:SendMessage"], "*"), "Principal": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anybody]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    pattern = {
        "detail-type": [DETAIL_TYPE],
        "detail": {"destinationReference": ["refs/heads/main"]},
    }
    events.put_rule(Name="heard", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": queue}])

    project.propose()

    messages = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    event = json.loads(messages[0]["Body"])
    assert event["source"] == "aws.codecommit"
    assert event["resources"] == [f"arn:aws:codecommit:{REGION}:{DEV}:{NAME}"]
    assert event["detail"]["event"] == "pullRequestCreated"


def test_a_token_that_was_used_before_proposes_nothing_new(project: Project):
    first = project.propose(clientRequestToken="t1")

    assert project.propose(clientRequestToken="t1") == first
    again = refusal(lambda: project.propose(clientRequestToken="t1", description="other"))
    assert again == "IdempotencyParameterMismatchException"
    assert [item["event"] for item in project.heard] == ["pullRequestCreated"]


def test_what_cannot_be_proposed_is_refused(project: Project):
    def refused(source: str, destination: str = "main", name: str = NAME) -> str:
        target = {"repositoryName": name, "sourceReference": source,
                  "destinationReference": destination}  # fmt: skip
        return refusal(
            lambda: project.client.create_pull_request(title="A change", targets=[target])
        )

    assert refused("change", name="nowhere") == "RepositoryDoesNotExistException"
    assert refused("none") == "ReferenceDoesNotExistException"
    assert refused("change", "none") == "ReferenceDoesNotExistException"
    assert refused("main") == "SourceAndDestinationAreSameException"
    assert refused("refs/tags/v1") == "ReferenceTypeNotSupportedException"
    assert project.client.list_pull_requests(repositoryName=NAME)["pullRequestIds"] == []


def test_a_commit_to_the_source_branch_is_a_new_revision_of_it(project: Project):
    before = project.propose()

    commit = project.commit("change", "three\n", after=project.tip("change"))

    after = project.get(before["pullRequestId"])
    assert after["pullRequestTargets"][0]["sourceCommit"] == commit
    assert after["revisionId"] != before["revisionId"]
    told = project.event("pullRequestSourceBranchUpdated")
    assert (told["sourceCommit"], told["revisionId"]) == (commit, after["revisionId"])


def test_a_commit_to_the_destination_moves_what_it_would_be_merged_into(project: Project):
    request = project.propose()
    base = project.tip()

    commit = project.commit("main", "other\n", after=base, path="b.txt")

    (target,) = project.get(request["pullRequestId"])["pullRequestTargets"]
    assert (target["destinationCommit"], target["mergeBase"]) == (commit, base)
    assert [item["event"] for item in project.heard] == ["pullRequestCreated"]


def test_one_that_is_closed_stays_closed_and_hears_of_no_commit(project: Project):
    number = project.propose()["pullRequestId"]

    def status(value: str) -> Any:
        return project.client.update_pull_request_status(
            pullRequestId=number, pullRequestStatus=value
        )

    assert status("CLOSED")["pullRequest"]["pullRequestStatus"] == "CLOSED"
    project.commit("change", "three\n", after=project.tip("change"))

    assert project.event("pullRequestStatusChanged")["pullRequestStatus"] == "Closed"
    assert [item["event"] for item in project.heard][1:] == ["pullRequestStatusChanged"]
    assert refusal(lambda: status("OPEN")) == "InvalidPullRequestStatusUpdateException"
    assert refusal(lambda: status("CLOSED")) == "InvalidPullRequestStatusUpdateException"
    assert refusal(lambda: status("MERGED")) == "InvalidPullRequestStatusException"
    closed = refusal(
        lambda: project.client.update_pull_request_title(pullRequestId=number, title="x")
    )
    assert closed == "PullRequestAlreadyClosedException"


def test_they_are_listed_by_status_and_their_history_is_told(project: Project):
    first, second = (project.propose()["pullRequestId"] for _ in range(2))
    project.client.update_pull_request_status(pullRequestId=first, pullRequestStatus="CLOSED")

    def listed(**more: str) -> list[str]:
        found = project.client.list_pull_requests(repositoryName=NAME, **more)
        numbers: list[str] = found["pullRequestIds"]
        return numbers

    assert listed() == [second, first]
    assert listed(pullRequestStatus="OPEN") == [second]
    assert listed(pullRequestStatus="CLOSED") == [first]
    events = project.client.describe_pull_request_events(pullRequestId=first)["pullRequestEvents"]
    assert [item["pullRequestEventType"] for item in events] == [
        "PULL_REQUEST_STATUS_CHANGED", "PULL_REQUEST_CREATED",
    ]  # fmt: skip


def test_fast_forward_moves_main_to_what_was_proposed(project: Project):
    number, proposed = project.propose()["pullRequestId"], project.tip("change")
    where = {"pullRequestId": number, "repositoryName": NAME}
    moved: list[dict[str, Any]] = []
    kind = "CodeCommit Repository State Change"
    project.cloud.listen(kind, lambda _account, _region, detail: moved.append(detail))

    merged = project.client.merge_pull_request_by_fast_forward(**where)["pullRequest"]

    assert project.tip() == proposed
    assert merged["pullRequestStatus"] == "CLOSED"
    metadata = merged["pullRequestTargets"][0]["mergeMetadata"]
    assert (metadata["isMerged"], metadata["mergeCommitId"]) == (True, proposed)
    told = project.event("pullRequestMergeStatusUpdated")
    assert (told["isMerged"], told["mergeOption"]) == ("True", "FAST_FORWARD_MERGE")
    (update,) = moved
    assert (update["referenceFullName"], update["commitId"]) == ("refs/heads/main", proposed)
    assert update["callerUserArn"] == metadata["mergedBy"]
    again = refusal(lambda: project.client.merge_pull_request_by_fast_forward(**where))
    assert again == "PullRequestAlreadyClosedException"


def test_what_has_diverged_is_merged_by_a_commit_or_by_hand(project: Project):
    """Three-way keeps both parents, squash one; a conflict is for people."""
    base = project.tip()
    project.branch("conflict", base)
    project.commit("conflict", "three\n", after=base)
    squashed, three_way, conflict = (
        project.propose(source)["pullRequestId"] for source in ("change", "change", "conflict")
    )
    moved = project.commit("main", "other\n", after=base, path="b.txt")

    def where(number: str) -> dict[str, str]:
        return {"pullRequestId": number, "repositoryName": NAME}

    by_hand = refusal(lambda: project.client.merge_pull_request_by_fast_forward(**where(squashed)))
    assert by_hand == "ManualMergeRequiredException"
    assert project.tip() == moved
    project.client.merge_pull_request_by_squash(**where(squashed), commitMessage="All of it")
    parents = project.client.get_commit(repositoryName=NAME, commitId=project.tip())["commit"]
    assert (parents["parents"], parents["message"].strip()) == ([moved], "All of it")
    project.client.merge_pull_request_by_three_way(**where(three_way))
    tip = project.client.get_commit(repositoryName=NAME, commitId=project.tip())["commit"]
    assert len(tip["parents"]) == 2
    both = [project.client.get_file(repositoryName=NAME, filePath=path)["fileContent"]
            for path in ("a.txt", "b.txt")]  # fmt: skip
    assert both == [b"two\n", b"other\n"]
    refused = refusal(lambda: project.client.merge_pull_request_by_squash(**where(conflict)))
    assert refused == "ManualMergeRequiredException"


def test_another_commit_than_the_one_that_was_looked_at_is_not_merged(project: Project):
    number, seen = project.propose()["pullRequestId"], project.tip("change")
    project.commit("change", "three\n", after=seen)
    where = {"pullRequestId": number, "repositoryName": NAME}

    refused = refusal(
        lambda: project.client.merge_pull_request_by_fast_forward(**where, sourceCommitId=seen)
    )

    assert refused == "TipOfSourceReferenceIsDifferentException"
    assert project.get(number)["pullRequestStatus"] == "OPEN"


def test_comments_are_of_two_commits_and_said_once(project: Project):
    (target,) = project.propose()["pullRequestTargets"]
    about = {
        "pullRequestId": "1",
        "repositoryName": NAME,
        "beforeCommitId": target["destinationCommit"],
        "afterCommitId": target["sourceCommit"],
    }

    def say(content: str, **more: str) -> Any:
        return project.client.post_comment_for_pull_request(**{**about, **more}, content=content)

    first = say("Well done", clientRequestToken="t1")["comment"]
    assert say("Well done", clientRequestToken="t1")["comment"] == first
    say("Merge it")

    found = project.client.get_comments_for_pull_request(pullRequestId="1")
    threads = found["commentsForPullRequestData"]
    assert [item["comments"][0]["content"] for item in threads] == ["Well done", "Merge it"]
    assert threads[0]["afterCommitId"] == target["sourceCommit"]
    mismatch = refusal(lambda: say("Other", clientRequestToken="t1"))
    assert mismatch == "IdempotencyParameterMismatchException"
    assert refusal(lambda: say("x", afterCommitId="f" * 40)) == "CommitDoesNotExistException"
    assert refusal(lambda: say(" ")) == "CommentContentRequiredException"
    assert refusal(lambda: say("x", pullRequestId="7")) == "PullRequestDoesNotExistException"
    same = refusal(lambda: say("x", afterCommitId=about["beforeCommitId"]))
    assert same == "BeforeCommitIdAndAfterCommitIdAreSameException"


def test_a_role_acts_on_pull_requests_of_its_own_repository_alone(project: Project):
    """Most calls name a number alone; whose it is decides all the same."""
    project.client.create_repository(repositoryName="other")
    number = project.propose()["pullRequestId"]

    def client_of(repository: str) -> Any:
        arn = f"arn:aws:codecommit:{REGION}:{DEV}:{repository}"
        role = make_role(project.cloud, DEV, f"of-{repository}", statement("Allow",
                         ["codecommit:*"], arn))  # fmt: skip
        return project.cloud.client("codecommit", account=DEV, region=REGION, role=role)

    own, other = client_of(NAME), client_of("other")
    assert own.get_pull_request(pullRequestId=number)["pullRequest"]["pullRequestId"] == number
    for act in (
        lambda: other.get_pull_request(pullRequestId=number),
        lambda: other.get_comments_for_pull_request(pullRequestId=number),
        lambda: other.describe_pull_request_events(pullRequestId=number),
        lambda: other.update_pull_request_status(pullRequestId=number, pullRequestStatus="CLOSED"),
        lambda: other.merge_pull_request_by_fast_forward(pullRequestId=number, repositoryName=NAME),
        lambda: other.create_pull_request(
            title="x", targets=[{"repositoryName": NAME, "sourceReference": "change"}]
        ),
    ):
        assert refusal(act) == "AccessDeniedException"


def test_numbers_are_never_given_again(project: Project):
    assert project.propose()["pullRequestId"] == "1"
    project.client.delete_repository(repositoryName=NAME)
    project.client.create_repository(repositoryName=NAME)
    first = project.commit("main", "one\n")
    project.branch("change", first)

    assert project.client.list_pull_requests(repositoryName=NAME)["pullRequestIds"] == []
    assert project.propose()["pullRequestId"] == "2"


def test_they_survive_a_restart(start_server: Callable[[Path], Server], tmp_path: Path):
    server = start_server(tmp_path / "cloud")
    client = server.client("codecommit", account=DEV)
    client.create_repository(repositoryName=NAME)
    for branch in ("main", "change"):
        client.create_commit(
            repositoryName=NAME,
            branchName=branch,
            putFiles=[{"filePath": branch, "fileContent": b"x"}],
        )
    target = {"repositoryName": NAME, "sourceReference": "change"}
    made = client.create_pull_request(title="A change", targets=[target])["pullRequest"]

    server.stop()
    server = start_server(tmp_path / "cloud")

    client = server.client("codecommit", account=DEV)
    assert client.get_pull_request(pullRequestId="1")["pullRequest"] == made
