"""The container contract: a program that sees its folder as `/opt/ml`.

Where the kernel allows it, the program runs in a mount namespace of its own in which its folder is
mounted at `/opt/ml`; a job in network isolation also in a network namespace with a loopback alone.
Elsewhere `/opt/ml` is replaced by the folder in arguments, environment and scripts, and
`SAGEMAKER_BASE_DIR` names it. What an image's layers hold below `/opt` is treated alike.

Source: Amazon SageMaker AI Developer Guide, "Docker containers for training and deploying models".
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlzone_cloud.compute.process import base_environment
from mlzone_cloud.sagemaker.images import program

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

OPT_ML = "/opt/ml"
NAMESPACES = "MLZONE_CLOUD_NAMESPACES"
"""The variable that, set to `off`, has containers do without namespaces."""

_SESSION = timedelta(hours=12)
_NONE: Mapping[str, str] = {}
_WHOLE_NAME = r"(?![\w.-])"
_SCRIPTS = frozenset({".py", ".sh", ".json"})
# What stands in /opt stays visible: an interpreter may be installed there. The shell stays in the
# old /opt while it mounts the new one, so paths must not be made absolute (`-c`).
_ENTER = r"""
set -e
root=$1; isolated=$2; python=$3; folders=$4; shift 4
if [ ! -d /opt/ml ] || [ "$folders" -gt 0 ]; then
  cd /opt
  mount -t tmpfs -o mode=755 tmpfs /opt
  for entry in * .[!.]*; do
    if [ -L "$entry" ]; then cp -P "$entry" "/opt/$entry"
    elif [ -d "$entry" ]; then mkdir "/opt/$entry"; mount -c --rbind "./$entry" "/opt/$entry"
    elif [ -e "$entry" ]; then touch "/opt/$entry"; mount -c --bind "./$entry" "/opt/$entry"
    fi
  done
  mkdir -p /opt/ml
fi
while [ "$folders" -gt 0 ]; do
  mkdir -p "$1"
  mount --bind "$2" "$1"
  mount -o remount,bind,ro "$1"
  folders=$((folders - 1)); shift 2
done
mount --rbind "$root" /opt/ml
if [ "$isolated" = yes ]; then "$python" -I -S -c "$LOOPBACK_UP"; fi
unset LOOPBACK_UP
cd /opt/ml
if command -v setpriv >/dev/null; then exec setpriv --pdeathsig KILL "$@"; fi
exec "$@"
"""
_LOOPBACK_UP = """
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
"""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program as it is started on this machine."""

    argv: list[str]
    environment: dict[str, str]
    folder: Path
    """Where it runs."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """A program with its own `/opt/ml`."""

    base: Path
    """A folder that belongs to the container alone."""
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False
    """Whether it has no network but the loopback, where the kernel allows that."""
    folders: Mapping[str, str] = field(default_factory=dict)
    """What it sees beside this machine's files: from folders in it to folders on this machine."""

    @property
    def root(self) -> Path:
        """What the program sees as `/opt/ml`."""
        return self.base / "ml"

    def command(self) -> Command:
        """Return how the program is started."""
        temporary = self.base / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(parents=True, exist_ok=True)
        shared = {**base_environment(), "TMPDIR": str(temporary), "HOME": str(temporary)}
        argv = program(tuple(self.argv))
        if not has_namespaces():
            return Command(
                argv=[self._rewritten(part) for part in argv],
                environment={
                    **shared,
                    **{name: self._rewritten(value) for name, value in self._given()},
                    "SAGEMAKER_BASE_DIR": str(self.root),
                },
                folder=self.root,
            )
        enter = _entrance(
            self.root,
            offline=self.offline and has_network_namespaces(),
            folders=self.folders,
        )
        return Command(
            argv=[*enter, *argv],
            environment={**shared, **dict(self._given()), "LOOPBACK_UP": _LOOPBACK_UP},
            folder=self.base,
        )

    def adapt_scripts(self, folder: Path) -> None:
        """Let scripts find their files also where `/opt/ml` is only a name for the folder."""
        if has_namespaces() or not folder.is_dir():
            return
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix in _SCRIPTS:
                text = path.read_text(encoding="utf-8")
                if OPT_ML in text:
                    path.write_text(self._rewritten(text), encoding="utf-8")

    def _given(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.environment.items()]

    def _rewritten(self, text: str) -> str:
        """Return a text with this machine's folders in place of the container's."""
        for place, folder in {**self.folders, OPT_ML: str(self.root)}.items():
            text = folder.join(re.split(re.escape(place) + _WHOLE_NAME, text))
        return text


def inside(root: Path, path: str) -> Path:
    """Return where a path of the container is on this machine.

    Raises:
        ValueError: the path is not below `/opt/ml`.
    """
    relative = os.path.relpath(path, OPT_ML)
    if not path.startswith("/") or relative.startswith(".."):
        raise ValueError(f"{path} is not below {OPT_ML}")
    return root / relative


def role_environment(
    cloud: "Cloud", role: str, region: str, *, isolated: bool, session: str = "SageMaker"
) -> dict[str, str]:
    """Return what a container knows of AWS: its role's session; nothing in network isolation."""
    if isolated:
        return {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    return cloud.credentials(
        role, session, region=region, duration=_SESSION, service="sagemaker.amazonaws.com"
    )


def has_namespaces() -> bool:
    """Tell whether containers get a mount namespace of their own."""
    return os.environ.get(NAMESPACES) != "off" and _works(offline=False)


def has_network_namespaces() -> bool:
    """Tell whether containers can be cut off from the network."""
    return has_namespaces() and _works(offline=True)


def _entrance(root: Path, *, offline: bool, folders: Mapping[str, str] = _NONE) -> list[str]:
    """Return the command that runs what follows it in namespaces of its own."""
    return [
        *("unshare", "-Urmn" if offline else "-Urm", "--propagation", "private"),
        *("sh", "-c", _ENTER, "sh", str(root), "yes" if offline else "no", sys.executable),
        *(str(len(folders)), *(part for pair in folders.items() for part in pair)),
    ]


@functools.cache
def _works(*, offline: bool) -> bool:
    """Try it: kernels, their settings and the tools differ."""
    if shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            [*_entrance(Path(folder), offline=offline), sys.executable, "-I", "-S", "-c", ""],
            env={**base_environment(), "LOOPBACK_UP": _LOOPBACK_UP},
            capture_output=True,
            check=False,
        )
    return tried.returncode == 0
