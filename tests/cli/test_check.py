"""`mlzone check` over templates that are there already: every format, and what it exits with."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result

from mlzone.errors import ConfigError
from mlzone_tools.cli.main import cli

SOUND = {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}}
FAULTY = {
    "User": {"Type": "AWS::IAM::User"},
    "Key": {
        "Type": "AWS::KMS::Key",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {"EnableKeyRotation": True, "Tags": []},
    },
}


@pytest.fixture
def template(tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    def write(resources: dict[str, Any]) -> str:
        path = tmp_path / "theirs.json"
        path.write_text(json.dumps({"Resources": resources}), encoding="utf-8")
        return str(path)

    return write


def check(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["check", *arguments])


def test_a_sound_template_passes(template):
    result = check(template(SOUND))

    assert result.exit_code == 0, result.output
    assert result.output.startswith("0 open findings, 0 waived, 2 held, in 1 stacks with 1 resour")


def test_every_finding_is_named_with_its_place(template):
    result = check(template(FAULTY))

    assert result.exit_code == 3
    assert re.search(r"fail +MLZ-IDENTITY-002 +theirs/User", result.output)
    assert re.search(r"fail +MLZ-OPERATION-003 +theirs/Key", result.output)
    assert result.output.splitlines()[-2].startswith("2 open findings")


def test_json_is_as_documented_and_holds_what_holds_if_asked(
    template, documented: Callable[..., Any]
):
    path = template(FAULTY)

    some = documented(check(path, "--json").output, "check")
    every = documented(check(path, "--json", "--all").output, "check")

    assert {answer["verdict"] for answer in some["answers"]} == {"fail"}
    held = [item["rule"] for item in every["answers"] if item["verdict"] == "pass"]
    assert "MLZ-ENCRYPTION-007" in held
    assert every["counts"] == some["counts"]
    assert sum(every["counts"].values()) == len(every["answers"])


def test_sarif_has_every_rule_with_its_help_and_every_answer(template, tmp_path: Path):
    out = tmp_path / "check.sarif"

    result = check(template(FAULTY), "--format", "sarif", "--out", str(out))

    assert result.exit_code == 3
    log = json.loads(out.read_text("utf-8"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    listed = run["tool"]["driver"]["rules"]
    for item in run["results"]:
        assert listed[item["ruleIndex"]]["id"] == item["ruleId"]
        assert (item["level"] == "none") == (item["kind"] != "fail")
        assert item["message"]["text"]
    (user,) = (item for item in run["results"] if item["ruleId"] == "MLZ-IDENTITY-002")
    assert user["kind"] == "fail"
    assert user["level"] == "error"
    place = user["locations"][0]
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "theirs/User"
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "theirs.json"
    assert "Anti-pattern" in listed[user["ruleIndex"]]["fullDescription"]["text"]


def test_junit_counts_as_it_lists(template):
    result = check(template(FAULTY), "--format", "junit")

    root = ET.fromstring(result.stdout)  # noqa: S314 - our own
    assert root.get("failures") == "2"
    cases = root.findall("testsuite/testcase")
    assert root.get("tests") == str(len(cases))
    failed = {case.get("classname") for case in cases if case.find("failure") is not None}
    assert failed == {"MLZ-IDENTITY-002", "MLZ-OPERATION-003"}


def test_waivers_of_the_estate_hold_for_templates_that_are_there(
    template, estate_with_waiver: Callable[[str, str], Path]
):
    estate = estate_with_waiver("MLZ-OPERATION-003", "theirs/Key")

    result = check(template(FAULTY), "--estate", str(estate), "--format", "sarif")

    (run,) = json.loads(result.output)["runs"]
    waived = [item for item in run["results"] if item.get("suppressions")]
    assert [item["ruleId"] for item in waived] == ["MLZ-OPERATION-003"]
    assert "SEC-7" in waived[0]["suppressions"][0]["justification"]


@pytest.fixture
def estate_with_waiver(tmp_path: Path) -> Callable[[str, str], Path]:
    sample = Path(__file__).parents[2] / "organization" / "samples"

    def write(rule: str, resource: str) -> Path:
        folder = tmp_path / "estate"
        (folder / "identity").mkdir(parents=True)
        metadata = "identity/saml-metadata.xml"
        (folder / metadata).write_bytes((sample / metadata).read_bytes())
        text = (sample / "minimal.yaml").read_text("utf-8")
        person = text.split("approvers: [")[1].split("]")[0].split(",")[0].strip()
        waiver = (
            f"waivers:\n- rule: {rule}\n  resource: {resource}\n"
            f"  reason: nobody pays for this key, it is a trial\n  owner: {person}\n"
            "  ticket: SEC-7\n  granted: 2026-01-01\n  expires: 2031-01-01\n"
        )
        (folder / "estate.yaml").write_text(f"{text}\n{waiver}", encoding="utf-8")
        return folder / "estate.yaml"

    return write


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Resources: [", "cannot be parsed"),
        ("Parameters: {}", "is no CloudFormation template: it has no Resources"),
    ],
)
def test_what_is_no_template_is_bad_input(tmp_path: Path, content: str, said: str):
    path = tmp_path / "broken.yaml"
    path.write_text(content, encoding="utf-8")

    refused(str(path), said)


def test_a_path_that_is_not_there_is_bad_input(tmp_path: Path):
    refused(str(tmp_path / "gone"), "cannot be read")


def refused(path: str, said: str) -> None:
    error = check(path).exception

    assert isinstance(error, ConfigError)
    assert error.exit_code == 2
    assert said in str(error)
