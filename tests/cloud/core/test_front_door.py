"""What every request meets first."""

import boto3
import pytest
from botocore.exceptions import ClientError

from mlzone_cloud.cloud import Cloud

DEV, SHARED = "111111111111", "100000000002"


def test_a_service_client_works_in_any_account_of_the_organization(cloud: Cloud) -> None:
    client = cloud.client("sns", account=DEV)

    topic = client.create_topic(Name="alerts")["TopicArn"]

    assert topic == f"arn:aws:sns:sa-east-1:{DEV}:alerts"
    assert cloud.client("sns", account=SHARED).list_topics()["Topics"] == []


def test_an_unknown_access_key_is_refused(cloud: Cloud) -> None:
    client = cloud.client("sts", account=DEV)
    stranger = boto3.client(
        "sts",
        region_name="sa-east-1",
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id="AKIAAAAAAAAAAAAAAAAA",
        aws_secret_access_key="guess",
    )
    stranger.meta.events.register("before-send", lambda request, **_: cloud._send(request, None))
    assert client.get_caller_identity()["Account"] == DEV

    with pytest.raises(ClientError) as refusal:
        stranger.get_caller_identity()

    assert refusal.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_what_nobody_emulates_is_refused_and_counted(cloud: Cloud) -> None:
    client = cloud.client("sagemaker", account=DEV)

    with pytest.raises(ClientError) as refusal:
        client.render_ui_template(
            Task={"Input": "{}"}, RoleArn=f"arn:aws:iam::{DEV}:role/x", UiTemplate={"Content": "x"}
        )

    assert refusal.value.response["Error"]["Code"] == "NotImplemented"
    assert cloud.statistics.not_implemented["sagemaker:RenderUiTemplate"] == 1
