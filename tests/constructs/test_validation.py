"""What fails a synthesis: AWS's quotas, and waivers that waive nothing."""

import json
from pathlib import Path

import pytest

from mlzone.waiving import matches
from mlzone_constructs.validation import QuotaChecks, RuleChecks


class Context:
    """What the CDK hands to a plugin."""

    def __init__(self, *paths: Path) -> None:
        self.template_paths = [str(path) for path in paths]


def check(tmp_path: Path, template: dict) -> list[str]:
    path = tmp_path / "stack.template.json"
    path.write_text(json.dumps(template), encoding="utf-8")
    report = QuotaChecks().validate(Context(path))
    assert report.success == (not report.violations)
    return [f"{item.rule_name}: {item.description}" for item in report.violations or ()]


def policy(statements: int) -> dict:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}
    return {"Version": "2012-10-17", "Statement": [statement] * statements}


def test_a_small_template_passes(tmp_path: Path):
    assert check(tmp_path, {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}) == []


def test_too_many_resources_fail(tmp_path: Path):
    resources = {f"Topic{index}": {"Type": "AWS::SNS::Topic"} for index in range(451)}

    assert check(tmp_path, {"Resources": resources}) == [
        "MLZ-QUOTA-001: 451 resources; at most 450"
    ]


def test_a_template_that_is_too_long_fails(tmp_path: Path):
    template = {"Description": "x" * 900_001, "Resources": {}}

    assert check(tmp_path, template)[0].startswith("MLZ-QUOTA-002")


def test_too_many_dynamic_references_fail(tmp_path: Path):
    template = {"Resources": {}, "Metadata": ["{{resolve:ssm:/a}}"] * 61}

    assert check(tmp_path, template) == ["MLZ-QUOTA-003: 61 dynamic references; at most 60"]


@pytest.mark.parametrize(
    ("kind", "key", "statements"),
    [
        ("AWS::IAM::ManagedPolicy", "PolicyDocument", 90),
        ("AWS::IAM::Policy", "PolicyDocument", 150),
        ("AWS::IAM::Role", "AssumeRolePolicyDocument", 40),
    ],
)
def test_a_policy_that_is_too_long_fails(tmp_path: Path, kind: str, key: str, statements: int):
    resources = {"Long": {"Type": kind, "Properties": {key: policy(statements)}}}

    assert check(tmp_path, {"Resources": resources})[0].startswith("MLZ-QUOTA-004")


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("aur-*/Logs/**", "aur-platform/Logs/Resource", True),
        ("aur-*/Logs/*", "aur-platform/Logs/Resource/Policy", False),
        ("**/Auditor/**", "aur-x/Auditor/Resource/DefaultPolicy/Resource", True),
        ("aur-platform", "aur-platform/Logs", False),
        ("a.b", "axb", False),
    ],
)
def test_a_waiver_names_paths_by_pattern(pattern: str, path: str, expected: bool):
    assert matches(pattern, path) is expected


def test_a_finding_of_a_rule_fails_the_synthesis(tmp_path: Path):
    path = tmp_path / "stack.template.json"
    path.write_text(json.dumps({"Resources": {"User": {"Type": "AWS::IAM::User"}}}), "utf-8")

    report = RuleChecks().validate(Context(path))

    assert not report.success
    assert [item.rule_name for item in report.violations or ()] == ["MLZ-ROLE-002"]
