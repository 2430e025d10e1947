"""Properties are held to the official resource schemas, in AWS's words."""

from typing import Any

import pytest

from mlzone_cloud.cfn.schema import find_schema

TRUST = {"Version": "2012-10-17", "Statement": []}


def problems(type_name: str, properties: dict[str, Any], unresolved: Any = None) -> list[str]:
    schema = find_schema(type_name, "sa-east-1")
    assert schema
    return schema.validate(schema.coerce(properties), unresolved)


@pytest.mark.parametrize(
    ("type_name", "properties", "problem"),
    [
        ("AWS::IAM::Role", {}, "#: required key [AssumeRolePolicyDocument] not found"),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST, "Colour": "red"},
         "#: extraneous key [Colour] is not permitted"),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST, "Arn": "arn"},
         "#: extraneous key [Arn] is not permitted"),
        ("AWS::SageMaker::Space", {"DomainId": "d-123", "SpaceName": "bad name"},
         "#/SpaceName: failed validation constraint for keyword [pattern]"),
        ("AWS::SageMaker::Domain",
         {"DomainName": "d", "AuthMode": "LDAP", "VpcId": "vpc-1", "SubnetIds": ["s"],
          "DefaultUserSettings": {"ExecutionRole": "arn:aws:iam::111111111111:role/abc"}},
         "#/AuthMode: LDAP is not a valid enum value"),
        ("AWS::SQS::Queue", {"VisibilityTimeout": "soon"},
         "#/VisibilityTimeout: expected type: Integer, found: String"),
        ("AWS::SageMaker::UserProfile", {"DomainId": "d-1", "UserProfileName": "x" * 64},
         "#/UserProfileName: expected maxLength: 63, actual: 64"),
    ],
)  # fmt: skip
def test_a_wrong_property_is_named(
    type_name: str, properties: dict[str, Any], problem: str
) -> None:
    assert problem in problems(type_name, properties)


def test_scalars_are_converted_as_cloudformation_does() -> None:
    schema = find_schema("AWS::SQS::Queue", "sa-east-1")
    assert schema

    converted = schema.coerce({"VisibilityTimeout": "30", "FifoQueue": "true", "QueueName": 7})

    assert converted == {"VisibilityTimeout": 30, "FifoQueue": True, "QueueName": "7"}


def test_the_pattern_of_a_computed_value_is_the_emulations_business() -> None:
    properties = {"DomainId": "not a domain", "SpaceName": "a"}

    assert problems("AWS::SageMaker::Space", properties) != []
    assert (
        problems("AWS::SageMaker::Space", properties, {**properties, "DomainId": {"Ref": "D"}})
        == []
    )


def test_a_change_of_a_create_only_property_replaces() -> None:
    schema = find_schema("AWS::SageMaker::Domain", "sa-east-1")
    assert schema

    assert schema.replaced_by({"AuthMode": "IAM"}, {"AuthMode": "SSO"}) == ["AuthMode"]
    assert schema.replaced_by({"Tags": []}, {"Tags": [{"Key": "a", "Value": "b"}]}) == []


def test_a_region_without_a_type_does_not_know_it() -> None:
    assert find_schema("AWS::SageMaker::Domain", "sa-east-1") is not None
    assert find_schema("AWS::SageMaker::Flux", "sa-east-1") is None
