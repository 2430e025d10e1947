"""Stacks are created, changed, rolled back and removed as in AWS."""

import json

import pytest
from botocore.exceptions import ClientError
from tests.cloud.cfn.conftest import ACCOUNT, Stacks
from tests.cloud.cfn.described import parameter, topic, values


def test_a_stack_makes_its_resources_in_order_and_shows_outputs(stacks: Stacks) -> None:
    stack = stacks.create(
        "demo",
        {
            "Second": parameter("/b", {"Ref": "First"}),
            "First": topic("first"),
            "Skipped": {**parameter("/c"), "Condition": "Never"},
        },
        template={
            "Conditions": {"Never": {"Fn::Equals": [1, 2]}},
            "Outputs": {"Topic": {"Value": {"Ref": "First"}, "Export": {"Name": "topic"}}},
        },
        Tags=[{"Key": "team", "Value": "fraud"}],
    )

    arn = f"arn:aws:sns:sa-east-1:{ACCOUNT}:first"
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"] == arn
    assert values(stacks) == {"/b": arn}
    tags = stacks.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert {"Key": "team", "Value": "fraud"} in tags
    assert stacks.events("demo") == [
        ("demo", "CREATE_IN_PROGRESS"),
        ("First", "CREATE_IN_PROGRESS"),
        ("First", "CREATE_IN_PROGRESS"),
        ("First", "CREATE_COMPLETE"),
        ("Second", "CREATE_IN_PROGRESS"),
        ("Second", "CREATE_IN_PROGRESS"),
        ("Second", "CREATE_COMPLETE"),
        ("demo", "CREATE_COMPLETE"),
    ]


def test_an_update_changes_adds_and_removes(stacks: Stacks) -> None:
    stacks.create("demo", {"A": parameter("/a"), "Old": parameter("/old")})

    stack = stacks.update("demo", {"A": parameter("/a", "2"), "New": parameter("/new")})

    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert values(stacks) == {"/a": "2", "/new": "1"}
    assert ("Old", "DELETE_COMPLETE") in stacks.events("demo")


def test_a_replacement_makes_the_new_before_it_removes_the_old(stacks: Stacks) -> None:
    stacks.create("demo", {"A": topic("one"), "User": parameter("/user", {"Ref": "A"})})

    stacks.update("demo", {"A": topic("two"), "User": parameter("/user", {"Ref": "A"})})

    events = stacks.events("demo")
    made = len(events) - events[::-1].index(("A", "UPDATE_COMPLETE"))
    assert events.index(("A", "DELETE_IN_PROGRESS")) > made
    assert values(stacks)["/user"].endswith(":two")
    arns = [item["TopicArn"] for item in stacks.client("sns").list_topics()["Topics"]]
    assert arns == [f"arn:aws:sns:sa-east-1:{ACCOUNT}:two"]


def test_a_replaced_resource_may_be_retained(stacks: Stacks) -> None:
    stacks.create("demo", {"A": parameter("/one", UpdateReplacePolicy="Retain")})

    stacks.update("demo", {"A": parameter("/two", UpdateReplacePolicy="Retain")})

    assert set(values(stacks)) == {"/one", "/two"}


def test_a_custom_named_resource_is_not_replaced_under_its_name(stacks: Stacks) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", "FifoQueue": False}}
    definition = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "t",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
        },
    }
    stacks.create("demo", {"T": definition, "Q": queue})
    other_key = json.dumps(definition).replace('"AttributeName": "a"', '"AttributeName": "b"')
    changed = json.loads(other_key)

    stack = stacks.update("demo", {"T": changed, "Q": queue})

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "when a custom-named resource requires replacing. Rename t" in stacks.reasons("demo")


def test_a_delivery_channel_waits_for_the_recorder_beside_it(stacks: Stacks) -> None:
    stacks.client("s3").create_bucket(
        Bucket="configurations", CreateBucketConfiguration={"LocationConstraint": "sa-east-1"}
    )
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/config.amazonaws.com/ForConfig"

    stack = stacks.create(
        "recording",
        {
            "Channel": {
                "Type": "AWS::Config::DeliveryChannel",
                "Properties": {"S3BucketName": "configurations"},
            },
            "Recorder": {
                "Type": "AWS::Config::ConfigurationRecorder",
                "Properties": {"RoleARN": role},
            },
        },
    )

    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("recording")


