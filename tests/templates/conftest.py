"""A project rendered from the template as a data scientist gets it, and one run of its steps."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlzone_tools.services.model import template

TEMPLATES = Path(__file__).parents[2] / "pipeline_templates"
ANSWERS = {
    "business_unit": "retail-banking",
    "team": "credit-risk",
    "model": "credit-default",
    "title": "Probability of default",
    "purpose": "Supports the credit decision",
    "owner": "helena.prado",
}
DIGEST = "sha256:" + "a" * 64


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the steps of a project made of its data."""

    code: Path
    prepared: Path
    model: Path
    """A folder with `model.tar.gz`, as SageMaker packs it."""
    evaluation: Path


def render(folder: Path, name: str = "tabular-realtime") -> Path:
    template.render(name, ANSWERS, folder, templates=TEMPLATES)
    return folder


def python(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def run_step(
    code: Path, name: str, arguments: Sequence[str | Path]
) -> subprocess.CompletedProcess[str]:
    """Run a step as a job does, with a folder of its own in place of /opt/ml."""
    base = code.parent / "opt-ml"
    (base / "output").mkdir(parents=True, exist_ok=True)
    return python(code / f"{name}.py", *arguments, cwd=base, SAGEMAKER_BASE_DIR=str(base))


def pack(folder: Path, target: Path) -> Path:
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target / "model.tar.gz", "w:gz") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)
    return target


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("template") / "project")


@pytest.fixture
def delivery(project: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(
        (project / "tests" / "delivery.json").read_text(encoding="utf-8")
    )
    return loaded


@pytest.fixture(scope="session")
def code(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the jobs get as their channel `code`."""
    folder = tmp_path_factory.mktemp("jobs") / "code"
    script = (
        "import json, pathlib, sys; from delivery import bundle;"
        "given = json.loads(pathlib.Path('tests/delivery.json').read_text());"
        "bundle.code(given).write(pathlib.Path(sys.argv[1]))"
    )
    done = python("-c", script, folder, cwd=project)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def trained(project: Path, code: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("trained")
    result = Trained(
        code=code,
        prepared=root / "prepared",
        model=root / "packed",
        evaluation=root / "evaluation",
    )
    prepared = result.prepared
    steps: list[tuple[str, list[str | Path]]] = [
        ("prepare", ["--data", project / "data", "--output", prepared]),
        (
            "train",
            [
                *("--train", prepared / "train"),
                *("--validation", prepared / "validation"),
                *("--model-dir", root / "model"),
            ],
        ),
        (
            "evaluate",
            [
                *("--model", result.model),
                *("--test", prepared / "test"),
                *("--output", result.evaluation),
            ],
        ),
    ]
    for name, arguments in steps:
        if name == "evaluate":
            pack(root / "model", result.model)
        done = run_step(code, name, arguments)
        assert done.returncode == 0, done.stderr
    return result
