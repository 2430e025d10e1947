"""Pull requests of a model's project: what is proposed, and how its tests went."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError, DeploymentError, GovernanceError
from mlzone.estate import Estate, Stage
from mlzone.naming import PROPOSAL, Naming
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model import project
from mlzone_tools.services.model.git import git

PASSED, RUNNING, WAITING, NONE = "passed", "running", "waiting", "none"
_TESTS = {
    "IN_PROGRESS": RUNNING,
    "SUCCEEDED": PASSED,
    "FAILED": "failed",
    "STOPPED": "stopped",
    "TIMED_OUT": "timed out",
}
_BROKEN = "broken"
_START_SECONDS, _END_SECONDS, _PAUSE_SECONDS = 60.0, 3600.0, 0.5
_LAST_LINES = 20
_UNMERGEABLE = "ManualMergeRequiredException"
_MOVED = "TipOfSourceReferenceIsDifferentException"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A pull request to `main`, and the tests of what it proposes now."""

    number: str
    """CodeCommit's number of it."""
    title: str
    author: str
    branch: str
    commit: str
    """What is proposed: the tip of the branch."""
    status: str
    """`open`, `merged` or `closed`."""
    tests: str
    """`waiting`, `running`, `passed`, `failed`, `stopped`, `timed out`, `broken`; `none` where the
    estate has none run."""
    build: str
    """CodeBuild's id of the tests; empty before they start."""

    @property
    def tested(self) -> bool:
        """Whether nothing is to be waited for."""
        return self.tests not in (WAITING, RUNNING)