def test_deletion_goes_in_reverse_order_and_keeps_what_is_retained(stacks: Stacks) -> None:
    stacks.create(
        "demo",
        {
            "A": topic("a"),
            "B": parameter("/b", {"Ref": "A"}),
            "Kept": parameter("/kept", DeletionPolicy="Retain"),
        },
    )

    stack = stacks.delete("demo")

    gone = [name for name, status in stacks.events(stack["StackId"]) if status == "DELETE_COMPLETE"]
    assert gone == ["B", "A", "demo"]
    assert values(stacks) == {"/kept": "1"}
    with pytest.raises(ClientError, match="Stack with id demo does not exist"):
        stacks.describe("demo")


def test_a_bucket_with_objects_fails_the_deletion_until_it_is_retained(stacks: Stacks) -> None:
    stacks.create(
        "demo",
        {
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "full"}},
            "P": parameter("/p"),
        },
    )
    stacks.client("s3").put_object(Bucket="full", Key="a", Body=b"1")

    failed = stacks.delete("demo")
    assert failed["StackStatus"] == "DELETE_FAILED"
    stacks.client().delete_stack(StackName="demo", RetainResources=["Bucket"])

    assert stacks.wait(failed["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert values(stacks) == {}
    assert stacks.client("s3").list_buckets()["Buckets"][0]["Name"] == "full"


def test_a_protected_stack_is_not_deleted(stacks: Stacks) -> None:
    stacks.create("demo", {"A": parameter("/a")}, EnableTerminationProtection=True)

    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stacks.delete("demo")

    stacks.client().update_termination_protection(
        StackName="demo", EnableTerminationProtection=False
    )
    assert stacks.delete("demo")["StackStatus"] == "DELETE_COMPLETE"


def test_a_stack_policy_guards_resources(stacks: Stacks) -> None:
    policy = {
        "Statement": [
            {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": "Update:*",
                "Principal": "*",
                "Resource": "LogicalResourceId/A",
            },
        ]
    }
    stacks.create(
        "demo", {"A": parameter("/a"), "B": parameter("/b")}, StackPolicyBody=json.dumps(policy)
    )

    allowed = stacks.update("demo", {"A": parameter("/a"), "B": parameter("/b", "2")})
    denied = stacks.update("demo", {"A": parameter("/a", "2"), "B": parameter("/b", "2")})

    assert allowed["StackStatus"] == "UPDATE_COMPLETE"
    assert denied["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "denied by stack policy" in stacks.reasons("demo")


def test_a_stack_policy_keeps_what_a_template_leaves_out(stacks: Stacks) -> None:
    policy = {
        "Statement": [
            {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": "Update:Delete",
                "Principal": "*",
                "NotResource": ["LogicalResourceId/B"],
                "Condition": {"StringEquals": {"ResourceType": ["AWS::SSM::Parameter"]}},
            },
        ]
    }
    every = {"A": parameter("/a"), "B": parameter("/b"), "C": parameter("/c")}
    stacks.create("demo", every, StackPolicyBody=json.dumps(policy))

    allowed = stacks.update("demo", {"A": parameter("/a"), "C": parameter("/c")})
    denied = stacks.update("demo", {"A": parameter("/a", "2")})

    assert allowed["StackStatus"] == "UPDATE_COMPLETE"
    assert denied["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "[Update:Delete]" in stacks.reasons("demo")
    assert set(_all_values(stacks)) == {"/a", "/c"}


def test_stacks_of_one_account_are_deployed_side_by_side(stacks: Stacks) -> None:
    names = [f"stack-{index}" for index in range(8)]
    for name in names:
        resources = {f"P{index}": parameter(f"/{name}/{index}") for index in range(10)}
        stacks.client().create_stack(
            StackName=name, TemplateBody=json.dumps({"Resources": resources})
        )

    assert {stacks.wait(name)["StackStatus"] for name in names} == {"CREATE_COMPLETE"}
    assert len({name for name in _all_values(stacks) if name.startswith("/stack-")}) == 80


def _all_values(stacks: Stacks) -> set[str]:
    pages = stacks.client("ssm").get_paginator("get_parameters_by_path")
    return {
        item["Name"]
        for page in pages.paginate(Path="/", Recursive=True)
        for item in page["Parameters"]
    }
