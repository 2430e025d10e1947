"""Resources of templates, and what stands in an account, for tests of stacks."""

from typing import Any

from tests.cloud.cfn.conftest import Stacks

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
