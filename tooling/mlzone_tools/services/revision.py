"""The estate as it was at another revision of its repository."""

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlzone.errors import ConfigError


@contextmanager
def at_revision(location: Path, revision: str) -> Iterator[Path]:
    """Give an estate's folder or file as it was, in a place of its own.

    Args:
        location: where the estate is now.
        revision: a commit, branch or tag.

    Raises:
        ConfigError: the estate is in no git repository, or was not there at that revision.
    """
    where = location.resolve()
    folder = where if where.is_dir() else where.parent
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    inside = where.relative_to(top.resolve())
    # A file may name others beside it.
    beside = folder.relative_to(top.resolve())
    _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    archive = _git(top, "archive", "--format=tar", revision, "--", str(beside))
    with tempfile.TemporaryDirectory(prefix="mlzone-revision-") as temporary:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(temporary, filter="data")
        yield Path(temporary) / inside


def _git(folder: Path, *arguments: str) -> bytes:
    result = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, check=False
    )
    if result.returncode != 0:
        said = result.stderr.decode(errors="replace").strip() or "there is no such revision"
        raise ConfigError(
            f"git {' '.join(arguments)}: {said.splitlines()[-1]}",
            hint="give a commit, branch or tag of the repository that holds the estate",
        )
    return result.stdout
