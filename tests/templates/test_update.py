"""A project follows its template: what the template changes comes, what people changed stays."""

import shutil
import subprocess
from pathlib import Path

import pytest

from mlzone.errors import ConfigError
from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone_tools.services.model import project, rendering

from .conftest import TEMPLATES

ROOT = Path(__file__).parents[2]
MODEL = "retail-banking/credit-default"
COMMON, OWN = "pipeline_templates/common", "pipeline_templates/tabular-realtime"


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(ROOT / "organization")


@pytest.fixture
def folder(estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project, in a folder whose templates can be changed."""
    shutil.copytree(TEMPLATES, tmp_path / "pipeline_templates")
    monkeypatch.chdir(tmp_path)
    return project.create(estate, MODEL, tmp_path / "project")


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=ana", "-c", "user.email=ana@bank.example")
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def save(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=mine")


def test_a_new_project_begins_with_what_the_template_rendered(folder: Path) -> None:
    assert git(folder, "status", "--porcelain") == ""
    assert "Template: tabular-realtime@" in git(folder, "log", "--format=%B")


def test_a_project_that_was_begun_before_its_model_is_declared_hears_of_its_team(
    estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    nothing_declared = load_estate(ROOT / "organization" / "samples" / "minimal.yaml")
    folder = project.create(
        nothing_declared, "credit-default", tmp_path / "tried", "tabular-realtime"
    )
    readme = folder / "README.md"
    assert "which the estate does not declare yet" in readme.read_text(encoding="utf-8")

    done = rendering.update(estate, MODEL, folder)

    assert (done.changed, done.conflicts) == (("README.md",), ())
    told = readme.read_text(encoding="utf-8")
    assert "Model `credit-default` of retail-banking, team credit-risk." in told


def test_an_update_brings_what_the_template_changed_and_keeps_what_people_changed(
    folder: Path, estate: Estate, tmp_path: Path
) -> None:
    change(folder / "model.yaml", "max_depth: 3", "max_depth: 4")
    save(folder)
    change(tmp_path / OWN / "model.yaml", "facets:\n", "# Compared with everybody else.\nfacets:\n")
    (tmp_path / COMMON / "steps" / "new.py").write_text('"""New."""\n', encoding="utf-8")

    done = rendering.update(estate, MODEL, folder)

    assert set(done.changed) == {"model.yaml", "steps/new.py"}
    assert done.conflicts == ()
    text = (folder / "model.yaml").read_text(encoding="utf-8")
    assert "max_depth: 4" in text
    assert "# Compared with everybody else." in text
    assert (folder / "steps" / "new.py").is_file()
    assert git(folder, "status", "--porcelain") == ""


def test_a_clone_can_be_updated_again_and_again(
    folder: Path, estate: Estate, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / COMMON / "steps" / f"{name}.py").write_text("# new\n", encoding="utf-8")
        done = rendering.update(estate, MODEL, folder)
        assert done.changed == (f"steps/{name}.py",)
        clone = tmp_path / f"clone-{name}"
        git(tmp_path, "clone", "--quiet", str(folder), str(clone))
        folder = clone
    assert rendering.update(estate, MODEL, folder).changed == ()


def test_what_both_changed_is_marked_and_cannot_be_submitted(
    folder: Path, estate: Estate, tmp_path: Path
) -> None:
    change(folder / "model.yaml", "max_depth: 3", "max_depth: 4")
    save(folder)
    change(tmp_path / OWN / "model.yaml", "max_depth: 3", "max_depth: 5")

    done = rendering.update(estate, MODEL, folder)

    assert done.conflicts == ("model.yaml",)
    with pytest.raises(ConfigError, match=r"not merged yet in model\.yaml"):
        # No session is needed: it is refused before anything is asked.
        project.submit(None, estate, MODEL, folder, person="ana.souza", message="x")  # type: ignore[arg-type]

    (folder / "model.yaml").write_text("settled: true\n", encoding="utf-8")
    save(folder)
    assert rendering.conflicts(folder) == ()
    assert rendering.update(estate, MODEL, folder).changed == ()


def test_changes_that_are_not_committed_are_not_risked(folder: Path, estate: Estate) -> None:
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="changes that are not committed"):
        rendering.update(estate, MODEL, folder)


def test_a_project_of_unknown_origin_is_left_alone(estate: Estate, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    save(tmp_path)
    with pytest.raises(ConfigError, match="does not say which template"):
        rendering.update(estate, MODEL, tmp_path)
