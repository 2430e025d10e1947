"""A small bank on an embedded cloud, whose repository deploys itself through its pipeline."""

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from mlzone.estate import Estate, Stage
from mlzone.loading import load_estate
from mlzone_tools.cloud import cdk, embedded
from mlzone_tools.cloud.session import Session, account_session
from mlzone_tools.demo.scene import wait
from mlzone_tools.services.bootstrap import bootstrap
from mlzone_tools.services.change.contributing import contributor_session
from mlzone_tools.services.model import delivery
from mlzone_tools.services.model.delivery import Run
from mlzone_tools.services.synthesis import synthesize

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "plan"
UNIT, REPOSITORY, PIPELINE = "retail", "landing-zone", "aur-retail-change"
TEAM_STACK = "aur-retail-dev-team-risk"
SALES_STACK = "aur-retail-dev-team-sales"
STACKS = (
    "aur-guardrails",
    "aur-log-archive",
    "aur-platform",
    "aur-retail-registry",
    "aur-retail-dev-foundation",
    TEAM_STACK,
    SALES_STACK,
    "aur-retail-environment-pipeline",
)
"""What the change is deployed over."""


class Bank:
    """A clone of the repository with a small estate of its own, and the cloud it is deployed to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._state = folder / "repository", folder / "cloud"
        _copy(self.folder)
        small_estate(self.folder / "organization")
        self._estate_path = self.folder / "organization"
        self.estate: Estate = load_estate(self._estate_path)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("Begin")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        subprocess.run(
            [Path(sys.executable).with_name("mlzone"), "cloud", "up", f"--port={port}",
             f"--estate={self._estate_path}"],
            cwd=ROOT, env={**os.environ, "MLZONE_STATE": str(self._state)}, check=True,
            capture_output=True,
        )  # fmt: skip
        self.endpoint = embedded.running(self._state)

    def deploy(self, assembly: Path) -> None:
        """Deploy by hand what the pipeline needs to be there."""
        bootstrap(self.endpoint, self.estate, UNIT, talk=_silent)
        synthesize(output=assembly, estate=self._estate_path, stacks=STACKS)
        cdk.run(
            ["deploy", "--all", "--app", str(assembly), "--require-approval=never",
             "--concurrency=6"],
            self.account(self.estate.organization.accounts.shared_services).variables,
            talk=_silent,
        )  # fmt: skip

    def stop(self) -> None:
        embedded.stop(self._state)

    # --- the repository -----------------------------------------------------------------------

    def edit(self, pattern: str, new: str) -> None:
        path = self._estate_path / "business_units" / f"{UNIT}.yaml"
        text, count = re.subn(pattern, new, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert count == 1, pattern
        path.write_text(text, encoding="utf-8")

    def undo(self) -> None:
        """Take the last commit back."""
        self.git("revert", "--no-edit", "HEAD")

    def let_team_go(self, name: str) -> None:
        """Take a team out of the estate, and allow that data are lost with it."""
        path = self._estate_path / "business_units" / f"{UNIT}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content["teams"] = [team for team in content["teams"] if team["name"] != name]
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        allowance = {
            "resource": f"aur-{UNIT}-*-team-{name}/**",
            "reason": "The team is dissolved; its work is in the repository",
            "owner": "olga.ramos",
            "ticket": "MLP-8",
            "expires": date.today() + timedelta(days=7),  # noqa: DTZ011 - a day of the calendar
        }
        (self._estate_path / "allowances.yaml").write_text(
            yaml.safe_dump({"allowances": [allowance]}), encoding="utf-8"
        )

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, person: str) -> None:
        """Push to CodeCommit as a person, over HTTP."""
        session = self.person(person)
        url = session.client("codecommit").get_repository(repositoryName=REPOSITORY)[
            "repositoryMetadata"
        ]["cloneUrlHttp"]
        keys = session.variables
        user = f"{keys['AWS_ACCESS_KEY_ID']}%{keys['AWS_SESSION_TOKEN']}"
        secret = base64.b64encode(f"{user}:{keys['AWS_SECRET_ACCESS_KEY']}".encode()).decode()
        header = f"http.extraHeader=Authorization: Basic {secret}"
        self.git("-c", header, "push", "--quiet", url, "HEAD:refs/heads/main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Ana", "-c", "user.email=ana@bank.example")
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    # --- the cloud ----------------------------------------------------------------------------

    def account(self, number: str) -> Session:
        return account_session(self.endpoint, self.estate, number)

    def person(self, name: str) -> Session:
        return contributor_session(self.endpoint, self.estate, UNIT, name)

    def stacks(self) -> set[str]:
        """Return the stacks that are deployed in development."""
        account = self.estate.unit(UNIT).environments[Stage.DEV].account
        found = self.account(account).client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"] for stack in found}

    def budget(self) -> float:
        """Return the monthly budget of the team risk, as it is deployed."""
        account = self.estate.unit(UNIT).environments[Stage.DEV].account
        client = self.account(account).client("budgets", "us-east-1")
        budgets = client.describe_budgets(AccountId=account)["Budgets"]
        (budget,) = (item for item in budgets if "-risk" in item["BudgetName"])
        return float(budget["BudgetLimit"]["Amount"])

    def run(self, commit: str) -> Run | None:
        """Return the execution that works on a commit."""
        shared = self.account(self.estate.organization.accounts.shared_services)
        summaries = shared.client("codepipeline").list_pipeline_executions(pipelineName=PIPELINE)
        ids = [
            item["pipelineExecutionId"]
            for item in summaries["pipelineExecutionSummaries"]
            if commit in json.dumps(item, default=str)
        ]
        found = [run for run in delivery.runs(shared, PIPELINE) if run.execution in ids]
        return found[0] if found else None

    def until(self, commit: str, holds: Callable[[Run], Any], what: str) -> Run:
        """Wait until the execution of a commit is as said."""

        def look() -> Run | None:
            run = self.run(commit)
            return run if run and (holds(run) or run.finished) else None

        found: Run = wait(look, what, seconds=600)
        return found

    def log(self, project: str) -> str:
        """Return the newest log of a project of the pipeline."""
        shared = self.account(self.estate.organization.accounts.shared_services)
        logs, group = shared.client("logs"), f"/aws/codebuild/{PIPELINE}-{project}"
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        newest = max(streams, key=lambda item: item.get("lastIngestionTime", 0))
        events = logs.get_log_events(logGroupName=group, logStreamName=newest["logStreamName"])
        return "\n".join(event["message"] for event in events["events"])


def _copy(folder: Path) -> None:
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    left_out = ("organization/", "tests/", "docs/", "benchmarks/")
    for name in listed:
        if not name.startswith(left_out) and (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)


def small_estate(folder: Path) -> None:
    """Write the estate of a small bank, with the example's waivers."""
    content = yaml.safe_load((SMALL / "estate.yaml").read_text(encoding="utf-8"))
    organization, (unit,) = content["organization"], content["business_units"]
    organization |= {"prefix": "aur", "source": {"repository": REPOSITORY}}
    (folder / "business_units").mkdir(parents=True)
    for path, part in (
        ("organization.yaml", organization),
        (f"business_units/{UNIT}.yaml", unit),
    ):
        (folder / path).write_text(yaml.safe_dump(part, sort_keys=False), encoding="utf-8")
    shutil.copytree(SMALL / "identity", folder / "identity")
    shutil.copy(ROOT / "organization" / "waivers.yaml", folder)


def _silent(_: str) -> None:
    """Say nothing."""
