"""What fails a synthesis: findings of our rules, and waivers that waive nothing."""

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mlzone.errors import ConfigError
from mlzone.estate.estate import Estate
from mlzone.estate.waiver import Waiver
from mlzone.loading import load_estate
from mlzone.waiving import matches
from mlzone_constructs.governance import Governance
from mlzone_constructs.validation import RuleChecks

SAMPLE = Path(__file__).parents[2] / "organization" / "samples" / "minimal.yaml"
PLAIN_BUCKET = {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}}}


class Context:
    """What the CDK hands to a plugin."""

    def __init__(self, *paths: Path) -> None:
        self.template_paths = [str(path) for path in paths]


def waiver(rule: str, resource: str) -> Waiver:
    return Waiver(
        rule=rule,
        resource=resource,
        reason="a reason that a security officer would accept",
        owner="ana.souza",
        ticket="SEC-1",
        granted=date(2026, 1, 1),
        expires=date(2026, 12, 31),
    )


def check(
    tmp_path: Path, resources: dict[str, Any], *waivers: Waiver, complete: bool = True
) -> list[str]:
    """Return the open findings over one template of a stack named `stack`."""
    path = tmp_path / "stack.template.json"
    path.write_text(json.dumps({"Resources": resources}), encoding="utf-8")
    estate: Estate = dataclasses.replace(load_estate(SAMPLE), waivers=waivers)
    report = RuleChecks(Governance(estate=estate), complete=complete).validate(Context(path))
    assert report.success == (not report.violations)
    return [f"{item.rule_name}: {item.description}" for item in report.violations or ()]


def test_a_finding_fails_the_synthesis(tmp_path: Path):
    assert check(tmp_path, {"User": {"Type": "AWS::IAM::User"}}) == [
        "MLZ-IDENTITY-002: AWS::IAM::User lasts until somebody removes it (IAM-02)"
    ]


def test_a_waiver_acknowledges_one_finding_and_no_other(tmp_path: Path):
    found = check(tmp_path, PLAIN_BUCKET)
    left = check(tmp_path, PLAIN_BUCKET, waiver("MLZ-DATA-002", "stack/Bucket"))

    assert set(found) - set(left) == {"MLZ-DATA-002: it keeps no versions (DAT-05)"}


def test_what_is_fatal_cannot_be_waived(tmp_path: Path):
    user = {"User": {"Type": "AWS::IAM::User"}}

    assert check(tmp_path, user, waiver("MLZ-IDENTITY-002", "**")) == [
        "MLZ-IDENTITY-002: AWS::IAM::User lasts until somebody removes it (IAM-02)",
        "MLZ-IDENTITY-002: the waiver on ** acknowledges nothing",
    ]


@pytest.mark.parametrize("rule", ["MLZ-DATA-002", "MLZ-NOTHING-001"])
def test_a_waiver_for_nothing_fails_where_everything_is_built(tmp_path: Path, rule: str):
    topic = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": "key"}}}
    unused = waiver(rule, "stack/Topic")

    assert f"{rule}: the waiver on stack/Topic acknowledges nothing" in check(
        tmp_path, topic, unused
    )
    assert not any("waiver" in line for line in check(tmp_path, topic, unused, complete=False))


def test_a_template_that_cannot_be_read_never_passes(tmp_path: Path):
    path = tmp_path / "stack.template.json"
    path.write_text("{", encoding="utf-8")
    governance = Governance(estate=load_estate(SAMPLE))

    with pytest.raises(ConfigError, match="cannot be parsed"):
        RuleChecks(governance, complete=True).validate(Context(path))


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