class Proposals:
    """The pull requests of one model's project."""

    def __init__(self, session: Session, estate: Estate, model: str) -> None:
        """Take a session in the development account, and the model."""
        unit, _, chosen = estate.model(model)
        naming = Naming(prefix=estate.organization.prefix)
        self._session, self._estate, self._model = session, estate, model
        self._repository = naming.repository(unit.name, chosen.name)
        self._project = naming.codebuild_project(unit.name, chosen.name, Stage.DEV, PROPOSAL)
        self._has_tests = chosen.build.pull_requests

    def propose(self, folder: Path, *, person: str, title: str, branch: str) -> Proposal:
        """Commit what changed, push it to a branch and propose it for `main`, as a person.

        A branch that is proposed already stays so, with what was pushed.

        Args:
            folder: the project.
            person: who proposes.
            title: of the pull request, and the commit's message.
            branch: where it is pushed to; the folder's own branch unless given, or the person's
                if that is `main`.

        Raises:
            ConfigError: nothing differs from `main`, or the folder cannot be pushed.
            GovernanceError: the person may not.
            DeploymentError: git failed.
        """
        project.commit(self._estate, self._model, folder, person=person, message=title)
        branch = branch or _branch(folder, person)
        if branch == project.BRANCH:
            raise ConfigError(
                f"{branch} is what is proposed to", hint="choose another branch: --branch NAME"
            )
        destination = self._tip()
        if git(folder, "rev-parse", "HEAD").strip() == destination:
            raise ConfigError(
                f"{folder} is as {project.BRANCH} of {self._model} is; there is nothing to propose"
            )
        project.push(self._session, self._estate, self._model, folder, person=person, branch=branch)
        for found in self.listed():
            if found.branch == branch and found.status == "open":
                return found
        target = {
            "repositoryName": self._repository,
            "sourceReference": branch,
            "destinationReference": project.BRANCH,
        }
        made = self._call("create_pull_request", title=title, targets=[target])
        return self._proposal(made["pullRequest"])

    def listed(self, *, closed: bool = False) -> tuple[Proposal, ...]:
        """Return what is proposed, the newest first; what is merged and closed only if asked for.

        Raises:
            GovernanceError: the session may not look.
        """
        which = {} if closed else {"pullRequestStatus": "OPEN"}
        pages = self._session.client("codecommit").get_paginator("list_pull_requests")
        try:
            with denials(hint=project.MEMBERS):
                numbers = [
                    number
                    for page in pages.paginate(repositoryName=self._repository, **which)
                    for number in page["pullRequestIds"]
                ]
        except ClientError as error:
            if error.response["Error"]["Code"] == "RepositoryDoesNotExistException":
                return ()
            raise
        builds = self._builds() if numbers else []
        return tuple(
            self._proposal(
                self._call("get_pull_request", pullRequestId=number)["pullRequest"], builds
            )
            for number in numbers
        )

    def get(self, number: str) -> Proposal:
        """Return one pull request.

        Raises:
            ConfigError: the model has none of this number.
            GovernanceError: the session may not look.
        """
        try:
            found = self._call("get_pull_request", pullRequestId=number)["pullRequest"]
        except GovernanceError as error:
            # A number alone says not whose it is; who may not look at all is told so.
            self._call("list_pull_requests", repositoryName=self._repository, maxResults=1)
            raise self._unknown(number) from error
        except ClientError as error:
            raise self._unknown(number) from error
        if found["pullRequestTargets"][0]["repositoryName"] != self._repository:
            raise self._unknown(number)
        return self._proposal(found)

    def follow(self, proposal: Proposal, talk: Callable[[str], None]) -> Proposal:
        """Wait for the tests of what is proposed to end; return how they did.

        Args:
            proposal: the pull request as it was.
            talk: told each phase of the tests once.

        Raises:
            DeploymentError: they do not begin, or do not end.
        """
        started, told = time.monotonic(), set[str]()
        while not (now := self.get(proposal.number)).tested and now.commit == proposal.commit:
            elapsed = time.monotonic() - started
            if now.tests == WAITING and elapsed > _START_SECONDS:
                raise DeploymentError(
                    f"the tests did not start within {_START_SECONDS:.0f} s",
                    hint="look for failed event deliveries: mlzone cloud status",
                )
            if elapsed > _END_SECONDS:
                raise DeploymentError(f"the tests did not end within {_END_SECONDS:.0f} s")
            if now.build:
                phase = self._session.client("codebuild").batch_get_builds(ids=[now.build])[
                    "builds"
                ][0]["currentPhase"]
                if phase not in told:
                    told.add(phase)
                    talk(f"tests: {phase.lower().replace('_', ' ')}")
            time.sleep(_PAUSE_SECONDS)
        return now

    def require_passed(self, proposal: Proposal, commit: str = "") -> None:
        """Check that the tests of a commit passed.

        Args:
            proposal: the pull request as it is.
            commit: what was followed; what is proposed now unless given.

        Raises:
            DeploymentError: they did not, or another commit is proposed by now.
        """
        if commit and proposal.commit != commit:
            raise DeploymentError(
                f"pull request {proposal.number} proposes {proposal.commit} by now, not {commit}",
                hint=f"see: mlzone model proposals {self._model}",
            )
        if proposal.tests not in (PASSED, NONE):
            lines = "\n".join(self.log(proposal))
            raise DeploymentError(
                f"the tests of pull request {proposal.number}: {proposal.tests}\n{lines}".strip(),
                hint="nothing was built; mend it and propose again on the same branch",
            )

    def log(self, proposal: Proposal) -> tuple[str, ...]:
        """Return the last lines of the tests' log."""
        if not proposal.build:
            return ()
        build = self._session.client("codebuild").batch_get_builds(ids=[proposal.build])["builds"]
        where = build[0].get("logs", {}) if build else {}
        if not where.get("streamName"):
            return ()
        events = self._session.client("logs").get_log_events(
            logGroupName=where["groupName"], logStreamName=where["streamName"]
        )["events"]
        return tuple(event["message"].rstrip() for event in events[-_LAST_LINES:])

    def merge(self, number: str) -> Proposal:
        """Bring what is proposed into `main`, which builds it, once its tests have passed.

        Raises:
            ConfigError: there is none, it is not open, or it has diverged from `main`.
            GovernanceError: its tests have not passed, or the person may not merge.
        """
        proposal = self.get(number)
        if proposal.status != "open":
            raise ConfigError(f"pull request {number} is {proposal.status} already")
        if proposal.tests not in (PASSED, NONE):
            raise GovernanceError(
                f"the tests of pull request {number} have not passed: {proposal.tests}",
                hint=f"see: mlzone model proposals {self._model}",
            )
        try:
            self._call(
                "merge_pull_request_by_fast_forward",
                pullRequestId=number,
                repositoryName=self._repository,
                # What was tested, should somebody push meanwhile.
                sourceCommitId=proposal.commit,
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == _UNMERGEABLE:
                raise ConfigError(
                    f"{proposal.branch} lacks commits of {project.BRANCH}; nothing was merged",
                    hint=f"merge {project.BRANCH} into it with git, and propose it again",
                ) from error
            if code == _MOVED:
                raise ConfigError(
                    f"somebody has pushed to {proposal.branch}; nothing was merged",
                    hint="its tests run again; merge it once they have passed",
                ) from error
            raise
        return self.get(number)

    def close(self, number: str) -> Proposal:
        """Close a pull request without merging it.

        Raises:
            ConfigError: there is none, or it is not open.
            GovernanceError: the person may not.
        """
        proposal = self.get(number)
        if proposal.status != "open":
            raise ConfigError(f"pull request {number} is {proposal.status} already")
        self._call("update_pull_request_status", pullRequestId=number, pullRequestStatus="CLOSED")
        return self.get(number)

    def _tip(self) -> str:
        """Return the commit of `main`."""
        try:
            found = self._call(
                "get_branch", repositoryName=self._repository, branchName=project.BRANCH
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in ("BranchDoesNotExistException", "RepositoryDoesNotExistException"):
                raise
            raise ConfigError(
                f"{self._model} has no {project.BRANCH} that something could be proposed to",
                hint=f"begin it: mlzone model submit {self._model} FOLDER --as PERSON",
            ) from error
        return str(found["branch"]["commitId"])

    def _builds(self) -> list[dict[str, Any]]:
        """Return the newest runs of the tests."""
        if not self._has_tests:
            return []
        client = self._session.client("codebuild")
        try:
            ids = client.list_builds_for_project(projectName=self._project)["ids"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise
        found: list[dict[str, Any]] = client.batch_get_builds(ids=ids)["builds"] if ids else []
        return sorted(found, key=lambda build: build["startTime"], reverse=True)

    def _proposal(
        self, found: dict[str, Any], builds: list[dict[str, Any]] | None = None
    ) -> Proposal:
        (target,) = found["pullRequestTargets"]
        commit, merged = target["sourceCommit"], target["mergeMetadata"]["isMerged"]
        build = next(
            (
                build
                for build in (self._builds() if builds is None else builds)
                if build.get("sourceVersion") == commit and _of(build) == found["pullRequestId"]
            ),
            None,
        )
        tests = _TESTS.get(build["buildStatus"], _BROKEN) if build else WAITING
        if not self._has_tests or (not build and found["pullRequestStatus"] == "CLOSED"):
            tests = NONE
        return Proposal(
            number=found["pullRequestId"],
            title=found["title"],
            author=found["authorArn"].rpartition("/")[2],
            branch=target["sourceReference"].removeprefix("refs/heads/"),
            commit=commit,
            status="merged" if merged else found["pullRequestStatus"].lower(),
            tests=tests,
            build=build["id"] if build else "",
        )

    def _call(self, operation: str, **given: Any) -> dict[str, Any]:
        method = getattr(self._session.client("codecommit"), operation)
        with denials(hint=project.MEMBERS):
            answer: dict[str, Any] = method(**given)
        return answer

    def _unknown(self, number: str) -> ConfigError:
        return ConfigError(
            f"{self._model} has no pull request {number}",
            hint=f"see: mlzone model proposals {self._model}",
        )


def _branch(folder: Path, person: str) -> str:
    own = git(folder, "rev-parse", "--abbrev-ref", "HEAD").strip()
    return f"proposal/{person}" if own in (project.BRANCH, "HEAD") else own


def _of(build: dict[str, Any]) -> str:
    """Return the pull request that a run of the tests is for."""
    return next(
        (
            str(item["value"])
            for item in build["environment"]["environmentVariables"]
            if item["name"] == "MLZONE_PULL_REQUEST"
        ),
        "",
    )
