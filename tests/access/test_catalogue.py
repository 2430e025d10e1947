"""The catalogue knows AWS's actions and keys, and `lint` finds what a policy gets wrong."""

from pathlib import Path
from typing import Any

import pytest

import mlzone_access
from mlzone_access import Policy, catalogue, lint
from mlzone_access.catalogue import CatalogueError


def test_an_action_has_its_level_types_and_keys() -> None:
    action = catalogue.action("sagemaker:createmodel")

    assert (action.name, action.access_level) == ("sagemaker:CreateModel", "Write")
    assert [t.arn for t in action.resource_types] == [
        "arn:${Partition}:sagemaker:${Region}:${Account}:model/${ModelName}"
    ]
    assert action.has_key("sagemaker:vpcsubnets")
    assert action.has_key("aws:RequestTag/team")
    assert not action.has_key("sagemaker:InstanceTypes")
    assert "iam:PassRole" in action.dependent_actions


def test_a_wrong_name_gets_a_suggestion() -> None:
    with pytest.raises(CatalogueError, match="did you mean 'CreateModel'"):
        catalogue.action("sagemaker:CreateModle")
    with pytest.raises(CatalogueError, match="did you mean 'sagemaker'"):
        catalogue.action("sagemakr:CreateModel")


def test_patterns_expand_to_the_actions_they_cover() -> None:
    definitions = catalogue.actions("sagemaker:Create*JobDefinition")

    assert set(definitions) == {
        "sagemaker:CreateDataQualityJobDefinition",
        "sagemaker:CreateModelBiasJobDefinition",
        "sagemaker:CreateModelExplainabilityJobDefinition",
        "sagemaker:CreateModelQualityJobDefinition",
    }
    assert len(catalogue.actions("*")) > 20_000
    assert catalogue.actions("nosuch:*") == ()


def test_the_actions_that_can_be_held_to_a_vpc_are_known() -> None:
    held = catalogue.actions_with_key("sagemaker:VpcSubnets")

    assert {"sagemaker:CreateTrainingJob", "sagemaker:CreateModel"} <= set(held)
    assert "sagemaker:CreateTransformJob" not in held


@pytest.mark.parametrize(
    ("key", "exists"),
    [
        ("aws:PrincipalTag/team", True),
        ("AWS:SOURCEIP", True),
        ("aws:PrincipalTag/", False),
        ("aws:Principaltags/team", False),
        ("sagemaker:CurrentCustomerMetadataProperties/author", True),
        ("sagemaker:ModelLifeCycle:stage", True),
        ("sagemaker:NoSuchKey", False),
        ("s3:ExistingObjectTag/class", True),
        ("SAML:aud", True),
        ("token.actions.githubusercontent.com:sub", True),
        ("nosuch:Key", False),
    ],
)
def test_condition_keys_are_known(key: str, *, exists: bool) -> None:
    assert catalogue.key_exists(key) is exists


def test_every_service_of_the_catalogue_can_be_read() -> None:
    for service in catalogue.services():
        for name in catalogue.actions(f"{service}:*"):
            assert catalogue.action(name).name == name


def test_the_catalogue_is_small_and_says_where_it_comes_from() -> None:
    data = Path(mlzone_access.__file__).parent / "data"

    assert (data / "catalogue.json.gz").stat().st_size < 2_000_000
    assert "MIT" in (data / "NOTICE").read_text()


def _lint(**statement: Any) -> list[tuple[str, str]]:
    written = {"Sid": "S", "Effect": "Deny", "Action": "s3:GetObject", "Resource": "*", **statement}
    policy = Policy.parse({"Version": "2012-10-17", "Statement": written}, name="p")
    return [(finding.rule, finding.statement) for finding in lint(policy)]


def test_a_sound_policy_has_no_findings() -> None:
    condition = {
        "Null": {"sagemaker:VpcSubnets": "true"},
        "StringEquals": {"aws:PrincipalTag/team": "${aws:SourceIdentity}"},
    }

    assert _lint(Action=["sagemaker:CreateModel", "sagemaker:CreateTr*"], Condition=condition) == []


@pytest.mark.parametrize(
    ("rule", "statement"),
    [
        ("unknown-action", {"Action": "s3:GetObjct"}),
        ("unknown-action", {"Action": ["s3:GetObject", "s3:Frobnicate*"]}),
        ("unknown-service", {"Action": "s4:GetObject"}),
        ("unknown-key", {"Condition": {"StringEquals": {"aws:PrincipalTeam": "x"}}}),
        ("unknown-key", {"Condition": {"Null": {"sagemaker:VpcSubnet": "true"}}}),
        ("key-not-carried", {"Condition": {"Null": {"sagemaker:VpcSubnets": "true"}}}),
        ("unknown-variable", {"Resource": "arn:aws:s3:::${aws:PrincipalTags/team}"}),
        (
            "unknown-variable",
            {"Condition": {"StringEquals": {"aws:SourceIdentity": "${aws:PrincipelTag/x}"}}},
        ),
    ],
)
def test_a_planted_fault_is_found(rule: str, statement: dict[str, Any]) -> None:
    assert _lint(**statement) == [(rule, "S")]
