"""A pull request is told how its tests went."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlzone_runtime.handlers.proposal_outcome import say

COMMIT = "2f1c0d9e8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e"


class CodeCommit:
    """What a client was asked to say; refuses with an error if given one."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.said: list[dict[str, Any]] = []

    def post_comment_for_pull_request(self, **request: Any) -> None:
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": ""}}, "Post")
        self.said.append(request)


def event(status: str, *, number: str = "7", **more: Any) -> dict[str, Any]:
    variables = [
        {"name": "MLZONE_PULL_REQUEST", "value": number, "type": "PLAINTEXT"},
        {"name": "MLZONE_DESTINATION_COMMIT", "value": "c1", "type": "PLAINTEXT"},
    ]
    return {
        "source": "aws.codebuild",
        "detail": {
            "build-status": status,
            "additional-information": {
                "environment": {"environment-variables": variables if number else []},
                "source-version": COMMIT,
                "logs": {"deep-link": "https://console.example/log"},
                "phases": [],
                **more,
            },
        },
    }


def test_it_is_said_with_the_commit_and_the_log():
    client = CodeCommit()

    done = say(event("SUCCEEDED"), repository="project", codecommit=client)

    assert done == {"pull_request": "7", "outcome": "SUCCEEDED"}
    (said,) = client.said
    assert (said["pullRequestId"], said["repositoryName"]) == ("7", "project")
    assert (said["beforeCommitId"], said["afterCommitId"]) == ("c1", COMMIT)
    assert said["content"] == (
        "**Tests passed** for commit `2f1c0d9e8b`.\n\n"
        "[Log of the tests](https://console.example/log)"
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [("FAILED", "failed"), ("STOPPED", "stopped"), ("TIMED_OUT", "too long"),
     ("FAULT", "could not run")],
)  # fmt: skip
def test_every_other_end_has_its_words_and_the_phase(status, words):
    client = CodeCommit()
    phases = [
        {"phase-type": "DOWNLOAD_SOURCE", "phase-status": "SUCCEEDED"},
        {"phase-type": "BUILD", "phase-status": "FAILED"},
        {"phase-type": "COMPLETED"},
    ]

    say(event(status, phases=phases), repository="project", codecommit=client)

    (said,) = client.said
    assert words in said["content"].lower()
    assert "phase `BUILD`" in said["content"]


def test_the_same_outcome_of_a_commit_has_the_same_token_and_others_another():
    client = CodeCommit()

    for status, number in (("FAILED", "7"), ("FAILED", "7"), ("SUCCEEDED", "7"), ("FAILED", "8")):
        say(event(status, number=number), repository="project", codecommit=client)

    first, again, *others = (said["clientRequestToken"] for said in client.said)
    assert first == again
    assert len({first, *others}) == 3


@pytest.mark.parametrize(
    "error", ["IdempotencyParameterMismatchException", "CommitDoesNotExistException"]
)
def test_what_was_said_or_is_gone_is_not_said_again(error):
    assert say(event("FAILED"), repository="project", codecommit=CodeCommit(error)) == {}


def test_any_other_refusal_is_tried_again_by_lambda():
    with pytest.raises(ClientError, match="AccessDenied"):
        say(event("FAILED"), repository="project", codecommit=CodeCommit("AccessDenied"))


def test_a_build_that_somebody_started_by_hand_tells_nobody():
    client = CodeCommit()

    assert say(event("SUCCEEDED", number=""), repository="project", codecommit=client) == {}
    assert client.said == []
