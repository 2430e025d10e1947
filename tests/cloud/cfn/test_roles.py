"""Resources are made with the permissions of the service role, or of who asks."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.cfn.conftest import ACCOUNT, REGION, Stacks

Json = dict[str, Any]


def role(stacks: Stacks, name: str, actions: list[str], principal: Json) -> str:
    iam = stacks.client("iam")
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    arn: str = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    return arn


PARAMETER = {"Name": "/a", "Type": "String", "Value": "1"}
RESOURCES = {
    "A": {"Type": "AWS::SSM::Parameter", "Properties": PARAMETER},
    "B": {"Type": "AWS::SNS::Topic", "DependsOn": "A", "Properties": {"TopicName": "b"}},
}
CLOUDFORMATION = {"Service": "cloudformation.amazonaws.com"}


def test_a_service_role_that_lacks_a_permission_fails_and_rolls_back(stacks: Stacks) -> None:
    arn = role(stacks, "deployer", ["ssm:*"], CLOUDFORMATION)

    stack = stacks.create("demo", RESOURCES, RoleARN=arn)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = stacks.reasons("demo")
    assert "assumed-role/deployer/AWSCloudFormation is not authorized to perform" in reasons
    assert "HandlerErrorCode: AccessDenied" in reasons
    assert not stacks.client("ssm").describe_parameters()["Parameters"]


def test_a_service_role_with_all_permissions_deploys(stacks: Stacks) -> None:
    arn = role(stacks, "deployer", ["ssm:*", "sns:*"], CLOUDFORMATION)

    stack = stacks.create("demo", RESOURCES, RoleARN=arn)

    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("demo")
    assert stack["RoleARN"] == arn


def test_a_role_that_does_not_trust_cloudformation_is_refused(stacks: Stacks) -> None:
    arn = role(stacks, "other", ["*"], {"Service": "lambda.amazonaws.com"})

    with pytest.raises(ClientError, match="is invalid or cannot be assumed"):
        stacks.create("demo", RESOURCES, RoleARN=arn)


def test_without_a_service_role_the_callers_permissions_count(stacks: Stacks) -> None:
    arn = role(
        stacks, "person", ["cloudformation:*", "ssm:*"], {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    )
    client = stacks.cloud.client("cloudformation", account=ACCOUNT, region=REGION, role=arn)

    client.create_stack(StackName="demo", TemplateBody=json.dumps({"Resources": RESOURCES}))

    stack = stacks.wait("demo")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "RoleARN" not in stack
    assert "not authorized to perform: sns:" in stacks.reasons("demo")


def test_who_may_not_pass_the_service_role_may_not_use_it(stacks: Stacks) -> None:
    deployer = role(stacks, "deployer", ["*"], CLOUDFORMATION)
    person = role(stacks, "person", ["cloudformation:*"], {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    client = stacks.cloud.client("cloudformation", account=ACCOUNT, region=REGION, role=person)

    with pytest.raises(ClientError, match="iam:PassRole"):
        client.create_stack(
            StackName="demo",
            TemplateBody=json.dumps({"Resources": RESOURCES}),
            RoleARN=deployer,
        )
