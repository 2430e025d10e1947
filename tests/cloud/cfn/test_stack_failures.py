"""What fails is taken back as in AWS, or waits for a decision."""

import json

import pytest
from botocore.exceptions import ClientError
from tests.cloud.cfn.conftest import ACCOUNT, Stacks
from tests.cloud.cfn.described import parameter, space, topic, values


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
