"""What CloudFormation's expressions evaluate to."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlzone_cloud.cfn import preparation, template
from mlzone_cloud.cfn.errors import CapabilityError, TemplateError

TEXT = st.text(alphabet="abc/-$.{ }é", max_size=12)


def scope(**changes: Any) -> template.Scope:
    body = {
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
        "Conditions": {
            "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            "NotProd": {"Fn::Not": [{"Condition": "IsProd"}]},
        },
        "Mappings": {"Sizes": {"prod": {"count": 2}}},
    }
    settings = {
        "template": body,
        "parameters": {"Stage": "prod", "List": ["a", "b"]},
        "account": "111111111111",
        "region": "sa-east-1",
        "stack_name": "demo",
        "stack_id": "arn:aws:cloudformation:sa-east-1:111111111111:stack/demo/1",
        "physical_ids": {"Bucket": "my-bucket"},
        "attributes": {"Bucket": {"Arn": "arn:aws:s3:::my-bucket", "Nested": {"Deep": "x"}}},
        "import_value": {"network": "vpc-1"}.__getitem__,
        "dynamic": lambda kind, reference: f"<{kind} {reference}>",
        "zones": lambda region: [f"{region}a", f"{region}b"],
    }
    return template.Scope(**{**settings, **changes})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"Ref": "Bucket"}, "my-bucket"),
        ({"Ref": "Stage"}, "prod"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::my-bucket"),
        ({"Fn::GetAtt": "Bucket.Nested.Deep"}, "x"),
        ({"Fn::Join": ["-", ["a", True, 1]]}, "a-true-1"),
        ({"Fn::Sub": "${AWS::Region}/${Bucket}/${Bucket.Arn}/${!Kept}"},
         "sa-east-1/my-bucket/arn:aws:s3:::my-bucket/${Kept}"),
        ({"Fn::Sub": ["${a}${b}", {"a": {"Ref": "Stage"}, "b": 1}]}, "prod1"),
        ({"Fn::Select": ["1", {"Ref": "List"}]}, "b"),
        ({"Fn::Select": [0, {"Fn::Split": [",", "x,y"]}]}, "x"),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Cidr": ["10.0.0.0/24", "2", "4"]}, ["10.0.0.0/28", "10.0.0.16/28"]),
        ({"Fn::GetAZs": ""}, ["sa-east-1a", "sa-east-1b"]),
        ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["sa-east-1a", "sa-east-1b"]),
        ({"Fn::If": ["IsProd", "yes", {"Ref": "Missing"}]}, "yes"),
        ({"Fn::If": ["NotProd", {"Ref": "Missing"}, "no"]}, "no"),
        ({"Fn::And": [{"Condition": "IsProd"}, {"Fn::Equals": [True, "true"]}]}, True),
        ({"Fn::Or": [{"Condition": "NotProd"}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "count"]}, 2),
        ({"Fn::FindInMap": ["Sizes", "dev", "count", {"DefaultValue": 1}]}, 1),
        ({"Fn::ImportValue": {"Fn::Sub": "network"}}, "vpc-1"),
        ({"Fn::Base64": "hi"}, "aGk="),
        ({"Fn::Length": {"Ref": "List"}}, 2),
        ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}, '{"a":"prod"}'),
        ("{{resolve:ssm:/a/b:2}} and {{resolve:secretsmanager:s:SecretString:k}}",
         "<ssm /a/b:2> and <secretsmanager s:SecretString:k>"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
    ],
    ids=str,
)  # fmt: skip
def test_an_expression_evaluates_as_in_aws(expression: Any, expected: Any) -> None:
    assert scope().evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"Ref": "Nobody"}, "Unresolved resource dependencies [Nobody]"),
        ({"Fn::GetAtt": ["Bucket", "Colour"]}, "does not support attribute type Colour"),
        ({"Fn::Select": [5, ["a"]]}, "Fn::Select cannot select nonexistent 5"),
        ({"Fn::FindInMap": ["Sizes", "dev", "count"]}, "Unable to get mapping for Sizes"),
        ({"Fn::Flatten": []}, "unknown function Fn::Flatten"),
    ],
)
def test_a_wrong_expression_is_refused(expression: Any, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        scope().evaluate(expression)

    assert message in str(refused.value)


@given(st.lists(TEXT.filter(lambda part: "|" not in part), min_size=1))
def test_split_undoes_join(parts: list[str]) -> None:
    joined = {"Fn::Join": ["|", parts]}

    assert scope().evaluate({"Fn::Split": ["|", joined]}) == parts


@given(TEXT)
def test_sub_leaves_text_without_placeholders_alone(text: str) -> None:
    escaped = text.replace("${", "${!")

    assert scope().evaluate({"Fn::Sub": escaped}) == text


def test_json_and_yaml_with_short_forms_say_the_same() -> None:
    from_yaml = template.parse(
        """
        Resources:
          B:
            Type: AWS::S3::Bucket
            Properties: {BucketName: !Sub "${A}-x", Arn: !GetAtt C.Arn, Version: 2012-10-17}
        """
    )
    from_json = template.parse(
        json.dumps(
            {
                "Resources": {
                    "B": {
                        "Type": "AWS::S3::Bucket",
                        "Properties": {
                            "BucketName": {"Fn::Sub": "${A}-x"},
                            "Arn": {"Fn::GetAtt": ["C", "Arn"]},
                            "Version": "2012-10-17",
                        },
                    }
                }
            }
        )
    )

    assert from_yaml == from_json


@given(st.text(max_size=200))
def test_no_text_crashes_the_parser(text: str) -> None:
    with contextlib.suppress(TemplateError):
        template.parse(text)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"Resources": {}}, "At least one Resources member must be defined"),
        ({"Resources": {"A": {}}}, "must contain a Type member"),
        ({"Resources": {"A": {"Type": "AWS::SNS::Topic", "Colour": 1}}}, "property 'Colour'"),
        ({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}, "Resource": 1}, "[Resource]"),
        ({"Resources": {"A": {"Type": "AWS::SNS::Topic"}}, "Transform": "AWS::X"}, "macro"),
        ({"Resources": {"A": {"Type": "AWS::Nope::Thing"}, "B": {"Type": "AWS::A::B"}}},
         "Template format error: Unrecognized resource types: [AWS::A::B, AWS::Nope::Thing]"),
        ({"Resources": {"A": {"Type": "AWS::SNS::Topic", "DependsOn": "Z"}}},
         "Unresolved resource dependencies [Z] in the Resources block of the template"),
        ({"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName":
            {"Fn::Sub": "${Y.Name}-${X}"}}}}}, "Unresolved resource dependencies [X, Y]"),
        ({"Resources": {"A": {"Type": "AWS::SNS::Topic", "Condition": "C"}}},
         "Unresolved condition dependency C"),
        ({"Resources": {
            "A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "B"}}},
            "B": {"Type": "AWS::SNS::Topic", "DependsOn": ["A"]}}},
         "Circular dependency between resources: [A, B]"),
        ({"Resources": {"A": {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Keep"}}},
         "unrecognized DeletionPolicy Keep"),
        ({"Resources": {"A": {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Snapshot"}}},
         "does not support DeletionPolicy Snapshot"),
    ],
)  # fmt: skip
def test_a_wrong_template_is_refused_before_anything_happens(body: Any, message: str) -> None:
    with pytest.raises(TemplateError) as refused:
        preparation.check(template.parse(json.dumps(body)), region="sa-east-1", capabilities=[])

    assert message in str(refused.value)


def test_named_roles_need_the_capability_that_says_so() -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "a"}}

    with pytest.raises(CapabilityError, match="CAPABILITY_NAMED_IAM"):
        preparation.check(
            {"Resources": {"R": role}}, region="sa-east-1", capabilities=["CAPABILITY_IAM"]
        )
