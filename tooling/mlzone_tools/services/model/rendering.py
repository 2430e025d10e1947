"""A template's renderings in a project's history, and how a newer one is merged.

Each rendering is a commit as copier wrote it, with a line `Template: NAME@VERSION`. A project
begins with one; an update adds the next one, whose parent is the one before, and merges it. So git
knows what the template changed and what people changed, also in a clone, and keeps both.
"""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlzone.errors import ConfigError, DeploymentError
from mlzone.estate import Estate
from mlzone_tools.services.model import template
from mlzone_tools.services.model.git import git

_PLATFORM = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "mlzone"), ("EMAIL", "mlzone@localhost"))
}
_MARK = re.compile(r"^Template: (\S+)@([0-9a-f]+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Update:
    """What became of a project's update."""

    folder: Path
    template: str
    before: str
    """The version of the template that the project had."""
    after: str
    """The newest version."""
    changed: tuple[str, ...]
    """Files that the update changed."""
    conflicts: tuple[str, ...]
    """Files that the template and people changed in the same place; git marked them."""


def begin(folder: Path, name: str, version: str) -> None:
    """Make the first commit of a project: what the template rendered."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", f"--message={_message(name, version)}", **_PLATFORM)


def update(estate: Estate, model: str, folder: Path) -> Update:
    """Merge the newest rendering of a model's template into its project.

    Args:
        estate: declares the model and its template.
        model: `unit/model`, or the model's name where it is unique.
        folder: the project.

    Raises:
        ConfigError: there is no such model; the project has changes that are not committed, or was
            not rendered from this template.
    """
    unit, team, chosen = estate.model(model)
    if not (folder / ".git").exists():
        raise ConfigError(
            f"{folder} is no git repository", hint="fetch the project: mlzone model clone"
        )
    if git(folder, "status", "--porcelain"):
        raise ConfigError(
            f"{folder} has changes that are not committed",
            hint="git commit or git stash them first; nothing was changed",
        )
    base, name, before = _newest(folder)
    if name != chosen.template:
        raise ConfigError(
            f"{folder} was rendered from {name}; the estate says {chosen.template}",
            hint="a model of another template is another project: mlzone model new",
        )
    with tempfile.TemporaryDirectory() as place:
        rendered = Path(place) / "project"
        after = template.render(name, template.answers(unit, team, chosen), rendered)
        commit = _commit(folder, rendered, base, _message(name, after))
    if not commit:
        return Update(
            folder=folder, template=name, before=before, after=after, changed=(), conflicts=()
        )
    changed = tuple(git(folder, "diff", "--name-only", base, commit).splitlines())
    try:
        git(
            folder,
            *("merge", "--quiet", "--no-ff", f"--message=Update the template to {after}", commit),
            **_PLATFORM,
        )
    except DeploymentError:
        if not conflicts(folder):
            raise
    return Update(
        folder=folder,
        template=name,
        before=before,
        after=after,
        changed=changed,
        conflicts=conflicts(folder),
    )


def conflicts(folder: Path) -> tuple[str, ...]:
    """Return the files of a project that still hold what git marked."""
    unmerged = git(folder, "diff", "--name-only", "--diff-filter=U").splitlines()
    return tuple(name for name in unmerged if _is_marked(folder / name))


def _is_marked(file: Path) -> bool:
    # One side deleted it: there is nothing to mark, and somebody has to decide.
    return not file.is_file() or b"<<<<<<< " in file.read_bytes()


def _newest(folder: Path) -> tuple[str, str, str]:
    """Return the newest rendering in a project's history: commit, template, version."""
    logged = git(folder, "log", "-1", "--topo-order", "--grep=^Template: ", "--format=%H%n%B")
    found = _MARK.search(logged)
    if not found:
        raise ConfigError(
            f"the history of {folder} does not say which template it was rendered from",
            hint="make a new project with mlzone model new, and copy your changes there",
        )
    return logged.splitlines()[0], found[1], found[2]


def _commit(folder: Path, rendered: Path, base: str, message: str) -> str:
    """Return a commit of a rendering that follows another one; empty if they are the same."""
    variables = {
        "GIT_DIR": str((folder / ".git").absolute()),
        "GIT_WORK_TREE": str(rendered),
        "GIT_INDEX_FILE": str(rendered.with_name("index")),
    }
    git(rendered, "add", "--all", **variables)
    tree = git(rendered, "write-tree", **variables).strip()
    if tree == git(folder, "rev-parse", f"{base}^{{tree}}").strip():
        return ""
    return git(folder, "commit-tree", tree, "-p", base, "-m", message, **_PLATFORM).strip()


def _message(name: str, version: str) -> str:
    return f"Render the template {name}\n\nTemplate: {name}@{version}\n"
