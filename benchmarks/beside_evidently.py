"""The same million records beside Evidently, which lives in an environment of its own.

Both read the files, compare 30 features and write their results. Evidently reads both sides, since
it keeps no summary of a baseline; the analyzer reads the window alone, and adds what moved the
predictions. Evidently's environment is made below `.mlzone/`, once.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from analyzer import CATEGORIES, NUMBERS, ROWS, measure, records, write_model

PINS = ("evidently==0.7.23", "pandas==2.3.3")
ENVIRONMENT = Path(".mlzone/bench/evidently")

_RIVAL = """
import json, re, sys, time
started = time.perf_counter()
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

before, now, numbers, categories, output = sys.argv[1:]
numbers, categories = json.loads(numbers), json.loads(categories)
definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
read = time.perf_counter()
frames = [pd.read_csv(place) for place in (now, before)]
sets = [Dataset.from_pandas(frame, data_definition=definition) for frame in frames]
snapshot = Report([DataDriftPreset()]).run(*sets)
open(output, "w").write(snapshot.json())
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(peak, file=sys.stderr)
"""


def rival() -> Path:
    """Return Evidently's Python; its environment is made if need be."""
    python = ENVIRONMENT / "bin" / "python"
    mark = ENVIRONMENT / "pins.json"
    if not mark.exists() or json.loads(mark.read_text()) != list(PINS):
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", ENVIRONMENT], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *PINS], check=True)
        mark.write_text(json.dumps(PINS))
    return python


def run() -> list[dict[str, Any]]:
    """Measure both on the same files."""
    python = rival()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = {part: folder / part for part in ("before", "now", "model", "baseline")}
        for place in places.values():
            place.mkdir()
        write_model(places["model"])
        records(ROWS, seed=1).to_csv(places["before"] / "data.csv", index=False)
        records(ROWS, seed=2).assign(number_0=lambda frame: frame["number_0"] + 15).to_csv(
            places["now"] / "data.csv", index=False
        )
        options = ("--dataset", "before", "--model", "model", "--output", "baseline")
        measure(["baseline", *(str(places.get(item, item)) for item in options)], {})
        ours = measure(
            [],
            {
                "output_path": str(folder / "output"),
                "baseline_statistics": str(places["baseline"]),
                "baseline_constraints": str(places["baseline"]),
                "SAGEMAKER_BASE_DIR": str(folder),
                "dataset_source": str(places["now"]),
                "dataset_format": '{"csv":{"header":"true"}}',
            },
        )
        theirs = _measure_rival(python, places, folder / "evidently.json")
    rows = [("analyzer", *ours), (PINS[0].replace("==", " "), *theirs)]
    return [
        {
            "tool": tool,
            "seconds": wall,
            "cpu seconds": cpu,
            "peak memory MiB": memory,
            "times as long": round(wall / ours[0], 1),
        }
        for tool, wall, cpu, memory in rows
    ]


def _measure_rival(
    python: Path, places: dict[str, Path], output: Path
) -> tuple[float, float, float]:
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(
        [
            python.absolute(),
            "-W",
            "ignore",
            "-c",
            _RIVAL,
            *(str(places[side] / "data.csv") for side in ("before", "now")),
            json.dumps(NUMBERS),
            json.dumps(list(CATEGORIES)),
            str(output),
        ],
        # The benchmarks must not be found as packages.
        cwd=output.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    wall, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    peak = int(done.stderr.split()[-1])
    return round(wall, 2), round(cpu, 2), round(peak / 1024)
