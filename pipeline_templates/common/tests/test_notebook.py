"""The notebook runs from its first cell to its last."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parent.parent


def test_every_cell_runs() -> None:
    notebook = json.loads((PROJECT / "explore.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(cells)],
        cwd=PROJECT,
        env={name: text for name, text in os.environ.items() if not name.startswith("MLFLOW_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "breaches of the contract: []" in done.stdout
