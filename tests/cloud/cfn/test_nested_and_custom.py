"""Stacks within stacks, and resources that a function makes."""

import json
import threading
import urllib.parse
from typing import Any

import pytest
from tests.cloud.cfn.conftest import ACCOUNT, REGION, Stacks

from mlzone_cloud.cfn import custom_resource
from mlzone_cloud.operations import OPERATIONS, Call, Registered

Json = dict[str, Any]
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:maker"


def parameter(name: str, value: Any) -> Json:
    properties = {"Name": name, "Type": "String", "Value": value}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties}


def upload(stacks: Stacks, key: str, body: Json) -> str:
    s3 = stacks.client("s3")
    if not s3.list_buckets()["Buckets"]:
        s3.create_bucket(
            Bucket="templates", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
    s3.put_object(Bucket="templates", Key=key, Body=json.dumps(body).encode())
    return f"https://s3.{REGION}.amazonaws.com/templates/{key}"


def child(value: Any) -> Json:
    return {
        "Parameters": {"Value": {"Type": "String"}},
        "Resources": {"P": parameter("/child", value)},
        "Outputs": {"Name": {"Value": {"Ref": "P"}}},
    }


def nested(url: str, value: str = "1") -> Json:
    return {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": url, "Parameters": {"Value": value}},
    }


def read(stacks: Stacks, name: str) -> str:
    value: str = stacks.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return value


def test_a_nested_stack_is_made_changed_and_removed_with_its_parent(stacks: Stacks) -> None:
    url = upload(stacks, "child.json", child({"Ref": "Value"}))
    made = stacks.create(
        "parent",
        {"Child": nested(url), "P": parameter("/out", {"Fn::GetAtt": "Child.Outputs.Name"})},
    )
    child_id = stacks.physical_id("parent", "Child")
    changed = stacks.update(
        "parent",
        {"Child": nested(url, "2"), "P": parameter("/out", {"Fn::GetAtt": "Child.Outputs.Name"})},
    )
    after_update = read(stacks, "/child")
    removed = stacks.delete("parent")

    assert (made["StackStatus"], changed["StackStatus"], removed["StackStatus"]) == (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "DELETE_COMPLETE",
    )
    assert after_update == "2"
    assert stacks.describe(child_id)["StackStatus"] == "DELETE_COMPLETE"
    assert stacks.describe(child_id)["ParentId"] == made["StackId"]


def test_a_nested_stack_returns_to_its_old_state_with_its_parent(stacks: Stacks) -> None:
    url = upload(stacks, "child.json", child({"Ref": "Value"}))
    stacks.create("parent", {"Child": nested(url)})
    bad = {
        "Type": "AWS::SageMaker::Space",
        "DependsOn": "Child",
        "Properties": {"DomainId": "d-1", "SpaceName": "bad name"},
    }

    stack = stacks.update("parent", {"Child": nested(url, "2"), "Bad": bad})

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert read(stacks, "/child") == "1"


def test_a_nested_stack_that_fails_fails_its_parent(stacks: Stacks) -> None:
    url = upload(stacks, "child.json", child({"Fn::Select": [3, ["a"]]}))

    stack = stacks.create("parent", {"Child": nested(url)})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "was not successfully created" in stacks.reasons("parent")
    missing = stacks.create("lost", {"Child": nested(url.replace("child", "nobody"))})
    assert "NoSuchKey" in stacks.reasons("lost"), missing


class Maker:
    """Stands in for the function behind a custom resource."""

    def __init__(self, stacks: Stacks) -> None:
        self.requests: list[Json] = []
        self.answer: Json = {"Status": "SUCCESS", "PhysicalResourceId": "made-1"}
        self._stacks = stacks

    def __call__(self, call: Call) -> Json:
        event = json.loads(call.params["Payload"])
        self.requests.append(event)
        if self.answer:
            threading.Thread(target=self._respond, args=(event, dict(self.answer))).start()
        return {"StatusCode": 202, "Payload": b""}

    def _respond(self, event: Json, answer: Json) -> None:
        import io  # noqa: PLC0415

        body = json.dumps(answer).encode()
        path = urllib.parse.urlsplit(event["ResponseURL"]).path
        self._stacks.cloud.routes[custom_resource.PATH](
            {
                "PATH_INFO": path,
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": io.BytesIO(body),
            }
        )


@pytest.fixture
def maker(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> Maker:
    made = Maker(stacks)
    monkeypatch.setitem(OPERATIONS, ("lambda", "Invoke"), Registered(made, exclusive=False))
    return made


def custom(**properties: Any) -> Json:
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": FUNCTION, **properties}}


def test_a_custom_resource_is_asked_and_answers(stacks: Stacks, maker: Maker) -> None:
    maker.answer["Data"] = {"Colour": "red"}

    stacks.create(
        "demo",
        {"C": custom(Size=3, Deep={"On": True}), "P": parameter("/p", {"Fn::GetAtt": "C.Colour"})},
    )
    stacks.delete("demo")

    made, removed = maker.requests
    assert made["RequestType"] == "Create"
    assert made["ResourceType"] == "Custom::Thing"
    assert made["ResourceProperties"] == {
        "ServiceToken": FUNCTION,
        "Size": "3",
        "Deep": {"On": "true"},
    }
    assert (removed["RequestType"], removed["PhysicalResourceId"]) == ("Delete", "made-1")


def test_another_physical_id_replaces_a_custom_resource(stacks: Stacks, maker: Maker) -> None:
    stacks.create("demo", {"C": custom(Size=1)})
    maker.answer["PhysicalResourceId"] = "made-2"

    stacks.update("demo", {"C": custom(Size=2)})

    assert [(r["RequestType"], r.get("PhysicalResourceId")) for r in maker.requests] == [
        ("Create", None),
        ("Update", "made-1"),
        ("Delete", "made-1"),
    ]
    assert maker.requests[1]["OldResourceProperties"]["Size"] == "1"


def test_a_custom_resource_that_says_no_fails_the_stack(stacks: Stacks, maker: Maker) -> None:
    maker.answer = {"Status": "FAILED", "Reason": "no room", "PhysicalResourceId": "half-made"}

    stack = stacks.create("demo", {"C": custom()})

    assert stack["StackStatus"] == "ROLLBACK_FAILED"
    assert "Message returned: no room" in stacks.reasons("demo")
    assert maker.requests[-1]["PhysicalResourceId"] == "half-made"


def test_a_custom_resource_that_is_silent_times_out(stacks: Stacks, maker: Maker) -> None:
    maker.answer = {}

    stack = stacks.create("demo", {"C": custom(ServiceTimeout=1)})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "did not receive a response from your Custom Resource" in stacks.reasons("demo")
