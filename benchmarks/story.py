"""How long the whole story takes, after set-up, and what the embedded cloud holds at its end."""

import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mlzone_tools.cloud import embedded

_STATE = Path(".mlzone/demo")
_SHOWN = ("bootstrap", "deploy", "build", "staging", "production", "drift", "retraining")
"""Steps whose time is worth a line of its own."""


def run() -> dict[str, Any]:
    """Run `mlzone demo` once.

    Raises:
        CalledProcessError: a step did not hold.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("mlzone")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [program, "demo", f"--port={port}", f"--output={folder}", "--keep"],
            check=True,
            capture_output=True,
        )
        report = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
    status = embedded.running(_STATE).control("status")
    embedded.stop(_STATE)
    seconds = {step["name"]: step["seconds"] for step in report["steps"]}
    return {
        "steps": len(seconds),
        "all_seconds": report["seconds"],
        **{f"{name}_seconds": seconds[name] for name in _SHOWN},
        "memory_of_the_cloud_mib": status["memory_mib"],
        "requests_to_the_cloud": status["requests"],
    }
