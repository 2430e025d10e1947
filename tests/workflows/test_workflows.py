"""The jobs of GitHub and GitLab: valid, without credentials, without logic of their own."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from tests.architecture.test_documents import problem

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "schema"
GITHUB = ROOT / ".github" / "workflows" / "pull-request.yml"
GITLAB = ROOT / ".gitlab-ci.yml"
_NO_JOBS = ("workflow", "default")


def read(path: Path) -> Any:
    # YAML 1.1 takes the key `on` for a truth value; the schema knows it as a text.
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in content.items()}


def jobs() -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Yield each job with what it runs."""
    for name, job in read(GITHUB)["jobs"].items():
        yield name, job, [step["run"] for step in job["steps"] if "run" in step]
    content = read(GITLAB)
    for name, job in content.items():
        if name not in _NO_JOBS:
            yield name, job, [*content["default"]["before_script"], *job["script"]]


@pytest.mark.parametrize(
    ("path", "schema"),
    [(GITHUB, "github-workflow.json"), (GITLAB, "gitlab-ci.json")],
    ids=["github", "gitlab"],
)
def test_they_are_valid(path: Path, schema: str):
    validator = Draft7Validator(json.loads((SCHEMAS / schema).read_text(encoding="utf-8")))

    assert [item.message for item in validator.iter_errors(read(path))] == []


def test_the_schema_notices_a_mistake():
    validator = Draft7Validator(json.loads((SCHEMAS / "github-workflow.json").read_text("utf-8")))
    content = read(GITHUB)
    content["jobs"]["plan"]["runs-ons"] = content["jobs"]["plan"].pop("runs-on")

    assert list(validator.iter_errors(content))


def test_every_step_is_one_command_that_exists():
    for name, _, steps in jobs():
        for line in steps:
            assert not re.search(r"[|;\n]|&&|\bif\b", line), (name, line)
            program, *words = shlex.split(line)
            if program == ".venv/bin/mlzone":
                assert problem(words) is None, (name, line)
            else:
                assert line in ("make setup", ".ci/run"), (name, line)


def test_DEP_01_a_job_named_plan_never_applies():
    plans = [steps for name, _, steps in jobs() if name == "plan"]

    assert len(plans) == 2
    for steps in plans:
        assert not [line for line in steps if "deploy" in line or "destroy" in line]


def test_no_job_has_credentials_of_AWS():
    for path in (GITHUB, GITLAB):
        text = path.read_text(encoding="utf-8")
        assert "id-token" not in text
        assert "AWS_" not in text
        assert "role-to-assume" not in text


def test_jobs_may_write_only_what_they_must():
    content = read(GITHUB)
    rights = {name: job.get("permissions", {}) for name, job in content["jobs"].items()}

    assert content["permissions"] == {"contents": "read"}
    assert {
        name: [right for right, how in given.items() if how == "write"]
        for name, given in rights.items()
        if "write" in given.values()
    } == {"check": ["security-events"], "plan": ["pull-requests"]}


def test_actions_of_others_are_pinned_to_a_commit():
    for job in read(GITHUB)["jobs"].values():
        for step in job["steps"]:
            if "uses" in step:
                assert re.search(r"@[0-9a-f]{40}$", step["uses"]), step
