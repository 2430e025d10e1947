"""Stacks are created, changed, rolled back and removed as in AWS."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.cfn.conftest import ACCOUNT, Stacks

Json = dict[str, Any]


def topic(name: str, **more: Any) -> Json:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name, **more}}


def parameter(name: str, value: Any = "1", **more: Any) -> Json:
    properties = {"Name": name, "Type": "String", "Value": value}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, **more}


def space(name: str) -> Json:
    return {
        "Type": "AWS::SageMaker::Space",
        "Properties": {"DomainId": "d-123", "SpaceName": name},
    }


def values(stacks: Stacks) -> dict[str, str]:
    listed = stacks.client("ssm").get_parameters_by_path(Path="/", Recursive=True)["Parameters"]
    return {item["Name"]: item["Value"] for item in listed}


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


def test_a_failed_creation_leaves_nothing_behind(stacks: Stacks) -> None:
    kept = parameter("/kept", DeletionPolicy="Retain")
    never = parameter("/never", DeletionPolicy="RetainExceptOnCreate")

    stack = stacks.create(
        "demo",
        {"A": parameter("/a"), "K": kept, "N": never, "Z": {**space("no spaces!"), "DependsOn":
         ["A", "K", "N"]}},
    )  # fmt: skip

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "The following resource(s) failed to create: [Z]" in stack["StackStatusReason"]
    assert "#/SpaceName: failed validation constraint for keyword [pattern]" in stacks.reasons(
        "demo"
    )
    assert values(stacks) == {"/kept": "1"}


def test_a_name_that_is_taken_fails_the_stack_and_stays_with_its_owner(stacks: Stacks) -> None:
    stacks.client("ssm").put_parameter(Name="/a", Type="String", Value="mine")

    stack = stacks.create("demo", {"A": parameter("/a", "yours")})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "HandlerErrorCode: AlreadyExists" in stacks.reasons("demo")
    assert values(stacks) == {"/a": "mine"}


def test_an_update_changes_adds_and_removes(stacks: Stacks) -> None:
    stacks.create("demo", {"A": parameter("/a"), "Old": parameter("/old")})

    stack = stacks.update("demo", {"A": parameter("/a", "2"), "New": parameter("/new")})

    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert values(stacks) == {"/a": "2", "/new": "1"}
    assert ("Old", "DELETE_COMPLETE") in stacks.events("demo")


def test_a_failed_update_restores_what_was(stacks: Stacks) -> None:
    before = {
        "Changed": parameter("/changed", "old"),
        "Replaced": parameter("/before"),
        "Removed": parameter("/removed"),
    }
    stacks.create("demo", before, template={"Outputs": {"O": {"Value": "old"}}})

    stack = stacks.update(
        "demo",
        {
            "Changed": parameter("/changed", "new"),
            "Replaced": parameter("/after"),
            "Added": parameter("/added"),
            "Bad": {**space("no spaces!"), "DependsOn": ["Changed", "Replaced", "Added"]},
        },
        template={"Outputs": {"O": {"Value": "new"}}},
    )

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"] == "old"
    assert values(stacks) == {"/changed": "old", "/before": "1", "/removed": "1"}
    listed = stacks.client().list_stack_resources(StackName="demo")["StackResourceSummaries"]
    assert {item["LogicalResourceId"] for item in listed} == set(before)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.update("demo", before, template={"Outputs": {"O": {"Value": "old"}}})


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


def test_previous_template_and_values_carry_over(stacks: Stacks) -> None:
    template = {
        "Parameters": {"One": {"Type": "String"}, "Two": {"Type": "String", "Default": "x"}}
    }
    body = {"A": parameter("/a", {"Fn::Sub": "${One}-${Two}"})}
    stacks.create("demo", body, template=template, parameters={"One": "1"})

    stacks.client().update_stack(
        StackName="demo",
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": "One", "UsePreviousValue": True},
            {"ParameterKey": "Two", "ParameterValue": "2"},
        ],
    )
    stacks.wait("demo")

    assert values(stacks) == {"/a": "1-2"}


@pytest.mark.parametrize(
    ("declared", "given", "message"),
    [
        ({"Type": "String"}, {}, r"Parameters: \[P\] must have values"),
        ({"Type": "String", "Default": "a"}, {"Q": "1"}, r"\[Q\] do not exist in the template"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, {"P": "c"}, "one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, {"P": "1"}, "must match pattern"),
        ({"Type": "Number", "MaxValue": 3}, {"P": "4"}, "not greater than 3"),
        ({"Type": "Number"}, {"P": "four"}, "must be a number"),
        ({"Type": "String", "MinLength": 3}, {"P": "a"}, "at least 3 characters"),
        ({"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/missing"}, {},
         r"Unable to fetch parameters \[/missing\]"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused(
    stacks: Stacks, declared: Json, given: Json, message: str
) -> None:
    stacks.create("demo", {"A": parameter("/a")})

    with pytest.raises(ClientError, match=message):
        stacks.update(
            "demo",
            {"A": parameter("/a", "2")},
            template={"Parameters": {"P": declared}},
            parameters=given,
        )


def test_parameters_and_references_are_read_from_the_stores(stacks: Stacks) -> None:
    ssm = stacks.client("ssm")
    ssm.put_parameter(Name="/ids", Type="StringList", Value="a,b")
    secret = json.dumps({"user": "ana"})
    stacks.client("secretsmanager").create_secret(Name="secret", SecretString=secret)

    stack = stacks.create(
        "demo",
        {
            "A": parameter("/list", {"Fn::Select": [1, {"Ref": "Ids"}]}),
            "B": parameter("/dynamic", "{{resolve:ssm:/ids}}"),
            "C": parameter("/secret", "{{resolve:secretsmanager:secret:SecretString:user}}"),
        },
        template={
            "Parameters": {
                "Ids": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/ids"},
                "Password": {"Type": "String", "Default": "hidden", "NoEcho": True},
            }
        },
    )

    found = values(stacks)
    assert (found["/list"], found["/dynamic"], found["/secret"]) == ("b", "a,b", "ana")
    shown = {item["ParameterKey"]: item for item in stack["Parameters"]}
    assert shown["Ids"]["ResolvedValue"] == "a,b"
    assert shown["Password"]["ParameterValue"] == "****"


def test_rules_are_checked(stacks: Stacks) -> None:
    rule = {
        "Assertions": [
            {
                "Assert": {"Fn::Contains": [["a", "b"], {"Ref": "P"}]},
                "AssertDescription": "P is a or b",
            }
        ]
    }

    stack = stacks.create(
        "demo",
        {"A": parameter("/a")},
        template={"Parameters": {"P": {"Type": "String"}}, "Rules": {"R": rule}},
        parameters={"P": "c"},
    )

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "P is a or b" in stack["StackStatusReason"]


def test_an_export_in_use_cannot_be_taken_away(stacks: Stacks) -> None:
    exported = {"Outputs": {"O": {"Value": "v", "Export": {"Name": "shared"}}}}
    stacks.create("owner", {"A": parameter("/a")}, template=exported)
    stacks.create("user", {"B": parameter("/b", {"Fn::ImportValue": "shared"})})

    updated = stacks.update("owner", {"A": parameter("/a", "2")})
    deleted = stacks.delete("owner")

    assert updated["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Cannot delete export shared as it is in use by user" in updated["StackStatusReason"]
    assert deleted["StackStatus"] == "DELETE_FAILED"
    assert stacks.client().list_imports(ExportName="shared")["Imports"] == ["user"]
    taken = stacks.create("other", {"C": parameter("/c")}, template=exported)
    assert "already exported by stack owner" in taken["StackStatusReason"]


def test_a_change_set_tells_what_would_change(stacks: Stacks) -> None:
    stacks.create("demo", {"A": parameter("/a"), "B": topic("b"), "C": parameter("/c")})
    body = {"A": parameter("/a", "2"), "B": topic("b2"), "D": parameter("/d")}

    change_set = stacks.client().create_change_set(
        StackName="demo", ChangeSetName="next", TemplateBody=json.dumps({"Resources": body})
    )
    described = stacks.client().describe_change_set(ChangeSetName=change_set["Id"])

    changes = {
        change["ResourceChange"]["LogicalResourceId"]: (
            change["ResourceChange"]["Action"],
            change["ResourceChange"].get("Replacement"),
        )
        for change in described["Changes"]
    }
    assert changes == {
        "A": ("Modify", "False"),
        "B": ("Modify", "True"),
        "C": ("Remove", None),
        "D": ("Add", None),
    }
    assert values(stacks) == {"/a": "1", "/c": "1"}
    stacks.client().execute_change_set(ChangeSetName=change_set["Id"])
    assert stacks.wait("demo")["StackStatus"] == "UPDATE_COMPLETE"
    assert values(stacks) == {"/a": "2", "/d": "1"}


def test_a_change_set_without_changes_fails(stacks: Stacks) -> None:
    stacks.create("demo", {"A": parameter("/a")})

    change_set = stacks.client().create_change_set(
        StackName="demo",
        ChangeSetName="same",
        TemplateBody=json.dumps({"Resources": {"A": parameter("/a")}}),
    )
    described = stacks.client().describe_change_set(ChangeSetName=change_set["Id"])

    assert described["Status"] == "FAILED"
    assert "didn't contain changes" in described["StatusReason"]


def test_the_same_request_twice_is_one(stacks: Stacks) -> None:
    first = stacks.create("demo", {"A": parameter("/a")}, ClientRequestToken="t1")

    again = stacks.client().create_stack(
        StackName="demo",
        TemplateBody=json.dumps({"Resources": {"A": parameter("/a")}}),
        ClientRequestToken="t1",
    )

    assert again["StackId"] == first["StackId"]
    with pytest.raises(ClientError, match="already exists"):
        stacks.create("demo", {"A": parameter("/a")}, ClientRequestToken="t2")


def test_without_rollback_a_failed_update_waits_for_a_decision(stacks: Stacks) -> None:
    stacks.create("demo", {"A": parameter("/a", "old")})
    bad = {"A": parameter("/a", "new"), "Z": {**space("bad name"), "DependsOn": "A"}}

    failed = stacks.update("demo", bad, DisableRollback=True)
    after_failure = values(stacks)
    stacks.client().rollback_stack(StackName="demo")
    rolled_back = stacks.wait("demo")

    assert failed["StackStatus"] == "UPDATE_FAILED"
    assert after_failure == {"/a": "new"}
    assert rolled_back["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert values(stacks) == {"/a": "old"}


def test_without_rollback_a_repaired_template_goes_on(stacks: Stacks) -> None:
    bad = {"A": parameter("/a"), "Z": {**space("bad name"), "DependsOn": "A"}}
    failed = stacks.create("demo", bad, DisableRollback=True)

    repaired = stacks.update("demo", {"A": parameter("/a"), "B": parameter("/b")})

    assert failed["StackStatus"] == "CREATE_FAILED"
    assert repaired["StackStatus"] == "UPDATE_COMPLETE"
    assert set(values(stacks)) == {"/a", "/b"}


def test_a_rollback_that_fails_can_be_continued(stacks: Stacks) -> None:
    stacks.create("demo", {"A": topic("a", DisplayName="one"), "B": parameter("/b", "old")})
    ready = stacks.cloud.client("ssm", account=ACCOUNT)
    bad = {
        "A": topic("a", DisplayName="two"),
        "B": parameter("/b", "new"),
        "Z": {
            "Type": "AWS::SSM::Parameter",
            "DependsOn": ["A", "B"],
            "Properties": {"Name": "/z", "Type": "String", "Value": "{{resolve:ssm:/gate}}"},
        },
    }
    # The topic disappears behind the stack's back, so that it cannot be changed back.
    arn = f"arn:aws:sns:sa-east-1:{ACCOUNT}:a"
    stacks.client().update_stack(
        StackName="demo", TemplateBody=json.dumps({"Resources": bad}), DisableRollback=True
    )
    assert stacks.wait("demo")["StackStatus"] == "UPDATE_FAILED"
    stacks.client("sns").delete_topic(TopicArn=arn)

    stacks.client().rollback_stack(StackName="demo")
    stuck = stacks.wait("demo")
    stacks.client().continue_update_rollback(StackName="demo", ResourcesToSkip=["A"])
    continued = stacks.wait("demo")

    assert stuck["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert continued["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert ready.get_parameter(Name="/b")["Parameter"]["Value"] == "old"


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
