"""What the tests share: a delivery parameter, and how a step is run."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from delivery import bundle, compiling, harden, parameter

HERE = Path(__file__).parent


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
        delivery=delivery,
        images=images,
        code=bundle.code(delivery),
        data=bundle.data(),
        model=bundle.model(),
    )


@pytest.fixture(scope="session")
def authored(sources: compiling.Sources) -> dict[str, Any]:
    """Return the definition as the SDK writes it."""
    return compiling.author(sources)


@pytest.fixture(scope="session")
def hardened(authored: dict[str, Any], delivery: dict[str, Any]) -> dict[str, Any]:
    """Return the definition as the platform runs it."""
    return harden.harden(authored, delivery)


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


def pack(folder: Path, target: Path) -> Path:
    """Pack a model's files as SageMaker does; return the folder with the archive."""
    target.mkdir(parents=True)
    with tarfile.open(target / "model.tar.gz", "w:gz") as archive:
        for file in folder.iterdir():
            archive.add(file, file.name)
    return target


def read(folder: Path, name: str) -> dict[str, Any]:
    """Return a document that a step wrote."""
    loaded: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return loaded
