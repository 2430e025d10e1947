"""Pull requests, their tests and people who change their minds meanwhile."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from tests.cloud.code.conftest import DEV, REGION, CodeBuild, service_trust
from tests.cloud.core.acting import make_role, statement
from tests.cloud.waiting import eventually

from mlzone.errors import ConfigError, GovernanceError
from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone_cloud.cloud import Cloud
from mlzone_cloud.generic import paging
from mlzone_runtime.handlers import proposal_outcome
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model.proposal import Proposals

MODEL, NAME = "retail-banking/churn", "aur-retail-banking-churn"
PROJECT = f"{NAME}-dev-pull-request"
SPEC = """
version: 0.2
phases:
  build:
    commands:
      - while [ -e {wait} ] && [ -e hold ]; do sleep 0.02; done
      - test ! -e broken
"""
PASSING, BROKEN, HELD = {"a": "1"}, {"broken": ""}, {"hold": ""}
STARTS = {
    "sourceVersion": "<commit>",
    "environmentVariablesOverride": [
        {"name": "MLZONE_PULL_REQUEST", "value": "<number>"},
        {"name": "MLZONE_DESTINATION_COMMIT", "value": "<destination>"},
    ],
}


@dataclass
class Team:
    """A project whose pull requests are tested; the platform's handler hears how they end."""

    builds: CodeBuild
    waits: Path
    """Tests of a commit that has `hold` go on as long as this is there."""
    events: list[dict[str, Any]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return self.builds.client(service)

    def commit(self, branch: str, files: dict[str, str], *, base: str = "") -> str:
        """Commit to a branch: after its tip, or after another commit by force."""
        codecommit = self.client("codecommit")
        if base:
            codecommit.create_branch(repositoryName=NAME, branchName=branch, commitId=base)
        parent = {"parentCommitId": base or self.tip(branch)} if branch != "main" else {}
        given = [{"filePath": path, "fileContent": text.encode()} for path, text in files.items()]
        made = codecommit.create_commit(
            repositoryName=NAME, branchName=branch, putFiles=given, **parent
        )
        return str(made["commitId"])

    def tip(self, branch: str = "main") -> str:
        found = self.client("codecommit").get_branch(repositoryName=NAME, branchName=branch)
        return str(found["branch"]["commitId"])

    def propose(self, branch: str, files: dict[str, str]) -> str:
        self.commit(branch, files, base=self.tip())
        target = {"repositoryName": NAME, "sourceReference": branch}
        made = self.client("codecommit").create_pull_request(title=branch, targets=[target])
        return str(made["pullRequest"]["pullRequestId"])

    def comments(self, number: str) -> list[tuple[str, str]]:
        """Return the commit and the first line of each comment."""
        found = self.client("codecommit").get_comments_for_pull_request(pullRequestId=number)
        return [
            (thread["afterCommitId"], thread["comments"][0]["content"].splitlines()[0])
            for thread in found["commentsForPullRequestData"]
        ]

    def tests(self) -> list[dict[str, Any]]:
        client = self.client("codebuild")
        ids = client.list_builds_for_project(projectName=PROJECT)["ids"]
        builds: list[dict[str, Any]] = client.batch_get_builds(ids=ids)["builds"] if ids else []
        return builds

    def until(self, holds: Callable[[], Any]) -> None:
        eventually(holds, cloud=self.builds.cloud)

    def settled(self, tests: int) -> None:
        """Wait until so many tests have ended, and been told of."""
        self.until(lambda: len(self.events) == tests)

    def go_on(self) -> None:
        self.waits.unlink()


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(Path(__file__).parents[3] / "organization")


@pytest.fixture
def team(cloud: Cloud, codebuild: CodeBuild, tmp_path: Path) -> Team:
    made = Team(codebuild, tmp_path / "wait")
    made.waits.touch()
    made.client("codecommit").create_repository(repositoryName=NAME)
    made.commit("main", {"buildspec-test.yml": SPEC.format(wait=made.waits)})
    location = f"https://git-codecommit.{REGION}.amazonaws.com/v1/repos/{NAME}"
    codebuild.project(
        "buildspec-test.yml",
        name=PROJECT,
        role=codebuild.role("tests", statement("Allow", "codecommit:GitPull")),
        source={"type": "CODECOMMIT", "location": location, "buildspec": "buildspec-test.yml"},
    )
    _start_tests(cloud)
    cloud.listen("CodeBuild Build State Change", lambda _a, _r, detail: _hear(made, detail))
    return made


def _start_tests(cloud: Cloud) -> None:
    events = cloud.client("events", account=DEV, region=REGION)
    role = make_role(cloud, DEV, "start", statement("Allow", "codebuild:StartBuild"),
                     trusts=service_trust("events.amazonaws.com"))  # fmt: skip
    wanted = ["pullRequestCreated", "pullRequestSourceBranchUpdated"]
    pattern = {"source": ["aws.codecommit"], "detail": {"event": wanted}}
    events.put_rule(Name="proposed", EventPattern=json.dumps(pattern))
    template = json.dumps(STARTS)
    for name in ("commit", "number", "destination"):
        template = template.replace(f'"<{name}>"', f"<{name}>")
    paths = {"commit": "$.detail.sourceCommit", "number": "$.detail.pullRequestId",
             "destination": "$.detail.destinationCommit"}  # fmt: skip
    target = {
        "Id": "tests",
        "Arn": f"arn:aws:codebuild:{REGION}:{DEV}:project/{PROJECT}",
        "RoleArn": role,
        "InputTransformer": {"InputPathsMap": paths, "InputTemplate": template},
    }
    assert events.put_targets(Rule="proposed", Targets=[target])["FailedEntryCount"] == 0


def _hear(team: Team, detail: dict[str, Any]) -> None:
    """Say the outcome as the platform's function does, with the event that it would get."""
    if detail["build-status"] == "IN_PROGRESS":
        return
    event = {"source": "aws.codebuild", "detail": json.loads(json.dumps(detail, default=str))}
    proposal_outcome.say(event, repository=NAME, codecommit=team.client("codecommit"))
    team.events.append(event)


@pytest.fixture
def proposals(team: Team, estate: Estate) -> Proposals:
    return Proposals(cast("Session", team), estate, MODEL)


def test_what_is_proposed_is_tested_and_the_outcome_is_said_there(
    team: Team, proposals: Proposals
) -> None:
    number = team.propose("better", PASSING)
    team.settled(1)

    found = proposals.get(number)

    assert (found.status, found.tests, found.commit) == ("open", "passed", team.tip("better"))
    assert team.comments(number) == [
        (found.commit, f"**Tests passed** for commit `{found.commit[:10]}`.")
    ]


def test_what_fails_is_not_merged_and_main_stays_as_it_is(team: Team, proposals: Proposals) -> None:
    before, number = team.tip(), team.propose("worse", BROKEN)
    team.settled(1)

    with pytest.raises(GovernanceError, match="have not passed: failed"):
        proposals.merge(number)

    assert team.tip() == before
    assert [words for _, words in team.comments(number)] == [
        f"**Tests failed** for commit `{team.tip('worse')[:10]}`."
    ]
    assert any("broken" in line for line in proposals.log(proposals.get(number)))


def test_what_has_passed_can_be_merged_once(team: Team, proposals: Proposals) -> None:
    number = team.propose("better", PASSING)
    team.settled(1)

    assert proposals.merge(number).status == "merged"

    assert team.tip() == team.tip("better")
    with pytest.raises(ConfigError, match=f"pull request {number} is merged already"):
        proposals.merge(number)
    assert [item.number for item in proposals.listed()] == []
    assert [item.number for item in proposals.listed(closed=True)] == [number]


def test_all_are_listed_however_many_the_answer_has(
    team: Team, proposals: Proposals, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [team.propose(branch, PASSING) for branch in ("one", "other", "third")]
    team.settled(3)
    monkeypatch.setattr(paging, "_MOST", 2)

    assert [item.number for item in proposals.listed()] == numbers[::-1]


def test_the_same_event_twice_tests_twice_and_says_it_once(
    team: Team, proposals: Proposals
) -> None:
    """EventBridge delivers at least once."""
    number = team.propose("better", PASSING)
    team.settled(1)
    detail = {
        "event": "pullRequestCreated",
        "pullRequestId": number,
        "sourceCommit": team.tip("better"),
        "destinationCommit": team.tip(),
    }
    team.builds.cloud.emit(account=DEV, region=REGION, source="aws.codecommit",
                           detail_type="CodeCommit Pull Request State Change",
                           detail=detail)  # fmt: skip
    team.settled(2)

    assert len(team.comments(number)) == 1
    assert proposals.get(number).tests == "passed"


def test_a_branch_that_is_pushed_by_force_counts_with_its_newest_commit(
    team: Team, proposals: Proposals
) -> None:
    """The tests of the commit that was pushed away end, and say so of that commit alone."""
    number = team.propose("changing", HELD)
    team.until(team.tests)
    old = team.tip("changing")
    new = team.commit("elsewhere", PASSING, base=team.tip())
    _push_by_force(team, "changing", old, new)
    team.until(lambda: len(team.tests()) == 2)

    assert proposals.get(number).commit == new
    with pytest.raises(GovernanceError, match="have not passed"):
        proposals.merge(number)
    team.go_on()
    team.settled(2)

    assert proposals.get(number).tests == "passed"
    assert {commit for commit, _ in team.comments(number)} == {old, new}
    assert proposals.merge(number).commit == team.tip() == new


def _push_by_force(team: Team, branch: str, before: str, after: str) -> None:
    """Move a branch to a commit that does not follow its tip, as `git push --force` does."""
    from mlzone_cloud import codecommit  # noqa: PLC0415
    from mlzone_cloud.git_repository import GitRepository, RefChange  # noqa: PLC0415

    cloud = team.builds.cloud
    GitRepository.of(cloud, DEV, REGION, NAME).set_branch(branch, after)
    change = RefChange(ref=f"refs/heads/{branch}", before=before, after=after)
    codecommit.announce(cloud, DEV, REGION, NAME, change, f"arn:aws:iam::{DEV}:role/ana")


def test_one_that_is_closed_while_its_tests_run_stays_closed_and_hears_how_they_ended(
    team: Team, proposals: Proposals
) -> None:
    before, number = team.tip(), team.propose("given-up", HELD)
    team.until(team.tests)

    assert proposals.close(number).status == "closed"
    team.go_on()
    team.settled(1)

    found = proposals.get(number)
    assert (found.status, found.tests) == ("closed", "passed")
    assert len(team.comments(number)) == 1
    with pytest.raises(ConfigError, match=f"pull request {number} is closed already"):
        proposals.merge(number)
    assert team.tip() == before


def test_two_at_once_are_tested_side_by_side_and_the_second_is_merged_by_hand(
    team: Team, proposals: Proposals
) -> None:
    """What the first brought into main has not been tested with the second."""
    first, second = team.propose("one", {"hold": "1"}), team.propose("two", {"hold": "2"})
    team.until(lambda: len(team.tests()) == 2)
    assert {build["buildStatus"] for build in team.tests()} == {"IN_PROGRESS"}
    team.go_on()
    team.settled(2)

    assert [proposals.get(number).tests for number in (first, second)] == ["passed", "passed"]
    proposals.merge(first)
    with pytest.raises(ConfigError, match="two lacks commits of main; nothing was merged"):
        proposals.merge(second)
    assert team.tip() == team.tip("one")
    assert proposals.get(second).status == "open"


def test_what_is_none_of_the_models_is_unknown(team: Team, proposals: Proposals) -> None:
    del team
    with pytest.raises(ConfigError, match=f"{MODEL} has no pull request 9"):
        proposals.get("9")
