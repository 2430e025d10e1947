"""Lets tests act as sessions of roles, in process."""

import json
from typing import Any

import boto3
import botocore.config

from mlzone_cloud.cloud import Cloud

REGION = "sa-east-1"
MANAGEMENT, SHARED, DEV, PROD = "100000000001", "100000000002", "111111111111", "111111111113"


def statement(effect: str, actions: str | list[str], resource: Any = "*", **more: Any) -> Any:
    return {"Effect": effect, "Action": actions, "Resource": resource, **more}


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(*principals: str, actions: tuple[str, ...] = ("sts:AssumeRole",), **more: Any) -> str:
    given = {
        "Effect": "Allow",
        "Principal": {"AWS": list(principals)},
        "Action": list(actions),
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [given]})


def make_role(
    cloud: Cloud, account: str, name: str, *statements: Any, trusts: str = "", **more: Any
) -> str:
    iam = cloud.client("iam", account=account)
    document = trusts or trust(f"arn:aws:iam::{account}:root")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    arn: str = role["Role"]["Arn"]
    return arn


def client_with(cloud: Cloud, service: str, keys: dict[str, str]) -> Any:
    """Return an in-process client with somebody's credentials, as STS returns them."""
    client = boto3.client(
        service,
        region_name=REGION,
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
        config=botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
    )
    client.meta.events.register("before-send", lambda request, **_: cloud._send(request, None))
    return client


def root(cloud: Cloud, account: str, service: str) -> Any:
    credentials = cloud.identities.add_root(account).credentials
    return client_with(
        cloud,
        service,
        {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
        },
    )


def assume(cloud: Cloud, role_arn: str, name: str = "ana", **more: Any) -> dict[str, str]:
    sts = root(cloud, role_arn.split(":")[4], "sts")
    answer = sts.assume_role(RoleArn=role_arn, RoleSessionName=name, **more)
    keys: dict[str, str] = answer["Credentials"]
    return keys
