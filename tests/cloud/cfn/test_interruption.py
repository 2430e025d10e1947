"""A cloud that is stopped in the middle of a stack operation goes on with it."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.cfn.conftest import ACCOUNT, Stacks
from tests.cloud.waiting import eventually

from mlzone_cloud.cfn.types.platform import Parameter

Json = dict[str, Any]


class StoppedError(BaseException):
    """The process ends here."""


def parameter(name: str, value: str = "1", **more: Any) -> Json:
    properties = {"Name": name, "Type": "String", "Value": value}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties, **more}


def stop_at(monkeypatch: pytest.MonkeyPatch, method: str, name: str, value: str = "") -> None:
    """Let the process end when a parameter is about to be made, changed or removed."""
    original = getattr(Parameter, method)

    def stopping(self: Parameter, *arguments: Any) -> Any:
        given = [item for item in arguments if isinstance(item, dict)]
        named = name in (*arguments, *(item.get("Name") for item in given))
        if named and (not value or given[-1]["Value"] == value):
            raise StoppedError
        return original(self, *arguments)

    monkeypatch.setattr(Parameter, method, stopping)


def wait_for_stop(stacks: Stacks) -> None:
    """Wait until nothing works on a stack any more, since the process has ended."""
    eventually(lambda: not stacks.cloud.background, cloud=stacks.cloud)


def names(stacks: Stacks) -> dict[str, str]:
    listed = stacks.client("ssm").get_parameters_by_path(Path="/", Recursive=True)["Parameters"]
    return {item["Name"]: item["Value"] for item in listed}


def chain(**values: str) -> Json:
    """Return parameters that are made one after the other."""
    resources: Json = {}
    for name, value in values.items():
        more = {"DependsOn": list(resources)} if resources else {}
        resources[name] = parameter(f"/{name}", value, **more)
    return resources


@pytest.mark.parametrize("stopped", ["/b", "/c"])
def test_a_creation_is_finished(
    stacks: Stacks, monkeypatch: pytest.MonkeyPatch, stopped: str
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, "_make", stopped)
        stacks.client().create_stack(
            StackName="demo", TemplateBody=json.dumps({"Resources": chain(a="1", b="1", c="1")})
        )
        wait_for_stop(stacks)
        before = stacks.describe("demo")["StackStatus"]

    stacks.cloud.resume()

    assert before == "CREATE_IN_PROGRESS"
    assert stacks.wait("demo")["StackStatus"] == "CREATE_COMPLETE"
    assert set(names(stacks)) == {"/a", "/b", "/c"}


def test_an_update_is_finished(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    stacks.create("demo", chain(a="1", b="1", c="1"))
    with monkeypatch.context() as patch:
        stop_at(patch, "_change", "/b")
        stacks.client().update_stack(
            StackName="demo", TemplateBody=json.dumps({"Resources": chain(a="2", b="2", d="2")})
        )
        wait_for_stop(stacks)
        between = names(stacks)

    stacks.cloud.resume()

    assert between == {"/a": "2", "/b": "1", "/c": "1"}
    assert stacks.wait("demo")["StackStatus"] == "UPDATE_COMPLETE"
    assert names(stacks) == {"/a": "2", "/b": "2", "/d": "2"}


def test_a_rollback_is_finished(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    stacks.create("demo", chain(a="1", b="1"))
    bad = {
        **chain(a="2", b="2"),
        "Z": {
            "Type": "AWS::SageMaker::Space",
            "DependsOn": ["a", "b"],
            "Properties": {"DomainId": "d-1", "SpaceName": "bad name"},
        },
    }
    with monkeypatch.context() as patch:
        stop_at(patch, "_change", "/a", value="1")
        stacks.client().update_stack(StackName="demo", TemplateBody=json.dumps({"Resources": bad}))
        wait_for_stop(stacks)
        before = stacks.describe("demo")["StackStatus"]

    stacks.cloud.resume()

    assert before == "UPDATE_ROLLBACK_IN_PROGRESS"
    assert stacks.wait("demo")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert names(stacks) == {"/a": "1", "/b": "1"}


def test_a_deletion_is_finished(stacks: Stacks, monkeypatch: pytest.MonkeyPatch) -> None:
    stack_id = stacks.create("demo", chain(a="1", b="1", c="1"))["StackId"]
    with monkeypatch.context() as patch:
        stop_at(patch, "_drop", "/b")
        stacks.client().delete_stack(StackName="demo")
        wait_for_stop(stacks)
        between = set(names(stacks))

    stacks.cloud.resume()

    assert between == {"/a", "/b"}
    assert stacks.wait(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert names(stacks) == {}


@pytest.mark.cloud
def test_a_killed_process_finishes_after_its_restart_and_takes_the_next_deployment(
    start_server: Callable[[Path], Any], tmp_path: Path
) -> None:
    resources = chain(**{f"p{index}": "1" for index in range(60)})
    body = json.dumps({"Resources": resources})
    server = start_server(tmp_path / "state")
    client = server.client("cloudformation", account=ACCOUNT)
    client.create_stack(StackName="demo", TemplateBody=body)
    state = tmp_path / "state"
    for _ in range(400):
        if client.list_stack_resources(StackName="demo")["StackResourceSummaries"]:
            break
        time.sleep(0.005)
    time.sleep(0.6)
    server.stop(with_signal=signal.SIGKILL)

    again = start_server(state)
    client = again.client("cloudformation", account=ACCOUNT)
    for _ in range(600):
        try:
            status = client.describe_stacks(StackName="demo")["Stacks"][0]["StackStatus"]
        except client.exceptions.ClientError:
            # Killed before the request was written down: it has to be made again.
            client.create_stack(StackName="demo", TemplateBody=body)
            continue
        if not status.endswith("IN_PROGRESS"):
            break
        time.sleep(0.05)

    assert status == "CREATE_COMPLETE", [
        event.get("ResourceStatusReason")
        for event in client.describe_stack_events(StackName="demo")["StackEvents"]
    ]
    changed = body.replace('"Value": "1"', '"Value": "2"')
    client.update_stack(StackName="demo", TemplateBody=changed)
    client.get_waiter("stack_update_complete").wait(
        StackName="demo", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    value = again.client("ssm", account=ACCOUNT).get_parameter(Name="/p59")["Parameter"]["Value"]
    assert value == "2"


def test_a_stack_that_waits_for_a_resource_does_not_hold_up_the_clouds_end(
    stacks: Stacks,
) -> None:
    """Its function never answers; the next start takes the stack up again."""
    topic = stacks.client("sns").create_topic(Name="nobody")["TopicArn"]
    waiting = {"Type": "Custom::Waiting", "Properties": {"ServiceToken": topic}}
    stacks.client().create_stack(
        StackName="demo", TemplateBody=json.dumps({"Resources": {"A": waiting}})
    )
    assert stacks.describe("demo")["StackStatus"] == "CREATE_IN_PROGRESS"

    stacks.cloud.stop()

    wait_for_stop(stacks)
    assert stacks.describe("demo")["StackStatus"] == "CREATE_IN_PROGRESS"
