"""A new project works as it comes: its tests pass, its definition is always the same, offline."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from .conftest import ANSWERS, DIGEST, TEMPLATES, python, render

COMPILE = """
import json, pathlib, sys
from delivery import bundle, compiling
given = json.loads(pathlib.Path('tests/delivery.json').read_text())
images = {k: v.replace(':1.0.0', sys.argv[2]) for k, v in given['images'].items()}
sources = compiling.Sources(
    delivery=given, images=images, code=bundle.code(given), data=bundle.data(),
    model=bundle.model(),
)
pathlib.Path(sys.argv[1]).write_text(compiling.definition(sources))
"""
NO_NETWORK = """
import socket
def refuse(*arguments, **options):
    raise RuntimeError(f'a socket to {arguments[:2]}')
socket.socket.connect = refuse
socket.getaddrinfo = refuse
"""


def compiled(project: Path, target: Path, **variables: str) -> str:
    done = python("-c", COMPILE, target, f"@{DIGEST}", cwd=project, **variables)
    assert done.returncode == 0, done.stderr
    return target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["custom-container", "forecast", "register-only", "tabular-batch", "tabular-realtime"]
)
def test_its_own_tests_pass_standing_alone(name: str, tmp_path: Path) -> None:
    for part in ("organization", "pipeline_templates"):
        (tmp_path / part).symlink_to(TEMPLATES.with_name(part))
    done = subprocess.run(
        ["sh", "-c", f"mlzone model new x --template {name} && cd x && make test"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
    assert "{{" not in (tmp_path / "x" / "README.md").read_text(encoding="utf-8")


def test_the_buildspecs_run_what_the_project_has(project: Path) -> None:
    test = yaml.safe_load((project / "buildspec-test.yml").read_text(encoding="utf-8"))
    train = yaml.safe_load((project / "buildspec-train.yml").read_text(encoding="utf-8"))
    assert test["phases"]["build"]["commands"] == ["python -m pytest tests"]
    assert train["phases"]["build"]["commands"] == ["python -m delivery.build"]
    assert (project / "delivery" / "build.py").is_file()


def test_it_names_its_model_and_leaves_the_templates_own_files_out(project: Path) -> None:
    readme = (project / "README.md").read_text(encoding="utf-8")
    assert f"# {ANSWERS['title']}" in readme
    assert ANSWERS["model"] in readme
    assert "{{" not in readme
    assert not (project / "source").exists()
    assert not (project / "copier.yml").exists()


def test_the_same_sources_give_the_same_definition_without_a_call(
    project: Path, tmp_path: Path
) -> None:
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    again = render(tmp_path / "again")
    first = compiled(project, tmp_path / "1.json", PYTHONPATH=str(guard))
    second = compiled(again, tmp_path / "2.json", PYTHONPATH=str(guard), PYTHONHASHSEED="7")
    assert first == second
    assert len(first.encode()) < 100_000


def test_another_source_gives_another_place_of_the_code(project: Path, tmp_path: Path) -> None:
    changed = render(tmp_path / "changed")
    settings = changed / "model.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("max_depth: 3", "max_depth: 4"), encoding="utf-8")
    before, after = (
        code_uri(json.loads(compiled(folder, tmp_path / "definition.json")))
        for folder in (project, changed)
    )
    assert before != after


def code_uri(document: dict[str, Any]) -> str:
    inputs = document["Steps"][0]["Arguments"]["ProcessingInputs"]
    return str(next(item["S3Input"]["S3Uri"] for item in inputs if item["InputName"] == "code"))


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("model.yaml", "  - savings\n", "  - saving\n", "the contract lacks: saving"),
        ("model.yaml", "  - savings\n", "  - outcome\n", "outcome is among the features"),
        ("model.yaml", "positive_class: default", "positive_class: bad", "bad is no value"),
        ("model.yaml", "target: outcome", "target: [", "model.yaml: "),
    ],
)
def test_settings_that_do_not_fit_stop_the_build(
    tmp_path: Path, file: str, old: str, new: str, problem: str
) -> None:
    project = render(tmp_path / "project")
    text = (project / file).read_text(encoding="utf-8")
    assert old in text
    (project / file).write_text(text.replace(old, new), encoding="utf-8")
    done = python("-c", COMPILE, tmp_path / "definition.json", f"@{DIGEST}", cwd=project)
    assert done.returncode != 0
    assert problem in done.stderr


def test_the_example_of_the_delivery_parameter_is_valid(delivery: dict[str, Any]) -> None:
    schema = json.loads((TEMPLATES / "common" / "delivery.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(delivery, schema)
