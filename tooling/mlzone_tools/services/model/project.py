"""A data scientist's project: from the template to the repository that the platform builds."""

import base64
from pathlib import Path

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError, DeploymentError, GovernanceError
from mlzone.estate import Estate
from mlzone.naming import Naming
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model import rendering, template
from mlzone_tools.services.model.git import git

BRANCH = "main"
MEMBERS = "members of the model's team work in its repository"
"""A commit here starts the build."""


def create(estate: Estate, model: str, folder: Path, wanted: str | None = None) -> Path:
    """Make a model's project from its pipeline template, as a git repository.

    Args:
        estate: declares the model and its template.
        model: `unit/model`, or the model's name where it is unique.
        folder: where the project goes; must not exist, or be empty.
        wanted: the template of a model that the estate does not declare yet.

    Raises:
        ConfigError: there is no such model and no template is wanted, the estate says another one,
            or the folder holds something.
    """
    if wanted and not estate.declares(model):
        name, given = wanted, template.answers_of_an_undeclared(estate, model)
    else:
        unit, team, chosen = estate.model(model)
        name, given = chosen.template, template.answers(unit, team, chosen)
    if wanted not in (None, name):
        raise ConfigError(
            f"{model} starts from the template {name}, says the estate; not from {wanted}",
            hint="leave --template away, or propose the other template in the estate",
        )
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", hint="choose a new folder; nothing was written")
    version = template.render(name, given, folder)
    git(folder, "init", "--quiet", f"--initial-branch={BRANCH}")
    rendering.begin(folder, name, version)
    return folder


def clone(session: Session, estate: Estate, model: str, folder: Path) -> Path:
    """Fetch a model's project, with its history, from the repository that the platform builds.

    Args:
        session: a member's session in the development account.
        estate: declares the model.
        model: `unit/model`, or the model's name where it is unique.
        folder: where the project goes; must not exist, or be empty.

    Raises:
        ConfigError: there is no such model, or the folder holds something.
        GovernanceError: the person may not read there.
        DeploymentError: git failed.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", hint="choose a new folder; nothing was written")
    url = _url(session, estate, model)
    folder.mkdir(parents=True, exist_ok=True)
    _remote(session, folder, url, "clone", "--quiet", f"--branch={BRANCH}", url, ".")
    return folder


def submit(
    session: Session, estate: Estate, model: str, folder: Path, *, person: str, message: str
) -> str:
    """Commit what changed and push it as a person; return the commit, which starts the build.

    What it takes and what may go wrong is said of `commit` and `push`.
    """
    commit(estate, model, folder, person=person, message=message)
    return push(session, estate, model, folder, person=person, branch=BRANCH)


def commit(estate: Estate, model: str, folder: Path, *, person: str, message: str) -> None:
    """Commit what changed in a project.

    Args:
        estate: declares the model.
        model: `unit/model`, or the model's name where it is unique.
        folder: the project.
        person: who commits.
        message: the commit's message.

    Raises:
        ConfigError: the folder is no git repository, or holds conflicts of an update.
        DeploymentError: git failed.
    """
    if not (folder / ".git").exists():
        raise ConfigError(
            f"{folder} is no git repository", hint=f"start one: mlzone model new {model} {folder}"
        )
    if marked := rendering.conflicts(folder):
        raise ConfigError(
            f"the update of the template is not merged yet in {', '.join(marked)}",
            hint="settle what git marked with <<<<<<< there; nothing was committed",
        )
    who = {
        "GIT_AUTHOR_NAME": person,
        "GIT_AUTHOR_EMAIL": estate.email(person),
        "GIT_COMMITTER_NAME": person,
        "GIT_COMMITTER_EMAIL": estate.email(person),
    }
    git(folder, "add", "--all", **who)
    if git(folder, "status", "--porcelain"):
        git(folder, "commit", "--quiet", f"--message={message}", **who)


def push(
    session: Session, estate: Estate, model: str, folder: Path, *, person: str, branch: str
) -> str:
    """Push a project's newest commit to a branch as a person; return the commit.

    Args:
        session: the person's session in the development account.
        estate: declares the model.
        model: `unit/model`, or the model's name where it is unique.
        folder: the project.
        person: who pushes.
        branch: where to.

    Raises:
        ConfigError: the branch has commits that the folder lacks.
        GovernanceError: the person may not push there.
        DeploymentError: git failed.
    """
    url = _url(session, estate, model)
    try:
        _remote(session, folder, url, "push", "--quiet", url, f"HEAD:refs/heads/{branch}")
    except DeploymentError as error:
        if "[rejected]" not in error.message:
            raise
        if branch != BRANCH:
            raise ConfigError(
                f"{branch} of {model} has commits that {folder} lacks; nothing was pushed",
                hint="bring them in with git, or propose on another branch: --branch NAME",
            ) from error
        raise ConfigError(
            f"the repository of {model} has commits that {folder} lacks; nothing was pushed",
            hint=f"fetch it and make your changes there: mlzone model clone {model} NEW_FOLDER "
            f"--as {person}",
        ) from error
    return git(folder, "rev-parse", "HEAD").strip()


def _url(session: Session, estate: Estate, model: str) -> str:
    unit, _, chosen = estate.model(model)
    name = Naming(prefix=estate.organization.prefix).repository(unit.name, chosen.name)
    try:
        with denials(hint=MEMBERS):
            answer = session.client("codecommit").get_repository(repositoryName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "RepositoryDoesNotExistException":
            raise
        raise ConfigError(
            f"there is no repository {name} yet", hint=f"deploy it: mlzone deploy {unit.name}"
        ) from error
    url: str = answer["repositoryMetadata"]["cloneUrlHttp"]
    return url


def _remote(session: Session, folder: Path, url: str, *arguments: str) -> None:
    """Run git with the session's keys in the environment, where no list of processes shows them."""
    variables = session.variables
    user = f"{variables['AWS_ACCESS_KEY_ID']}%{variables['AWS_SESSION_TOKEN']}"
    secret = base64.b64encode(f"{user}:{variables['AWS_SECRET_ACCESS_KEY']}".encode()).decode()
    try:
        git(
            folder,
            *arguments,
            GIT_CONFIG_COUNT="1",
            GIT_CONFIG_KEY_0="http.extraHeader",
            GIT_CONFIG_VALUE_0=f"Authorization: Basic {secret}",
        )
    except DeploymentError as error:
        if "403" not in error.message:
            raise
        raise GovernanceError(
            f"{session.arn} may not {arguments[0]} {url}", hint=MEMBERS
        ) from error
