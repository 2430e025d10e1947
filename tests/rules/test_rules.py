"""Every rule finds the faults of its case file, and nothing in what is sound."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlzone.control import Point, controls
from mlzone.rules import RULES, Assembly, Row, Rule, Template, Verdict, judge

CASES = Path(__file__).parent
TODAY = date(2026, 11, 27)
IN_CODE = {"MLZ-TEMPLATE-001"}
"""Rules whose cases are too long to be written down; they are below."""

with_cases = pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.id not in IN_CODE], ids=lambda rule: rule.id
)


def cases(rule: type[Rule], kind: str) -> list[Any]:
    return yaml.safe_load((CASES / f"{rule.id}.yaml").read_text("utf-8")).get(kind) or []


def judged(rule: type[Rule], resources: dict[str, Any], **more: Any) -> tuple[Row, ...]:
    body = {"Resources": resources, **more}
    template = Template("stack", Path("stack.template.json"), body)
    return judge(Assembly((template,)), today=TODAY, rules=[rule])


@with_cases
def test_a_rule_finds_every_planted_fault_and_says_what_it_is(rule: type[Rule]):
    failing = cases(rule, "failing")

    assert failing
    for case in failing:
        rows = judged(rule, case["resources"])
        found = [row.message for row in rows if row.verdict is Verdict.FAIL]
        assert found == [case["says"]]


@with_cases
def test_a_rule_accepts_what_is_sound(rule: type[Rule]):
    for resources in cases(rule, "passing"):
        verdicts = {row.verdict for row in judged(rule, resources) if row.logical_id != "Logs"}
        assert verdicts == {Verdict.PASS}, resources


@with_cases
def test_a_rule_is_not_about_what_is_beside_it(rule: type[Rule]):
    for resources in cases(rule, "beside"):
        verdicts = [row.verdict for row in judged(rule, resources)]
        assert verdicts == [Verdict.NOT_APPLICABLE], resources


CAREFUL = {
    "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY"}},
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
}


@pytest.mark.parametrize(
    ("parameter", "otherwise", "verdict"),
    [
        ("VariantsChange", CAREFUL, Verdict.PASS),
        ("VariantsChange", {}, Verdict.FAIL),
        ("InAHurry", CAREFUL, Verdict.FAIL),
    ],
)
def test_DEP_03_only_a_trial_begins_and_ends_without_shifting_traffic(
    parameter: str, otherwise: dict[str, Any], verdict: Verdict
):
    (rule,) = (rule for rule in RULES if rule.id == "MLZ-MODEL-006")
    chosen = {"Fn::If": ["Moves", {"Ref": "AWS::NoValue"}, otherwise]}
    endpoint = {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {
            "Tags": [{"Key": "mlz:environment", "Value": "prod"}],
            "DeploymentConfig": chosen,
        },
    }
    moves = {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}

    (row,) = judged(rule, {"It": endpoint}, Conditions={"Moves": moves})

    assert row.verdict is verdict


def test_every_case_file_is_of_a_rule():
    files = {path.stem for path in CASES.glob("*.yaml")}

    assert files == {rule.id for rule in RULES} - IN_CODE


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_explains_itself_and_holds_a_control_that_says_so(rule: type[Rule]):
    assert "Anti-pattern:" in (rule.__doc__ or "")
    assert "Best practice:" in (rule.__doc__ or "")
    assert rule.fix
    assert Point.RULE in controls()[rule.control].enforced


def test_rules_have_different_ids():
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("nonsense", ["text", 7, ["list"], {"Ref": 3}, {"a": {"b": None}}])
def test_a_rule_that_cannot_tell_fails_rather_than_passes(rule: type[Rule], nonsense: Any):
    """Whatever stands where properties should be, there is a row and no traceback."""
    for kind in rule.types:
        resources = {
            "It": {"Type": kind.replace("*", "Thing"), "Properties": nonsense},
            "Deep": {
                "Type": kind.replace("*", "Thing"),
                "Properties": dict.fromkeys(_properties(rule), nonsense),
            },
        }
        for row in judged(rule, resources):
            assert row.verdict in Verdict
            assert row.verdict is not Verdict.ERROR or row.message


def _properties(rule: type[Rule]) -> set[str]:
    failing = [case["resources"] for case in cases(rule, "failing")] if _has_file(rule) else []
    found = [*failing, *(cases(rule, "passing") if _has_file(rule) else [])]
    return {
        name
        for resources in found
        for resource in resources.values()
        for name in resource.get("Properties", {})
    }


def _has_file(rule: type[Rule]) -> bool:
    return (CASES / f"{rule.id}.yaml").exists()


class Broken(Rule):
    """Anti-pattern: a rule that breaks. Best practice: none."""

    id = "MLZ-TEST-001"
    control = "GOV-01"
    types = ("AWS::SNS::Topic",)
    fix = "mend the rule"

    def problem(self, resource, assembly):
        raise KeyError(resource.logical_id, assembly)


def test_a_rule_that_breaks_is_an_error():
    (row,) = judged(Broken, {"Topic": {"Type": "AWS::SNS::Topic"}})

    assert (row.verdict, row.logical_id) == (Verdict.ERROR, "Topic")
    assert row.message.startswith("the rule failed: KeyError")


def rule(name: str) -> type[Rule]:
    (found,) = (item for item in RULES if item.id == name)
    return found


def failure(rows: tuple[Row, ...]) -> str:
    (row,) = (row for row in rows if row.verdict is not Verdict.PASS)
    return row.message


def policy(statements: int) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*"}
    return {"Version": "2012-10-17", "Statement": [statement] * statements}


@pytest.fixture
def written(tmp_path: Path):
    """Judge templates as files: their length on the disk counts."""

    def write(body: dict[str, Any]) -> str:
        path = tmp_path / "stack.template.json"
        path.write_text(json.dumps(body), encoding="utf-8")
        template = Template("stack", path, body)
        rows = judge(Assembly((template,)), today=TODAY, rules=[rule("MLZ-TEMPLATE-001")])
        return failure(rows)

    return write


def test_too_many_resources_fail(written):
    topics = {f"Topic{index}": {"Type": "AWS::SNS::Topic"} for index in range(451)}

    assert written({"Resources": topics}) == "451 resources; at most 450"


def test_a_template_that_is_too_long_fails(written):
    assert written({"Description": "x" * 900_001, "Resources": {}}).endswith(
        "bytes; at most 900000"
    )


def test_too_many_dynamic_references_fail(written):
    body = {"Resources": {}, "Metadata": ["{{resolve:ssm:/a}}"] * 61}

    assert written(body) == "61 dynamic references; at most 60"


@pytest.mark.parametrize(
    ("kind", "key", "statements"),
    [
        ("AWS::IAM::ManagedPolicy", "PolicyDocument", 90),
        ("AWS::IAM::Policy", "PolicyDocument", 150),
        ("AWS::IAM::Role", "AssumeRolePolicyDocument", 40),
        ("AWS::ECR::Repository", "RepositoryPolicyText", 150),
        ("AWS::S3::BucketPolicy", "PolicyDocument", 300),
        ("AWS::KMS::Key", "KeyPolicy", 500),
    ],
)
def test_a_policy_that_is_too_long_fails(kind: str, key: str, statements: int):
    rows = judged(
        rule("MLZ-OPERATION-007"), {"Long": {"Type": kind, "Properties": {key: policy(statements)}}}
    )

    assert failure(rows).startswith(f"{key} has ")


def test_the_day_counts_unless_one_is_given():
    function = {"It": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "python3.13"}}}
    template = Template("stack", Path("stack.json"), {"Resources": function})
    mended = [rule("MLZ-OPERATION-005")]

    (late,) = judge(Assembly((template,)), today=date(2029, 5, 1), rules=mended)
    assert late.message == "python3.13 is mended until 2029-06-30"
    (now,) = judge(Assembly((template,)), rules=mended)
    early = datetime.now(UTC).date() < date(2029, 3, 1)
    assert now.verdict is (Verdict.PASS if early else Verdict.FAIL)


def test_the_catalogue_has_every_control_and_who_asks_for_it():
    assert len(controls()) == 47
    assert all(item.frameworks and item.evidence for item in controls().values())
