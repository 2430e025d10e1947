"""Single resources through the Cloud Control API."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.cfn.conftest import Stacks

TYPE = "AWS::SSM::Parameter"


def create(stacks: Stacks, **properties: Any) -> dict[str, Any]:
    answer = stacks.client("cloudcontrol").create_resource(
        TypeName=TYPE, DesiredState=json.dumps(properties)
    )
    event: dict[str, Any] = answer["ProgressEvent"]
    return event


def test_a_resource_is_made_read_changed_and_removed(stacks: Stacks) -> None:
    client = stacks.client("cloudcontrol")
    made = create(stacks, Name="/a", Type="String", Value="1")
    client.update_resource(
        TypeName=TYPE,
        Identifier="/a",
        PatchDocument=json.dumps([{"op": "replace", "path": "/Value", "value": "2"}]),
    )
    read = client.get_resource(TypeName=TYPE, Identifier="/a")["ResourceDescription"]
    client.delete_resource(TypeName=TYPE, Identifier="/a")

    assert (made["OperationStatus"], made["Identifier"]) == ("SUCCESS", "/a")
    assert json.loads(read["Properties"])["Value"] == "2"
    with pytest.raises(ClientError, match="was not found"):
        client.get_resource(TypeName=TYPE, Identifier="/a")
    assert not stacks.client("ssm").describe_parameters()["Parameters"]


def test_what_the_schema_does_not_allow_is_refused(stacks: Stacks) -> None:
    failed = create(stacks, Name="/a", Type="Number", Value="1")

    assert failed["OperationStatus"] == "FAILED"
    assert failed["ErrorCode"] == "InvalidRequest"
    assert "Number is not a valid enum value" in failed["StatusMessage"]


def test_a_create_only_property_stays(stacks: Stacks) -> None:
    create(stacks, Name="/a", Type="String", Value="1")

    refused = stacks.client("cloudcontrol").update_resource(
        TypeName=TYPE,
        Identifier="/a",
        PatchDocument=json.dumps([{"op": "replace", "path": "/Name", "value": "/b"}]),
    )

    assert refused["ProgressEvent"]["ErrorCode"] == "NotUpdatable"


def test_resources_of_stacks_are_listed_too(stacks: Stacks) -> None:
    create(stacks, Name="/a", Type="String", Value="1")
    properties = {"Name": "/b", "Type": "String", "Value": "2"}
    stacks.create("demo", {"B": {"Type": TYPE, "Properties": properties}})

    listed = stacks.client("cloudcontrol").list_resources(TypeName=TYPE)["ResourceDescriptions"]

    assert {item["Identifier"] for item in listed} == {"/a", "/b"}
