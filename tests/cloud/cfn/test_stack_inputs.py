"""What a stack is given: parameters, exports of others, change sets; and what is refused."""

import json

import pytest
from botocore.exceptions import ClientError
from tests.cloud.cfn.conftest import Stacks
from tests.cloud.cfn.described import Json, parameter, topic, values


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
