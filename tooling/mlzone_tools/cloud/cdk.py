"""The CDK command line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlzone.errors import DeploymentError

CDK_HOME = Path(".mlzone/cdk")
_PROGRAMS = Path("node_modules/.bin")


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which the CDK runs: our tools first, no telemetry.

    The command line remembers access keys and accounts under CDK_HOME: a folder of our own keeps
    the embedded cloud's keys away from the user's. Node keeps the command line compiled
    beside it, in `node_modules/.cache`.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return {
        **own,
        **variables,
        "PATH": path,
        "CDK_HOME": str(CDK_HOME.absolute()),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NODE_COMPILE_CACHE": str((_PROGRAMS.resolve().parent / ".cache" / "cdk").absolute()),
    }


def run(
    arguments: Sequence[str], variables: Mapping[str, str], *, talk: Callable[[str], None]
) -> None:
    """Run the CDK command line and pass on what it says, line by line.

    Raises:
        DeploymentError: it is not installed, or it failed; the message has its last lines.
    """
    executable = _PROGRAMS / "cdk"
    program = str(executable) if executable.exists() else shutil.which("cdk")
    if program is None:
        raise DeploymentError(
            "the CDK command line is not installed", hint="run `make setup` in the repository"
        )
    CDK_HOME.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    with subprocess.Popen(
        [program, *arguments, "--ci", "--no-color", "--no-notices"],
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        for line in process.stdout:
            lines.append(line.rstrip())
            talk(line.rstrip())
    if process.returncode != 0:
        tail = "\n".join(line for line in lines[-15:] if line)
        raise DeploymentError(f"cdk {arguments[0]} failed:\n{tail}")
