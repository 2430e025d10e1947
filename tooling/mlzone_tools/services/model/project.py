"""A data scientist's project: from the template to the repository that the platform builds."""

import base64
import os
import subprocess
from pathlib import Path

import copier
from copier.errors import CopierError

from mlzone.errors import ConfigError, DeploymentError, GovernanceError
from mlzone.estate import Estate
from mlzone.naming import Naming
from mlzone_tools.cloud.session import Session

TEMPLATES = Path("pipeline_templates")
BRANCH = "main"
"""A commit here starts the build."""


def create(estate: Estate, model: str, folder: Path) -> Path:
    """Make a model's project from its pipeline template, as a git repository.

    Args:
        estate: declares the model and its template.
        model: `unit/model`, or the model's name where it is unique.
        folder: where the project goes; must not exist, or be empty.

    Raises:
        ConfigError: there is no such model, or the folder holds something.
    """
    unit, team, chosen = estate.model(model)
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", hint="choose a new folder; nothing was written")
    answers = {
        "business_unit": unit.name,
        "team": team.name,
        "model": chosen.name,
        "title": chosen.title,
        "purpose": chosen.purpose,
        "owner": unit.owner,
    }
    try:
        copier.run_copy(
            str((TEMPLATES / chosen.template).absolute()),
            folder,
            data=answers,
            defaults=True,
            quiet=True,
            overwrite=False,
        )
    except CopierError as error:
        raise ConfigError(f"template {chosen.template}: {error}") from error
    _git(folder, "init", "--quiet", f"--initial-branch={BRANCH}")
    return folder


def submit(
    session: Session, estate: Estate, model: str, folder: Path, *, person: str, message: str
) -> str:
    """Commit what changed and push it as a person; return the commit, which starts the build.

    Args:
        session: the person's session in the development account.
        estate: declares the model.
        model: `unit/model`, or the model's name where it is unique.
        folder: the project.
        person: who commits.
        message: the commit's message.

    Raises:
        ConfigError: the folder is no git repository.
        GovernanceError: the person may not push there.
        DeploymentError: git failed.
    """
    unit, _, chosen = estate.model(model)
    if not (folder / ".git").exists():
        raise ConfigError(
            f"{folder} is no git repository", hint=f"start one: mlzone model new {model} {folder}"
        )
    naming = Naming(prefix=estate.organization.prefix)
    repository = session.client("codecommit").get_repository(
        repositoryName=naming.repository(unit.name, chosen.name)
    )["repositoryMetadata"]
    who = {
        "GIT_AUTHOR_NAME": person,
        "GIT_AUTHOR_EMAIL": estate.email(person),
        "GIT_COMMITTER_NAME": person,
        "GIT_COMMITTER_EMAIL": estate.email(person),
    }
    _git(folder, "add", "--all", **who)
    if _git(folder, "status", "--porcelain"):
        _git(folder, "commit", "--quiet", f"--message={message}", **who)
    _push(folder, repository["cloneUrlHttp"], session)
    return _git(folder, "rev-parse", "HEAD").strip()


def _push(folder: Path, url: str, session: Session) -> None:
    """Push with the session's keys in the environment, where no list of processes shows them."""
    variables = session.variables
    user = f"{variables['AWS_ACCESS_KEY_ID']}%{variables['AWS_SESSION_TOKEN']}"
    secret = base64.b64encode(f"{user}:{variables['AWS_SECRET_ACCESS_KEY']}".encode()).decode()
    try:
        _git(
            folder,
            "push",
            "--quiet",
            url,
            f"HEAD:refs/heads/{BRANCH}",
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0="http.extraHeader",
            GIT_CONFIG_VALUE_0=f"Authorization: Basic {secret}",
        )
    except DeploymentError as error:
        if "403" not in error.message:
            raise
        raise GovernanceError(
            f"{session.arn} may not push to {url}",
            hint="members of the model's team push to its repository",
        ) from error


def _git(folder: Path, *arguments: str, **variables: str) -> str:
    result = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise DeploymentError(f"git {arguments[0]} failed: {result.stderr.strip()[-1000:]}")
    return result.stdout
