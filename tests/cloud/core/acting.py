"""Lets tests act as sessions of roles, in process."""

import base64
import json
from typing import Any

import boto3
import botocore.config
from botocore import UNSIGNED

from mlzone_cloud.cloud import Cloud

REGION = "sa-east-1"
SIGN_IN = "https://signin.aws.amazon.com/saml"
_METADATA = (
    '<?xml version="1.0"?><md:EntityDescriptor entityID="https://idp.example.com" '
    'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>' + " " * 1000
)
_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
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


def provider(cloud: Cloud) -> str:
    """Make an identity provider of people."""
    made = cloud.client("iam", account=DEV).create_saml_provider(
        Name="people", SAMLMetadataDocument=_METADATA
    )
    arn: str = made["SAMLProviderArn"]
    return arn


def federated_trust(provider_arn: str, *actions: str) -> str:
    """Return a trust policy for the people of a provider."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": provider_arn},
                    "Action": list(actions),
                    "Condition": {"StringEquals": {"SAML:aud": SIGN_IN}},
                }
            ],
        }
    )


def assertion(attributes: dict[str, list[str]], recipient: str = SIGN_IN) -> str:
    """Return what an identity provider says of a person."""
    inside = "".join(
        f'<saml:Attribute Name="{_ATTRIBUTES}{name}">'
        + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
        + "</saml:Attribute>"
        for name, values in attributes.items()
    )
    text = (
        '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Subject>'
        f'<saml:SubjectConfirmation><saml:SubjectConfirmationData Recipient="{recipient}"/>'
        "</saml:SubjectConfirmation></saml:Subject>"
        f"<saml:AttributeStatement>{inside}</saml:AttributeStatement></saml:Assertion>"
    )
    return base64.b64encode(text.encode()).decode()


def federate(
    cloud: Cloud, role: str, provider_arn: str, *, recipient: str = SIGN_IN, **attributes: list[str]
) -> Any:
    """Begin a session of a role for a person; in the names of attributes `__` is a colon."""
    sts = boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=cloud.endpoint_url,
        config=botocore.config.Config(signature_version=UNSIGNED, retries={"max_attempts": 0}),
    )
    sts.meta.events.register("before-send", lambda request, **_: cloud._send(request, None))
    said = {name.replace("__", ":"): values for name, values in attributes.items()}
    said.setdefault("Role", [f"{role},{provider_arn}"])
    said.setdefault("RoleSessionName", ["ana"])
    return sts.assume_role_with_saml(
        RoleArn=role, PrincipalArn=provider_arn, SAMLAssertion=assertion(said, recipient)
    )
