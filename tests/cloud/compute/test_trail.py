"""What is heard of calls: events of CloudTrail, on the bus of the account."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.compute.conftest import DEV, REGION, Queue, make_queue, service_role
from tests.cloud.core.acting import SIGN_IN, federate, federated_trust, make_role, provider

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


def test_what_the_cloud_does_by_itself_is_not_told(
    cloud: Cloud, heard: Queue, person: Callable[[str], Any]
) -> None:
    cloud.client("sns", account=DEV).create_topic(Name="by-itself")
    person("sns").create_topic(Name="by-a-person")

    (event,) = heard.wait()
    assert event["detail"]["requestParameters"] == {"name": "by-a-person"}


def test_a_sign_in_is_told_in_the_region_of_its_endpoint(cloud: Cloud, heard: Queue) -> None:
    people = provider(cloud)
    actions = ("sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity")
    regional = f"https://{REGION}.signin.aws.amazon.com/saml"
    for name, endpoint in (("global", SIGN_IN), ("regional", regional)):
        trusts = federated_trust(people, *actions).replace(SIGN_IN, endpoint)
        role = make_role(cloud, DEV, name, trusts=trusts)
        said = {"PrincipalTag__incident": [name], "SourceIdentity": ["ana.souza"]}
        federate(cloud, role, people, recipient=endpoint, **said)

    (event,) = heard.wait()
    record = event["detail"]
    assert record["eventName"] == "AssumeRoleWithSAML"
    assert record["userIdentity"]["type"] == "SAMLUser"
    assert record["requestParameters"]["principalTags"] == {"incident": "regional"}
    assert record["requestParameters"]["sourceIdentity"] == "ana.souza"
    assert "sAMLAssertion" not in record["requestParameters"]
