"""Every rule finds the faults of its case file and nothing in what is sound."""

import json
from pathlib import Path

import pytest
import yaml

from mlzone.control import controls
from mlzone.rules.registry import RULES, run_rules
from mlzone.rules.rule import Rule, run

CASES = Path(__file__).parent
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def outcomes(tmp_path: Path, rule: Rule, template: object) -> set[str]:
    path = tmp_path / "it.template.json"
    path.write_text(json.dumps(template), encoding="utf-8")
    return {row.outcome for row in run([rule], [path])}


@each_rule
def test_a_rule_finds_every_planted_fault(tmp_path: Path, rule: Rule):
    cases = yaml.safe_load((CASES / f"{rule.id}.yaml").read_text(encoding="utf-8"))

    assert cases["failing"]
    for template in cases["failing"]:
        assert "FAIL" in outcomes(tmp_path, rule, template), template


@each_rule
def test_a_rule_accepts_what_is_sound(tmp_path: Path, rule: Rule):
    cases = yaml.safe_load((CASES / f"{rule.id}.yaml").read_text(encoding="utf-8"))

    assert cases["passing"]
    for template in cases["passing"]:
        assert outcomes(tmp_path, rule, template) <= {"PASS", "NOT_APPLICABLE"}, template


@each_rule
def test_a_rule_serves_a_control_that_names_rules(rule: Rule):
    control = controls()[rule.control]

    assert {"rule", "construct"} & set(control.enforced_by)
    assert rule.__doc__


def test_rules_have_different_ids():
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("text", ["{", "[]", '{"Resources": {"A": {}}}', '{"Resources": 3}'])
def test_what_cannot_be_read_is_an_error(tmp_path: Path, text: str):
    path = tmp_path / "broken.template.json"
    path.write_text(text, encoding="utf-8")

    assert [row.outcome for row in run_rules([path])] == ["ERROR"]


def test_a_rule_that_breaks_is_an_error(tmp_path: Path):
    path = tmp_path / "broken.template.json"
    role = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Ref": "Elsewhere"}}}
    path.write_text(json.dumps({"Resources": {"It": role}}), encoding="utf-8")

    assert {row.outcome for row in run_rules([path])} == {"ERROR"}


def test_the_catalogue_has_every_control_once_and_its_frameworks():
    assert len(controls()) == 46
    assert all(item.enforced_by and item.frameworks for item in controls().values())
