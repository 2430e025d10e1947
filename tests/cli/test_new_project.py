"""`mlzone model new`: which template a project comes from, and what is refused."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DECLARED = "retail-banking/credit-default"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example estate and the templates."""
    for part in ("organization", "pipeline_templates"):
        (tmp_path / part).symlink_to(ROOT / part)
    return tmp_path


def new(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("mlzone")
    return subprocess.run(
        [program, "model", "new", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_declared_model_starts_from_the_template_that_the_estate_says(folder: Path):
    done = new(folder, DECLARED)

    assert done.returncode == 0, done.stderr
    assert "then: mlzone model submit" in done.stdout
    assert "xgboost" in (folder / "credit-default" / "steps" / "train.py").read_text("utf-8")


def test_a_template_can_be_tried_before_the_model_is_declared(
    folder: Path, documented: Callable[..., Any]
):
    done = new(folder, "retail-banking/attrition", "tried", "--template", "forecast", "--json")

    made = documented(done.stdout, "model", "new")
    assert made["folder"] == "tried"
    readme = (folder / "tried" / "README.md").read_text("utf-8")
    assert "Model `attrition` of retail-banking, which the estate does not declare yet." in readme
    assert "`mlzone model update retail-banking/attrition .`" in readme


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([DECLARED, "--template", "forecast"], "starts from the template tabular-realtime, says"),
        (["attrition"], 'model "attrition" is not in the estate'),
        (["Attrition!", "--template", "forecast"], '"Attrition!" is no name for a model'),
        (["nowhere/attrition", "--template", "forecast"], "nowhere"),
        (
            ["attrition", "--template", "magic"],
            "'magic' is not one of 'custom-container', 'forecast'",
        ),
        (["attrition", "organization", "--template", "forecast"], "organization is not empty"),
    ],
)
def test_what_cannot_be_made_leaves_nothing(folder: Path, arguments: list[str], problem: str):
    before = sorted(folder.rglob("*"))

    done = new(folder, *arguments)

    assert done.returncode == 2
    assert problem in done.stderr
    assert sorted(folder.rglob("*")) == before
