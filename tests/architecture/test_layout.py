"""Folders are layers: one uniquely named package in each source root, and nothing that shadows."""

import subprocess
import sys
import tomllib
from pathlib import Path

import constructs
import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = {
    "access": "mlzone_access",
    "infra": "mlzone",
    "constructs": "mlzone_constructs",
    "stacks": "mlzone_stacks",
    "runtime": "mlzone_runtime",
    "local_cloud": "mlzone_cloud",
    "tooling": "mlzone_tools",
}


@pytest.mark.parametrize("folder", SOURCE_ROOTS)
def test_a_source_root_is_no_package_itself(folder: str):
    assert not (ROOT / folder / "__init__.py").exists()


@pytest.mark.parametrize(("folder", "package"), SOURCE_ROOTS.items())
def test_a_source_root_holds_exactly_one_package(folder: str, package: str):
    packages = [path.parent.name for path in (ROOT / folder).glob("*/__init__.py")]

    assert packages == [package]
    assert (ROOT / folder / package / "py.typed").exists()


def test_the_package_constructs_is_the_one_from_the_registry():
    assert ROOT / ".venv" in Path(constructs.__file__).parents or not Path(
        constructs.__file__
    ).is_relative_to(ROOT)


def test_the_cdk_runs_the_app_without_the_root_on_its_path():
    assert '"app": "python -P app.py"' in (ROOT / "cdk.json").read_text(encoding="utf-8")


def test_the_app_is_short():
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) < 30


def test_imports_only_point_down():
    program = Path(sys.executable).with_name("lint-imports")

    result = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout


def test_every_dependency_of_the_project_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8").lower()

    for requirement in project["dependencies"]:
        name = requirement.split(">")[0].split("[")[0]
        assert f"\n{name.lower()}==" in pinned or f"\n{name.lower()}[" in pinned, name


def test_no_module_is_a_god_file():
    long = {
        str(path.relative_to(ROOT)): count
        for folder, package in SOURCE_ROOTS.items()
        for path in (ROOT / folder / package).rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 520
    }

    assert long == {}
