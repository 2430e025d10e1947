"""Who looks at a stack only every few seconds finds it done; all others are answered at once."""

import json
import threading
from typing import Any

import pytest
from tests.cloud.cfn.conftest import Stacks

from mlzone_cloud.cfn.types.platform import Parameter

BODY = json.dumps(
    {
        "Resources": {
            "A": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "/a", "Type": "String", "Value": "1"},
            }
        }
    }
)


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The parameter is made once this is set; until then, the cloud answers other requests."""
    original = Parameter._make
    ready = threading.Event()

    def waiting(self: Parameter, *arguments: Any) -> Any:
        assert ready.wait(60)
        return original(self, *arguments)

    monkeypatch.setattr(Parameter, "_make", waiting)
    monkeypatch.setattr(Parameter, "exclusive", False)
    return ready


def execute(stacks: Stacks, agent: str) -> str:
    """Carry a change set out as a program; return the stack's status after the answer."""
    client = stacks.client()
    client.meta.events.register(
        "request-created", lambda request, **_: request.headers.replace_header("User-Agent", agent)
    )
    client.create_change_set(
        StackName="demo", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=BODY
    )
    client.execute_change_set(StackName="demo", ChangeSetName="first")
    status: str = stacks.describe("demo")["StackStatus"]
    return status


def test_the_cdks_command_line_finds_done_what_it_has_set_going(
    stacks: Stacks, ready: threading.Event
) -> None:
    agent = "aws-cdk/2.1148.1 aws-sdk-js/3.1000.0"
    threading.Timer(0.5, ready.set).start()

    assert execute(stacks, agent) == "CREATE_COMPLETE"

    stacks.client().delete_stack(StackName="demo")
    assert not stacks.client().list_stacks(StackStatusFilter=["DELETE_IN_PROGRESS"])[
        "StackSummaries"
    ]


def test_others_see_the_stack_in_progress(stacks: Stacks, ready: threading.Event) -> None:
    assert execute(stacks, "Boto3/1.44 md/Botocore") == "CREATE_IN_PROGRESS"

    ready.set()
    assert stacks.wait("demo")["StackStatus"] == "CREATE_COMPLETE"
