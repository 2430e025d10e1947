"""The images hold what their programs need, in the versions that the repository is tested with."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlzone_tools.services.model import template

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "runtime" / "images"
TEMPLATES = ROOT / "pipeline_templates"

# Lets a process import the standard library, what a file lists, and folders of its own.
GUARD = """
import importlib.abc, importlib.metadata, json, os, sys
allowed = set(json.loads(os.environ['ALLOWED'])) | {'mlzone_runtime'}
known = {name for name in importlib.metadata.packages_distributions()}
class Guard(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition('.')[0]
        if top in known and top not in allowed:
            raise ModuleNotFoundError(f'{name} is not in the image', name=name)
        return None
sys.meta_path.insert(0, Guard())
"""


def pins(image: str) -> dict[str, str]:
    text = (IMAGES / image / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("==") for line in lines)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def modules(image: str) -> list[str]:
    """Return the top-level modules of an image's distributions."""
    inside = set(pins(image))
    return [
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if inside & {normal(owner) for owner in owners}
    ]


def run_inside(
    image: str, folder: Path, *arguments: str, cwd: Path
) -> subprocess.CompletedProcess[str]:
    """Run Python with nothing to import but what an image holds."""
    (folder / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={
            **os.environ,
            "ALLOWED": json.dumps(modules(image)),
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            # The plugins of this environment are not those of the image.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("image", ["analyzer", "build", "tabular"])
def test_its_packages_are_the_locked_ones(image: str) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name, version in pins(image).items():
        assert re.search(rf"^{re.escape(name)}=={re.escape(version)}( ;|$)", lock, re.MULTILINE), (
            name
        )


@pytest.mark.parametrize("image", ["analyzer", "build", "tabular"])
def test_it_is_built_from_what_the_repository_has(image: str) -> None:
    text = (IMAGES / image / "Dockerfile").read_text(encoding="utf-8")
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("COPY "):
            for source in line.split()[1:-1]:
                assert list(ROOT.glob(source)), source
    base = re.search(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert base is not None
    assert re.search(r":3\.11-[a-z-]+$", base[1])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "project"
    answers = {"business_unit": "retail", "team": "risk", "model": "credit-default"}
    template.render("tabular-realtime", answers, folder, templates=TEMPLATES)
    return folder


def test_the_build_image_can_test_and_write_a_project(project: Path, tmp_path: Path) -> None:
    done = run_inside("build", tmp_path, "-m", "pytest", str(project / "tests"), "-x", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_build_image_can_test_a_project_that_brings_an_image(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    answers = {"business_unit": "retail", "team": "risk", "model": "car-value"}
    template.render("custom-container", answers, folder, templates=TEMPLATES)
    chosen = ("tests/test_image.py", "tests/test_gate.py", "tests/test_server.py")
    done = run_inside("build", tmp_path, "-m", "pytest", "-x", *chosen, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tabular_image_holds_what_a_projects_own_image_starts(tmp_path: Path) -> None:
    steps = TEMPLATES / "custom-container" / "steps"
    script = (
        f"import sys; sys.path[:0] = ['{steps}', '{TEMPLATES / 'common' / 'steps'}'];"
        "import main, prepare, train, evaluate, serve, skl2onnx, onnxruntime"
    )
    done = run_inside("tabular", tmp_path, "-c", script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_build_image_can_deploy_a_release(tmp_path: Path) -> None:
    done = run_inside("build", tmp_path, "-m", "mlzone_runtime.release", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_tabular_image_can_serve_and_train(project: Path, tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import mlzone_runtime.serving;"
        "import pandas, sklearn.metrics; import prepare, train, evaluate"
    )
    done = run_inside("tabular", tmp_path, "-c", script, str(project / "steps"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_what_an_image_lacks_cannot_be_imported(tmp_path: Path) -> None:
    done = run_inside("tabular", tmp_path, "-c", "import boto3", cwd=tmp_path)
    assert "boto3 is not in the image" in done.stderr
