"""What is heard of calls: events of CloudTrail, on the bus of the account."""

import base64
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.cloud.compute.conftest import DEV, REGION, Queue, make_queue, service_role

from mlzone_cloud.cloud import Cloud

_RECORDED = json.dumps({"detail-type": ["AWS API Call via CloudTrail"]})


@pytest.fixture
def trail(cloud: Cloud) -> str:
    cloud.client("s3", account=DEV).create_bucket(
        Bucket="logs-1", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    client = cloud.client("cloudtrail", account=DEV)
    client.create_trail(Name="trail", S3BucketName="logs-1", IsMultiRegionTrail=True)
    client.start_logging(Name="trail")
    return "trail"


@pytest.fixture
def heard(cloud: Cloud, trail: str) -> Queue:
    del trail
    queue = make_queue(cloud)
    events = cloud.client("events", account=DEV)
    events.put_rule(Name="r", EventPattern=_RECORDED)
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": queue.arn}])
    return queue


@pytest.fixture
def person(cloud: Cloud) -> Callable[[str], Any]:
    """Makes clients of a person who may do something, but no queues."""
    actions = ["sns:*", "s3:*", "ssm:PutParameter"]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    role = service_role(cloud, DEV, "admin", "lambda.amazonaws.com", allowed)

    def client(service: str) -> Any:
        return cloud.client(
            service, account=DEV, role=role, session_name="ana", source_identity="ana.souza"
        )

    return client


def test_a_call_is_told_with_who_made_it(heard: Queue, person: Callable[[str], Any]) -> None:
    person("sns").create_topic(Name="t", Attributes={"DisplayName": "T"})

    (event,) = heard.wait()
    record = event["detail"]
    identity = record["userIdentity"]
    session = identity["sessionContext"]
    assert (event["source"], event["account"], event["region"]) == ("aws.sns", DEV, REGION)
    assert (record["eventSource"], record["eventName"]) == ("sns.amazonaws.com", "CreateTopic")
    assert record["requestParameters"] == {"name": "t", "attributes": {"DisplayName": "T"}}
    assert record["readOnly"] is False
    assert identity["arn"] == f"arn:aws:sts::{DEV}:assumed-role/admin/ana"
    assert session["sessionIssuer"]["arn"] == f"arn:aws:iam::{DEV}:role/admin"
    assert session["sourceIdentity"] == "ana.souza"
    assert "errorCode" not in record


def test_a_refused_call_is_told_with_its_error(heard: Queue, person: Callable[[str], Any]) -> None:
    with pytest.raises(ClientError):
        person("sqs").create_queue(QueueName="q")

    (event,) = heard.wait()
    assert event["detail"]["errorCode"].startswith("AccessDenied")
    assert "sqs:CreateQueue" in event["detail"]["errorMessage"]


def test_data_are_not_told_and_secrets_are_hidden(
    heard: Queue, person: Callable[[str], Any]
) -> None:
    person("s3").put_object(Bucket="logs-1", Key="k", Body=b"1")
    person("ssm").put_parameter(Name="/p", Value="secret", Type="String")

    (event,) = heard.wait()
    assert event["detail"]["eventName"] == "PutParameter"
    assert "secret" not in json.dumps(event)


def test_reading_is_not_told_and_nothing_is_while_no_trail_logs(
    cloud: Cloud, heard: Queue, trail: str, person: Callable[[str], Any]
) -> None:
    trails = cloud.client("cloudtrail", account=DEV)
    sns = person("sns")

    sns.list_topics()
    trails.stop_logging(Name=trail)
    sns.create_topic(Name="silent")
    trails.start_logging(Name=trail)
    sns.create_topic(Name="heard")

    (event,) = heard.wait()
    assert event["detail"]["requestParameters"] == {"name": "heard"}


def test_a_sign_in_is_told_in_the_region_of_its_endpoint(cloud: Cloud, heard: Queue) -> None:
    sign_in(cloud, "https://signin.aws.amazon.com/saml", "INC-1")
    sign_in(cloud, f"https://{REGION}.signin.aws.amazon.com/saml", "INC-2")

    (event,) = heard.wait()
    record = event["detail"]
    assert record["eventName"] == "AssumeRoleWithSAML"
    assert record["userIdentity"]["type"] == "SAMLUser"
    assert record["requestParameters"]["principalTags"] == {"incident": "INC-2"}
    assert record["requestParameters"]["sourceIdentity"] == "ana.souza"
    assert "sAMLAssertion" not in record["requestParameters"]


_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
_METADATA = (
    '<md:EntityDescriptor entityID="https://idp.example.com" '
    'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"/>' + " " * 1000
)


def sign_in(cloud: Cloud, recipient: str, incident: str) -> None:
    iam = cloud.client("iam", account=DEV)
    provider = f"arn:aws:iam::{DEV}:saml-provider/people"
    role = f"arn:aws:iam::{DEV}:role/emergency"
    if not iam.list_saml_providers()["SAMLProviderList"]:
        iam.create_saml_provider(Name="people", SAMLMetadataDocument=_METADATA)
        trusted = {
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"],
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
        iam.create_role(RoleName="emergency", AssumeRolePolicyDocument=policy)
    said = {
        "Role": f"{role},{provider}",
        "RoleSessionName": "ana",
        "SourceIdentity": "ana.souza",
        "PrincipalTag:incident": incident,
    }
    inside = "".join(
        f'<s:Attribute Name="{_ATTRIBUTES}{name}"><s:AttributeValue>{value}</s:AttributeValue>'
        "</s:Attribute>"
        for name, value in said.items()
    )
    text = (
        '<s:Assertion xmlns:s="urn:oasis:names:tc:SAML:2.0:assertion"><s:Subject>'
        f'<s:SubjectConfirmation><s:SubjectConfirmationData Recipient="{recipient}"/>'
        f"</s:SubjectConfirmation></s:Subject><s:AttributeStatement>{inside}"
        "</s:AttributeStatement></s:Assertion>"
    )
    sts = boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=cloud.endpoint_url,
        config=Config(signature_version=UNSIGNED, retries={"max_attempts": 0}),
    )
    sts.meta.events.register("before-send", lambda request, **_: cloud._send(request, None))
    sts.assume_role_with_saml(
        RoleArn=role,
        PrincipalArn=provider,
        SAMLAssertion=base64.b64encode(text.encode()).decode(),
    )
