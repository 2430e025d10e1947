"""The Git repositories behind CodeCommit: bare, one folder each, driven by the `git` command."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_ABSENT = "0" * 40


@dataclass(frozen=True)
class RefChange:
    """A branch or tag that moved; an empty commit means that it did not or does not exist."""

    ref: str
    before: str
    after: str


@dataclass(frozen=True)
class GitRepository:
    """One bare repository."""

    path: Path

    @classmethod
    def of(cls, cloud: "Cloud", account: str, region: str, name: str) -> "GitRepository":
        """Return where a CodeCommit repository is kept."""
        return cls(cloud.state_dir / "git" / account / region / f"{name}.git")

    def create(self, default_branch: str = "main") -> None:
        """Make an empty repository."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.run("init", "--quiet", "--bare", f"--initial-branch={default_branch}", str(self.path))

    def remove(self) -> None:
        """Delete the repository, if it is there."""
        shutil.rmtree(self.path, ignore_errors=True)

    def run(self, *arguments: str, data: bytes | None = None) -> bytes:
        """Run git in the repository and return what it prints.

        Raises:
            ApiError: git failed; the message is its last words.
        """
        inside = ["--git-dir", str(self.path)] if arguments[0] != "init" else []
        done = subprocess.run(
            ["git", *inside, *arguments],
            check=False,
            capture_output=True,
            input=data,
            env=git_environment(),
        )
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()
            raise ApiError("InvalidRepositoryStateException", f"git {arguments[0]}: {words}")
        return done.stdout

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Return the commit of every branch and tag, by its full name; of an annotated tag, too."""
        commit = "%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
        listing = self.run("for-each-ref", f"--format=%(refname) {commit}", prefix).decode()
        return dict(line.split(" ", maxsplit=1) for line in listing.splitlines())

    def branch(self, name: str) -> str | None:
        """Return the commit at the tip of a branch."""
        return self.refs(f"refs/heads/{name}").get(f"refs/heads/{name}")

    def set_branch(self, name: str, commit: str, *, before: str = "") -> None:
        """Point a branch to a commit; made if there is none.

        Args:
            name: of the branch.
            commit: where it points from now on.
            before: where it must point until now; not looked at if empty.

        Raises:
            ApiError: it pointed elsewhere.
        """
        self.run("update-ref", f"refs/heads/{name}", commit, *([before] if before else []))

    def merge_base(self, one: str, other: str) -> str:
        """Return the newest commit that two have in common; empty if there is none."""
        try:
            return self.run("merge-base", one, other).decode().strip()
        except ApiError:
            return ""

    def has_commit(self, commit: str) -> bool:
        """Tell whether a commit is there, whatever points to it."""
        try:
            self.run("cat-file", "-e", f"{commit}^{{commit}}")
        except ApiError:
            return False
        return True

    def archive(self, commit: str) -> bytes:
        """Return the files of a commit as a zip archive, as CodePipeline's source action has it."""
        return self.run("archive", "--format=zip", commit)


def changes(before: dict[str, str], after: dict[str, str]) -> list[RefChange]:
    """Return which refs differ."""
    return [
        RefChange(ref=ref, before=before.get(ref, ""), after=after.get(ref, ""))
        for ref in sorted({*before, *after})
        if before.get(ref) != after.get(ref)
    ]


def git_environment() -> dict[str, str]:
    """Return an environment in which git looks at nobody's settings."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }


def read_commands(body: bytes) -> list[str]:
    """Return the refs that the body of a push wants to change."""
    refs: list[str] = []
    position = 0
    while position + 4 <= len(body):
        length = int(body[position : position + 4], 16)
        if length == 0:
            break
        line = body[position + 4 : position + length].split(b"\0", maxsplit=1)[0]
        refs.append(line.decode(errors="replace").split(" ", maxsplit=2)[2].strip())
        position += length
    return refs
