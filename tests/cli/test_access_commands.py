"""`mlzone access`, as a person at the terminal and as a program sees it."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from mlzone_tools.cli.main import cli

ROOT = Path(__file__).parents[2]
MINIMAL = str(ROOT / "organization" / "samples" / "minimal.yaml")


def access(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["access", *arguments])


def test_every_theorem_of_a_sample_is_proved(documented: Callable[..., Any]):
    result = access("prove", "--estate", MINIMAL, "--json")

    assert result.exit_code == 0, result.output
    report = documented(result.stdout, "access", "prove")
    assert {theorem["status"] for theorem in report["theorems"]} == {"proved"}


def test_without_a_guardrail_the_counterexample_is_shown_and_the_command_fails():
    result = access("prove", "--estate", MINIMAL, "--without", "AuthorsDoNotApprove")

    assert result.exit_code == 3
    assert "refuted   authors-do-not-approve" in result.stdout
    assert "could sagemaker:UpdateModelPackage" in result.stdout
    assert "allowed by Everything of any policy" in result.stdout


def test_a_change_of_the_estate_is_shown_against_its_revision(
    tmp_path: Path, documented: Callable[..., Any]
):
    shutil.copy(MINIMAL, tmp_path / "estate.yaml")
    shutil.copytree(Path(MINIMAL).parent / "identity", tmp_path / "identity")
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=n@e", "commit", "-qm", "as it was"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    estate = tmp_path / "estate.yaml"
    unchanged = access("diff", "--base", "HEAD", "--estate", str(estate))
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace("[ana.souza]}", "[ana.souza, new.person]}"), encoding="utf-8")

    result = access("diff", "--base", "HEAD", "--estate", str(estate), "--json")

    assert unchanged.exit_code == 0
    assert result.exit_code == 1
    found = documented(result.stdout, "access", "diff")
    assert {change["subject"] for change in found["gained"]} == {"new.person"}
    assert json.loads(result.stdout)["lost"] == []


def test_an_unknown_revision_is_bad_input():
    result = access("diff", "--base", "no-such-revision")

    assert result.exit_code != 0
    assert "no such revision" in str(result.exception)
