"""Runs git in a project, the same whatever the user has configured."""

import os
import subprocess
from pathlib import Path

from mlzone.errors import DeploymentError


def git(folder: Path, *arguments: str, **variables: str) -> str:
    """Return what git prints.

    Args:
        folder: where it runs.
        arguments: of git.
        variables: added to its environment.

    Raises:
        DeploymentError: it failed; the message is its own.
    """
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
        said = (result.stderr.strip() or result.stdout.strip())[-1000:]
        raise DeploymentError(f"git {arguments[0]} failed: {said}")
    return result.stdout
