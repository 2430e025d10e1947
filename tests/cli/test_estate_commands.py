"""`mlzone validate` and `mlzone schema`: exit codes, JSON, and what goes where."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def mlzone(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("mlzone")
    return subprocess.run(
        [program, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_a_valid_estate_is_counted():
    result = mlzone("validate")

    assert result.returncode == 0
    assert result.stdout.startswith("valid: 3 business units, 8 teams")
    assert result.stderr == ""


def test_a_valid_estate_as_json(documented: Callable[..., Any]):
    result = mlzone("validate", "--json")

    content = documented(result.stdout, "validate")
    assert content["valid"] is True
    assert content["models"] == 10
    assert content["problems"] == []


def test_an_invalid_estate_exits_with_2_and_names_the_place(tmp_path: Path):
    (tmp_path / "estate.yaml").write_text("organization: {name: 1}\nbusiness_units: []\n")

    result = mlzone("validate", "--estate", "estate.yaml", cwd=tmp_path)

    assert result.returncode == 2
    assert "estate.yaml:1:22  organization.name  got 1; expected text, in quotes" in result.stdout
    assert list(tmp_path.iterdir()) == [tmp_path / "estate.yaml"]


def test_problems_as_json_have_their_place(tmp_path: Path, documented: Callable[..., Any]):
    (tmp_path / "estate.yaml").write_text("hello\n")

    result = mlzone("validate", "--estate", "estate.yaml", "--json", cwd=tmp_path)

    problem = documented(result.stdout, "validate")["problems"][0]
    assert problem["place"] == {"file": "estate.yaml", "line": 1, "column": 1}


def test_a_missing_estate_is_an_error_with_a_hint(tmp_path: Path):
    result = mlzone("validate", cwd=tmp_path)

    assert result.returncode == 2
    assert "there is no estate at organization" in result.stderr
    assert "hint:" in result.stderr


def test_a_schema_is_printed():
    result = mlzone("schema", "business-unit")

    assert json.loads(result.stdout)["title"] == "BusinessUnit"


def test_an_unknown_command_is_a_usage_error():
    result = mlzone("frobnicate")

    assert result.returncode == 2
    assert "No such command" in result.stderr


def test_help_shows_an_example():
    assert "Example:" in mlzone("validate", "--help").stdout
