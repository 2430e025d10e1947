"""`mlzone init`, `mlzone synth` and `mlzone check`."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def mlzone(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("mlzone")
    return subprocess.run(
        [program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def init(folder: Path, prefix: str) -> subprocess.CompletedProcess[str]:
    return mlzone(
        "init", str(folder), "--name", "My Bank", "--prefix", prefix, "--domain", "bank.example"
    )


def test_a_new_estate_is_valid(tmp_path: Path):
    assert init(tmp_path / "estate", "mybank").returncode == 0

    result = mlzone("validate", "--estate", str(tmp_path / "estate"))
    assert result.returncode == 0, result.stdout


def test_a_new_estate_never_overwrites(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("precious")

    result = init(tmp_path, "mybank")

    assert result.returncode == 2
    assert "is not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_new_estate_with_a_bad_name_leaves_nothing(tmp_path: Path):
    result = init(tmp_path / "estate", "my-bank")

    assert result.returncode == 2
    assert "use 2 to 8 lower-case letters" in result.stderr
    assert not (tmp_path / "estate").exists()


def test_a_selection_is_synthesized_and_counted(tmp_path: Path, documented: Callable[..., Any]):
    result = mlzone("synth", "-u", "insurance", "-e", "dev", "-o", str(tmp_path), "--json")

    assert result.returncode == 0, result.stderr
    content = documented(result.stdout, "synth")
    assert "aur-insurance-dev-team-claims" in content["stacks"]
    assert content["findings"] == []
    assert (tmp_path / "manifest.json").exists()


def test_an_unknown_unit_lists_those_that_exist(tmp_path: Path):
    result = mlzone("synth", "-u", "retial", "-o", str(tmp_path))

    assert result.returncode == 2
    assert 'no business unit "retial" in the estate' in result.stderr


def test_the_example_estate_has_no_open_finding(documented: Callable[..., Any]):
    result = mlzone("check", "-u", "insurance", "--json")

    assert result.returncode == 0, result.stdout
    content = documented(result.stdout, "check")
    assert content["answers"] == []
    assert content["counts"]["waived"] > 0
    assert content["counts"]["pass"] > 1000


def test_a_finding_is_shown_and_fails(tmp_path: Path):
    copy = tmp_path / "organization"
    subprocess.run(["cp", "-r", str(ROOT / "organization"), str(copy)], check=True)
    (copy / "waivers.yaml").write_text("waivers: []\n")

    result = mlzone("check", "-u", "insurance", "--estate", str(copy))

    assert result.returncode == 3
    assert "AwsSolutions-IAM5" in result.stdout
