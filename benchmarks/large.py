"""Ten million records: the memory that the analyzer takes is bounded, the time linear.

Ten files of a million records each are one file under ten names, so that the disk is not what is
measured.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from analyzer import ROWS, measure, records, write_capture, write_model

FILES = 10
TARGET_MIB = 2048


def run() -> list[dict[str, Any]]:
    """Measure a window as CSV and as captured records, of one file and of ten."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = {part: folder / part for part in ("data", "model", "baseline")}
        for place in places.values():
            place.mkdir()
        write_model(places["model"])
        records(ROWS, seed=1).to_csv(places["data"] / "data.csv", index=False)
        options = ("--dataset", "data", "--model", "model", "--output", "baseline")
        measure(["baseline", *(str(places.get(item, item)) for item in options)], {})
        now = records(ROWS, seed=2)
        now["number_0"] += 15
        now.to_csv(folder / "now.csv", index=False)
        write_capture(folder / "now.jsonl", folder / "now.csv")
        for kind, layout, source in (
            ("CSV", '{"csv":{"header":"true"}}', folder / "now.csv"),
            ("captured JSON lines", '{"sagemakerCaptureJson":{}}', folder / "now.jsonl"),
        ):
            for files in (1, FILES):
                window = folder / f"{source.suffix[1:]}-{files}"
                window.mkdir()
                for number in range(files):
                    os.link(source, window / f"{number}{source.suffix}")
                wall, cpu, memory = measure(
                    [],
                    {
                        "output_path": str(folder / "output"),
                        "baseline_statistics": str(places["baseline"]),
                        "baseline_constraints": str(places["baseline"]),
                        "SAGEMAKER_BASE_DIR": str(folder),
                        "dataset_source": str(window),
                        "dataset_format": layout,
                    },
                )
                found.append(
                    {
                        "format": kind,
                        "records": f"{files * ROWS:,}",
                        "seconds": wall,
                        "cpu seconds": cpu,
                        "peak memory MiB": memory,
                        "at most MiB": TARGET_MIB,
                    }
                )
    return found
