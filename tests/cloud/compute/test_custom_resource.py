"""A stack whose resource is made by a function of the stack's own, over the socket."""

import json
from typing import Any

from tests.cloud.compute.conftest import DEV
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud

CODE = """
import boto3
import cfnresponse

def handler(event, context):
    try:
        ssm = boto3.client("ssm")
        if event["RequestType"] == "Delete":
            ssm.delete_parameter(Name="/made")
        else:
            value = event["ResourceProperties"]["Value"]
            ssm.put_parameter(Name="/made", Value=value, Type="String", Overwrite=True)
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Name": "/made"}, "made")
    except Exception as error:
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, "made", reason=str(error))
"""


def template(action: str = "ssm:*") -> dict[str, Any]:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {
        "Parameters": {"Value": {"Type": "String"}},
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                    "Policies": [{"PolicyName": "p", "PolicyDocument": policy}],
                },
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": "index.handler",
                    "Timeout": 60,
                    "Role": {"Fn::GetAtt": "Role.Arn"},
                    "Code": {"ZipFile": CODE},
                },
            },
            "Thing": {
                "Type": "Custom::Thing",
                "Properties": {
                    "ServiceToken": {"Fn::GetAtt": "Function.Arn"},
                    "Value": {"Ref": "Value"},
                },
            },
        },
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": "Thing.Name"}}},
    }


def settle(cloud: Cloud, name: str) -> dict[str, Any]:
    cloudformation = cloud.client("cloudformation", account=DEV)
    stack: dict[str, Any] = eventually(
        lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0],
        lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS"),
        cloud,
    )
    return stack


def request(value: str, **more: str) -> dict[str, Any]:
    return {
        "StackName": "s",
        "TemplateBody": json.dumps(template(**more)),
        "Parameters": [{"ParameterKey": "Value", "ParameterValue": value}],
        "Capabilities": ["CAPABILITY_IAM"],
    }


def made(cloud: Cloud) -> list[str]:
    found = cloud.client("ssm", account=DEV).describe_parameters()["Parameters"]
    ssm = cloud.client("ssm", account=DEV)
    return [ssm.get_parameter(Name=item["Name"])["Parameter"]["Value"] for item in found]


def test_a_function_makes_changes_and_removes_a_resource(served: Cloud) -> None:
    served.resume()
    cloudformation = served.client("cloudformation", account=DEV)

    stack_id = cloudformation.create_stack(**request("one"))["StackId"]
    created = settle(served, "s")
    values = [made(served)]
    cloudformation.update_stack(**request("two"))
    updated = settle(served, "s")
    values.append(made(served))
    cloudformation.delete_stack(StackName="s")
    deleted = settle(served, stack_id)
    values.append(made(served))

    assert (created["StackStatus"], updated["StackStatus"], deleted["StackStatus"]) == (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "DELETE_COMPLETE",
    )
    assert created["Outputs"][0]["OutputValue"] == "/made"
    assert values == [["one"], ["two"], []]


def test_a_function_that_is_denied_fails_the_stack_with_its_reason(served: Cloud) -> None:
    served.resume()
    cloudformation = served.client("cloudformation", account=DEV)

    cloudformation.create_stack(**request("one", action="ssm:DeleteParameter"))
    stack = settle(served, "s")

    events = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
    assert stack["StackStatus"].startswith("ROLLBACK")
    assert "not authorized to perform: ssm:PutParameter" in reasons
