"""How fast the monitor analyses a million records of 30 features, and how much memory it takes.

The whole process is measured as a job runs it: start, reading, statistics, comparison, outputs. The
traffic has one shifted feature, so that the model's contributions are part of the work.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlzone_runtime.tabular_xgboost import xgboost

ROWS = 1_000_000
NUMBERS = [f"number_{place}" for place in range(20)]
CATEGORIES = {
    f"category_{place}": [f"value_{code}" for code in range(4 + 3 * place)] for place in range(10)
}
_TRAINING_ROWS = 5_000
_RUNS = 5
"""The one in the middle counts: a virtual machine's pace changes by half within a minute."""


def records(rows: int, seed: int) -> pd.DataFrame:
    """Draw records of 30 features."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for place, name in enumerate(NUMBERS):
        values = rng.lognormal(3, 1, rows) if place % 2 else rng.normal(50, 10, rows)
        values = np.round(values, 4 if place < 16 else 0)  # noqa: PLR2004 - some are whole
        values[rng.random(rows) < 0.01] = np.nan  # noqa: PLR2004 - one in a hundred is missing
        columns[name] = values
    for name, values in CATEGORIES.items():
        columns[name] = pd.Categorical.from_codes(rng.integers(0, len(values), rows), values)
    return pd.DataFrame(columns)


def write_model(folder: Path) -> None:
    """Train a model on some records and write its artefact."""
    frame = records(_TRAINING_ROWS, seed=3)
    matrix = frame.assign(**{name: frame[name].cat.codes for name in CATEGORIES})
    labels = (frame["number_0"].fillna(50) + frame["number_2"].fillna(50) > 100).astype(int)  # noqa: PLR2004 - their means
    data = xgboost.DMatrix(
        matrix.to_numpy(dtype=np.float32),
        labels,
        feature_names=list(frame.columns),
        feature_types=["q"] * len(NUMBERS) + ["c"] * len(CATEGORIES),
        enable_categorical=True,
    )
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 5}, data, 100)
    schema = {
        "format": "tabular/1",
        "model": "benchmark",
        "features": [
            *({"name": name, "type": "number"} for name in NUMBERS),
            *(
                {"name": name, "type": "category", "categories": values}
                for name, values in CATEGORIES.items()
            ),
        ],
        "target": "target",
        "positive_class": "1",
        "threshold": 0.5,
    }
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        for name, content in (
            ("model.json", bytes(booster.save_raw("json"))),
            ("schema.json", json.dumps(schema).encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def write_capture(file: Path, table: Path) -> None:
    """Write the rows of a CSV file as an endpoint captures them."""
    head = (
        '{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"'
    )
    middle = (
        '","encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv; charset=utf-8",'
        '"mode":"OUTPUT","data":"0.25\\n","encoding":"CSV"}},"eventMetadata":{"eventId":'
        '"0b7f6d4e-3f5b-4f8e-9a53-0c8e5e7d2c11","inferenceTime":"2026-11-24T10:15:00Z"},'
        '"eventVersion":"0"}\n'
    )
    with table.open(encoding="utf-8") as rows, file.open("w", encoding="utf-8") as records:
        next(rows)
        records.writelines(f"{head}{row.rstrip()}{middle}" for row in rows)


_WRAPPED = """
import re, sys
from pathlib import Path
try:
    from mlzone_runtime.analyzer.__main__ import main
    code = main(sys.argv[1:])
except SystemExit as stopped:
    code = stopped.code
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(code, peak, file=sys.stderr)
"""


def measure(
    arguments: list[str], environment: dict[str, str], *, code: int = 0
) -> tuple[float, float, float]:
    """Run the analyzer; return wall seconds, CPU seconds and its peak memory in MiB."""
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _WRAPPED, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
        text=True,
    )
    wall, after = time.perf_counter() - started, os.times()
    ended, peak = done.stderr.split()[-2:]
    if ended != str(code):
        raise RuntimeError(f"the analyzer ended with {ended}: {done.stderr}")
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return round(wall, 2), round(cpu, 2), round(int(peak) / 1024)


def run() -> dict[str, Any]:
    """Measure the start, a baseline, and a window as CSV and as captured records."""
    figures: dict[str, Any] = {"rows": ROWS, "features": len(NUMBERS) + len(CATEGORIES)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = {part: folder / part for part in ("data", "model", "baseline", "csv", "capture")}
        for place in places.values():
            place.mkdir()
        write_model(places["model"])
        records(ROWS, seed=1).to_csv(places["data"] / "data.csv", index=False)
        current = records(ROWS, seed=2)
        current["number_0"] += 15
        current.to_csv(places["csv"] / "data.csv", index=False)
        write_capture(places["capture"] / "records.jsonl", places["csv"] / "data.csv")
        options = ["--dataset", "data", "--model", "model", "--output", "baseline"]
        baseline = [str(places.get(option, option)) for option in options]
        capture = {"sagemakerCaptureJson": {"captureIndexNames": []}}
        common = {
            "output_path": str(folder / "output"),
            "baseline_statistics": str(places["baseline"]),
            "baseline_constraints": str(places["baseline"]),
            "SAGEMAKER_BASE_DIR": str(folder),
        }
        # As in an image: modules are compiled before.
        compiled = {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
        csv = {"dataset_source": str(places["csv"]), "dataset_format": '{"csv":{"header":"true"}}'}
        captured = {"dataset_source": str(places["capture"]), "dataset_format": json.dumps(capture)}
        warm = "import mlzone_runtime.analyzer.monitor, mlzone_runtime.tabular"
        subprocess.run([sys.executable, "-c", warm], env={**os.environ, **compiled}, check=True)
        # Without settings a run ends as soon as it has read its environment.
        wall, cpu, _ = measure([], compiled, code=2)
        figures |= {"start_seconds": wall, "start_cpu_seconds": cpu}
        for title, arguments, environment in (
            ("baseline", ["baseline", *baseline], {}),
            ("window_of_csv", [], common | csv),
            ("window_of_captured_records", [], common | captured),
        ):
            runs = [measure(arguments, compiled | environment) for _ in range(_RUNS)]
            wall, cpu, memory = sorted(runs)[_RUNS // 2]
            figures |= {
                f"{title}_seconds": wall,
                f"{title}_cpu_seconds": cpu,
                f"{title}_peak_memory_mib": memory,
            }
    return figures
