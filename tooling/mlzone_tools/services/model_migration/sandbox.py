"""Opens models of unknown origin in a process that can do nothing but read and answer.

A pickle is a program. It runs in namespaces of its own: no network, no file but the system's, the
interpreter's, the model server's and its input, which are read-only, one folder to write to, limits
of time and size, no capability. Where the kernel has no such namespaces nothing is opened at all.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlzone_runtime
from mlzone.errors import ConfigError

_HERE = Path(__file__).parent
_SERVING = Path(mlzone_runtime.__file__).parent
"""What serves models; it lets them predict here as well."""
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin")
SECONDS = 60
"""So much time of a processor a model may take to open and to predict."""
_WAIT = 3
"""So many times as long is waited for it: processors are shared."""
_LONGEST = 400
_ERROR = "error: "


class UnreadableModelError(Exception):
    """A model could not be opened; the message says why."""


def inspect(source: Path, output: Path, *, seconds: int = SECONDS) -> dict[str, Any]:
    """Open a model in the sandbox, let it predict, and write it in the platform's format.

    Args:
        source: a folder with `artifact` (the model), `rows.csv` and `request.json`.
        output: an empty folder, into which the artefact's files go.
        seconds: the time of a processor that it may take.

    Returns:
        What was found: the kind of model, and its predictions for the rows.

    Raises:
        ConfigError: this machine has no sandbox.
        UnreadableModelError: the model cannot be opened or does not predict.
    """
    _require()
    root = output.with_name(f"{output.name}-root")
    root.mkdir()
    readable = [*_SYSTEM, sys.prefix, sys.base_prefix, str(_HERE), str(_SERVING)]
    command = [
        *("unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--ipc"),
        *("--fork", "--kill-child", "sh", str(_HERE / "enter.sh"), str(seconds)),
        *(str(root), str(source), str(output), *readable, "--"),
        *("PATH=/usr/bin", "HOME=/tmp", "OMP_NUM_THREADS=1", "JOBLIB_MULTIPROCESSING=0"),
        *(sys.executable, "-I", "-W", "ignore", str(_HERE / "inspection.py")),
        *(str(_HERE.parents[2]), str(_SERVING.parent)),
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_WAIT * seconds,
            check=False,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        )
    except subprocess.TimeoutExpired:
        raise UnreadableModelError(f"it did not end within {_WAIT * seconds} s") from None
    finally:
        root.rmdir()
    report = output / "report.json"
    if done.returncode != 0 or not report.is_file():
        said = [line for line in done.stderr.splitlines() if line.startswith(_ERROR)]
        raise UnreadableModelError(
            said[-1].removeprefix(_ERROR)[:_LONGEST]
            if said
            else f"its process was ended; it may take {seconds} s of a processor"
        )
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def _require() -> None:
    try:
        subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "true"],
            capture_output=True,
            check=True,
            env={"PATH": "/usr/bin:/bin"},
        )
    except (OSError, subprocess.CalledProcessError) as error:
        missing = "" if shutil.which("unshare") else ": there is no program `unshare`"
        raise ConfigError(
            f"this machine has no sandbox to open models in{missing}",
            hint="run it on Linux with user namespaces; models are never opened without",
        ) from error
