"""What the tests share: a delivery parameter, and one run of all steps on the project's data."""

import json
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from delivery import bundle, compiling, parameter

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Run:
    """The folders that the steps wrote."""

    prepared: Path
    model: Path
    evaluation: Path

    def document(self, name: str) -> dict[str, Any]:
        """Return a document of the evaluation."""
        loaded: dict[str, Any] = json.loads((self.evaluation / name).read_text(encoding="utf-8"))
        return loaded


@pytest.fixture(scope="session")
def delivery() -> dict[str, Any]:
    """Return an example of what the platform tells the build."""
    return parameter.parse((HERE / "delivery.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def sources(delivery: dict[str, Any]) -> compiling.Sources:
    """Return what the definition is made from."""
    images = {
        purpose: uri.replace(":1.0.0", "@sha256:" + "a" * 64)
        for purpose, uri in delivery["images"].items()
    }
    return compiling.Sources(
        delivery=delivery, images=images, code=bundle.code(delivery), data=bundle.data()
    )


@pytest.fixture(scope="session")
def run(sources: compiling.Sources, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run all steps as the jobs do: one process each, code and data in folders."""
    root = tmp_path_factory.mktemp("run")
    code, data = root / "code", root / "data"
    sources.code.write(code)
    sources.data.write(data)
    result = Run(prepared=root / "prepared", model=root / "model", evaluation=root / "evaluation")
    execute(code, "prepare", "--data", data, "--output", result.prepared)
    execute(
        code,
        "train",
        *("--train", result.prepared / "train"),
        *("--validation", result.prepared / "validation"),
        *("--model-dir", result.model),
    )
    packed = root / "packed"
    packed.mkdir()
    with tarfile.open(packed / "model.tar.gz", "w:gz") as archive:
        for file in result.model.iterdir():
            archive.add(file, file.name)
    execute(
        code,
        "evaluate",
        *("--model", packed),
        *("--test", result.prepared / "test"),
        *("--output", result.evaluation),
    )
    return result


def execute(code: Path, step: str, *arguments: object) -> str:
    """Run a step; return its standard error. It must succeed."""
    done = subprocess.run(
        [sys.executable, str(code / f"{step}.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
