"""Makes a baseline folder from the data and the model that training made.

The folder is all that a monitor needs, and its manifest pins every byte: `digest.json` holds the
manifest's hash, which the registry keeps with the model version.
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlzone_runtime.analyzer.constraints import suggest_constraints
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.model import ARCHIVE, WatchedModel
from mlzone_runtime.analyzer.plain import read_training
from mlzone_runtime.analyzer.repetition import Repetition
from mlzone_runtime.analyzer.settings import PREDICTION, Settings
from mlzone_runtime.analyzer.statistics import (
    NumberSummary,
    Summary,
    render_statistics,
    summarise,
)
from mlzone_runtime.analyzer.table import NumberColumn, Table

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
SAMPLE = "sample.csv"
MANIFEST = "manifest.json"
DIGEST = "digest.json"

SAMPLE_ROWS = 500

_SEED = 20261124


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What was written.

    Attributes:
        rows: Records that were summarised.
        manifest_sha256: Hash of the manifest, in hexadecimal.
    """

    rows: int
    manifest_sha256: str


def make_baseline(
    dataset: Path,
    model: Path,
    output: Path,
    settings: Settings,
    *,
    more: Callable[[Path, WatchedModel], Iterable[str]] | None = None,
) -> Baseline:
    """Summarise the data, sample them, copy the model, and pin it all by a manifest.

    Args:
        dataset: Folder of CSV files with header; columns that are no features are ignored.
        model: Folder that holds `model.tar.gz`.
        output: Folder to write; made if need be.
        settings: Thresholds of the monitor, kept in `constraints.json`.
        more: Writes further files into the folder and returns their names; they are pinned too.

    Raises:
        AnalysisError: The data or the model are not there or not usable.
    """
    archive = model / ARCHIVE
    if not archive.is_file():
        raise AnalysisError(f"no {ARCHIVE} in {model}")
    watched = WatchedModel.load(archive)
    table = read_training(dataset, watched.schema.features, sampled=True)
    if table.rows < settings.min_records:
        raise AnalysisError(
            f"{dataset} has {table.rows} records; a baseline needs at least the "
            f"{settings.min_records} that a window needs"
        )
    summaries = summarise(table)
    answers = NumberColumn(numbers=watched.probabilities(table))
    predictions: Summary = NumberSummary.of(PREDICTION, answers)
    output.mkdir(parents=True, exist_ok=True)
    constraints = suggest_constraints([*summaries, predictions], settings)
    statistics = render_statistics(
        [*summaries, predictions], table.rows, Repetition.count(table) if table.whole else None
    )
    write_json(output / STATISTICS, statistics)
    write_json(output / CONSTRAINTS, constraints)
    _write_sample(output / SAMPLE, table)
    shutil.copyfile(archive, output / ARCHIVE)
    names = [STATISTICS, CONSTRAINTS, SAMPLE, ARCHIVE]
    if more:
        names += more(output, watched)
    write_json(output / MANIFEST, {"files": {name: _sha256(output / name) for name in names}})
    digest = _sha256(output / MANIFEST)
    write_json(output / DIGEST, {"manifest_sha256": digest})
    return Baseline(rows=table.rows, manifest_sha256=digest)


def write_json(file: Path, document: Any) -> None:
    """Write a document; an infinite or missing number in it is a mistake and raises."""
    text = json.dumps(document, allow_nan=False, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


def _write_sample(file: Path, table: Table) -> None:
    """Write evenly chosen records of a fixed shuffle, so that the same data give the same file."""
    shuffled = np.random.default_rng(_SEED).permutation(table.rows)
    chosen = table.select(np.sort(shuffled[:SAMPLE_ROWS]))
    columns: list[list[object]] = []
    for feature in chosen.features:
        if feature.kind == "number":
            values = chosen.number(feature.name).numbers.tolist()
            columns.append(["" if np.isnan(value) else value for value in values])
        else:
            column = chosen.category(feature.name)
            columns.append([*np.array([*column.labels, ""], dtype=object)[column.codes]])
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([feature.name for feature in chosen.features])
        writer.writerows(zip(*columns, strict=True))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
