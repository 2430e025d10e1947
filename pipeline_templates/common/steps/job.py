"""What all steps share: their settings, their tables, and how they say why they failed."""

import csv
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, str]


class StepError(Exception):
    """A step cannot go on; the message is for the person who reads the pipeline."""


def base() -> Path:
    """Return SageMaker's folder of a job."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def channel(name: str) -> Path:
    """Return the folder of a training channel."""
    default = base() / "input" / "data" / name
    return Path(os.environ.get(f"SM_CHANNEL_{name.upper()}", default))


def settings() -> dict[str, Any]:
    """Return the settings that the build wrote beside the steps: `about`, `model`, `contract`."""
    file = Path(__file__).parent / "settings.json"
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def features(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the contract's columns that the model sees, in the order of `model.yaml`."""
    columns = {column["name"]: column for column in given["contract"]["columns"]}
    return [columns[name] for name in given["model"]["features"]]


def read_table(folder: Path) -> list[Row]:
    """Return the rows of all CSV files in a folder; each file has a header.

    Raises:
        StepError: there is no file, or a row has another length than the header.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise StepError(f"{folder} holds no CSV file")
    rows: list[Row] = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as text:
            reader = csv.DictReader(text, restkey="", restval=None)  # type: ignore[type-var]
            for row in reader:
                if "" in row or None in row.values():
                    raise StepError(f"{file.name}:{reader.line_num}: a row of another length")
                rows.append(row)
    return rows


def write_table(file: Path, names: list[str], rows: list[Row]) -> None:
    """Write rows with a header; the folder is made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_json(file: Path, document: object) -> None:
    """Write a document; the folder is made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def run(main: Callable[[], None]) -> None:
    """Run a step; if it cannot go on, leave the reason where SageMaker reports it, and exit 1."""
    try:
        main()
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        output = base() / "output"
        if output.is_dir():
            (output / "failure").write_text(str(error), encoding="utf-8")
            (output / "message").write_text(str(error), encoding="utf-8")
        sys.exit(1)
