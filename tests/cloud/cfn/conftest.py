"""Stacks on an embedded cloud that refuses what it does not emulate faithfully."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud

ACCOUNT = "111111111111"
REGION = "sa-east-1"


@dataclass
class Stacks:
    """Deploys templates and waits for the end."""

    cloud: Cloud
    account: str = ACCOUNT

    def client(self, service: str = "cloudformation") -> Any:
        return self.cloud.client(service, account=self.account, region=REGION)

    def create(self, name: str, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Create a stack from resources; `template` adds other sections."""
        self.client().create_stack(StackName=name, **_request(resources, more))
        return self.wait(name)

    def update(self, name: str, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.client().update_stack(StackName=name, **_request(resources, more))
        return self.wait(name)

    def delete(self, name: str) -> dict[str, Any]:
        stack_id = self.describe(name)["StackId"]
        self.client().delete_stack(StackName=name)
        return self.wait(stack_id)

    def wait(self, name: str) -> dict[str, Any]:
        stack: dict[str, Any] = eventually(
            lambda: self.describe(name),
            lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS"),
            self.cloud,
        )
        return stack

    def describe(self, name: str) -> dict[str, Any]:
        stack: dict[str, Any] = self.client().describe_stacks(StackName=name)["Stacks"][0]
        return stack

    def events(self, name: str) -> list[tuple[str, str]]:
        """Return logical id and status of a stack's events, oldest first."""
        pages = self.client().get_paginator("describe_stack_events").paginate(StackName=name)
        events = [event for page in pages for event in page["StackEvents"]]
        return [(e["LogicalResourceId"], e["ResourceStatus"]) for e in reversed(events)]

    def reasons(self, name: str) -> str:
        """Return all reasons in a stack's events."""
        events = self.client().describe_stack_events(StackName=name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in reversed(events))

    def physical_id(self, name: str, logical_id: str) -> str:
        detail = self.client().describe_stack_resource(
            StackName=name, LogicalResourceId=logical_id
        )["StackResourceDetail"]
        physical_id: str = detail["PhysicalResourceId"]
        return physical_id


def _request(resources: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    more = dict(more)
    parameters = more.pop("parameters", {})
    body = {"Resources": resources, **more.pop("template", {})}
    return {
        "TemplateBody": json.dumps(body),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        **more,
    }


@pytest.fixture
def stacks(cloud: Cloud) -> Stacks:
    cloud.strict = True
    cloud.resume()
    return Stacks(cloud)
