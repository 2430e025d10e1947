"""Fills a project of the template `register-only` with a model that was opened."""

import csv
import shutil
from pathlib import Path
from typing import Any

import yaml

from mlzone_tools.services.model_migration.manifest import Row

_NOT_OURS = ("tests/test_steps.py", "tests/test_data_contract.py", "data/ATTRIBUTION.md")
"""What speaks of the template's own example."""
_TEST = '''"""The model expects what the project says; its data meet the contract."""

import json

import contract
import job
from delivery import bundle, compiling


def test_the_model_expects_what_model_yaml_says(sources: compiling.Sources) -> None:
    settings = json.loads(sources.code.files["settings.json"])["model"]
    schema = json.loads((bundle.PROJECT / settings["trained_model"] / "schema.json").read_text())
    assert [feature["name"] for feature in schema["features"]] == settings["features"]


def test_the_data_meet_their_contract(sources: compiling.Sources) -> None:
    given = json.loads(sources.code.files["settings.json"])
    rows = job.read_table(bundle.PROJECT / "data")
    assert contract.violations(rows, given["contract"]) == []
'''
_DUPLICATES = 0.05


def fill(folder: Path, row: Row, opened: Path, found: dict[str, Any], digest: str) -> None:
    """Put a model and its records into a rendered project.

    Args:
        folder: the project.
        row: of the manifest.
        opened: the folder with the artefact's files.
        found: what opening it found.
        digest: the artifact's SHA-256, by which it is known again.
    """
    for name in _NOT_OURS:
        (folder / name).unlink()
    (folder / "tests" / "test_model.py").write_text(_TEST, encoding="utf-8")
    shutil.rmtree(folder / "model")
    shutil.copytree(opened, folder / "model", ignore=shutil.ignore_patterns("report.json"))
    for old in (folder / "data").glob("*.csv"):
        old.unlink()
    shutil.copyfile(row.data, folder / "data" / "records.csv")
    with row.data.open(encoding="utf-8", newline="") as text:
        records = list(csv.DictReader(text))
    contract = {
        "rows": {"min": len(records) // 2},
        "target_share": {"min": 0.001, "max": 0.999},
        "max_duplicate_share": max(_DUPLICATES, _repeated(records)),
        "columns": [_column(name, records, row, found["features"]) for name in records[0]],
    }
    _write(
        folder / "data_contract.yaml", "What the records must be; made from those given.", contract
    )
    settings = {
        "trained_model": "model",
        "origin": {
            "trained_by": row.trained_by,
            "kind": found["kind"],
            "file": row.artifact.name,
            "artifact_sha256": digest,
        },
        "data": "data/records.csv",
        "target": row.target,
        "positive_class": row.positive_class,
        "decisions": {"positive": row.positive_class, "negative": f"not {row.positive_class}"},
        "features": [item["name"] for item in found["features"]],
        "facets": [],
        "split": {
            "seed": 1,
            "parts": [{"name": "reference", "share": 0.5}, {"name": "test", "share": 0.5}],
        },
    }
    _write(
        folder / "model.yaml", "What was trained elsewhere, and how it is judged here.", settings
    )


def digest_of(folder: Path) -> str:
    """Return the SHA-256 of the artifact that a project was filled with, or an empty text."""
    file = folder / "model.yaml"
    said = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return str((said.get("origin") or {}).get("artifact_sha256", ""))


def _column(
    name: str, records: list[dict[str, str]], row: Row, features: list[dict[str, Any]]
) -> dict[str, Any]:
    values = [record[name] for record in records]
    known = next((item for item in features if item["name"] == name), {})
    column: dict[str, Any] = {"name": name, "title": name.replace("_", " ")}
    if name != row.target and known.get("type", "number") == "number" and _are_numbers(values):
        numbers = [float(value) for value in values if value]
        column |= {"type": "number", "min": min(numbers), "max": max(numbers)}
    else:
        # A value that training never saw counts as missing for the model; the contract knows it.
        seen = sorted({value for value in values if value} - set(known.get("categories", ())))
        column |= {"type": "category", "values": [*known.get("categories", ()), *seen]}
    return column | ({"missing": True} if "" in values else {})


def _are_numbers(values: list[str]) -> bool:
    try:
        return bool([float(value) for value in values if value])
    except ValueError:
        return False


def _repeated(records: list[dict[str, str]]) -> float:
    return 1 - len({tuple(record.values()) for record in records}) / len(records)


def _write(file: Path, head: str, content: dict[str, Any]) -> None:
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=96)
    file.write_text(f"# {head}\n{text}", encoding="utf-8")
