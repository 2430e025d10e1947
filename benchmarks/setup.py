"""How long the set-up of a fresh clone takes, with the package caches as they are."""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

_MIB = 1024**2


def run() -> dict[str, Any]:
    """Clone the repository into a temporary folder and run `make setup`, twice."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(Path.cwd()), str(clone)], check=True)
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
        figures: dict[str, Any] = {}
        for name in ("first_seconds", "second_seconds"):
            started = time.perf_counter()
            subprocess.run(["make", "setup"], cwd=clone, env=environment, check=True)
            figures[name] = round(time.perf_counter() - started, 1)
        installed = (clone / ".venv", clone / "node_modules")
        figures["installed_mib"] = round(sum(map(_size, installed)) / _MIB)
    return figures


def _size(folder: Path) -> int:
    return sum(
        path.lstat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )
