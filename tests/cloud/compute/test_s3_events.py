"""What S3 tells about its objects."""

import json
from typing import Any

import pytest
from tests.cloud.compute.conftest import DEV, REGION, Functions, Queue, make_queue
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud


@pytest.fixture
def heard(cloud: Cloud) -> Queue:
    """A queue that hears of everything in the bucket `models-1`."""
    s3 = cloud.client("s3", account=DEV)
    s3.create_bucket(Bucket="models-1", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_notification_configuration(
        Bucket="models-1", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    queue = make_queue(cloud)
    events = cloud.client("events", account=DEV)
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": ["models-1"]}}}
    events.put_rule(Name="r", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": queue.arn}])
    return queue


def parts(s3: Any) -> None:
    upload = s3.create_multipart_upload(Bucket="models-1", Key="a/release.zip")["UploadId"]
    names = {"Bucket": "models-1", "Key": "a/release.zip", "UploadId": upload}
    tag = s3.upload_part(**names, PartNumber=1, Body=b"body")["ETag"]
    s3.complete_multipart_upload(
        **names, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]}
    )


def copy(s3: Any) -> None:
    s3.create_bucket(Bucket="other-1", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="other-1", Key="x", Body=b"body")
    s3.copy_object(
        Bucket="models-1", Key="a/release.zip", CopySource={"Bucket": "other-1", "Key": "x"}
    )


def plain(s3: Any) -> None:
    s3.put_object(Bucket="models-1", Key="a/release.zip", Body=b"body")


@pytest.mark.parametrize(
    ("make", "reason"),
    [(plain, "PutObject"), (parts, "CompleteMultipartUpload"), (copy, "CopyObject")],
)
def test_a_new_object_is_announced_once(cloud: Cloud, heard: Queue, make: Any, reason: str) -> None:
    make(cloud.client("s3", account=DEV))

    (event,) = heard.wait()
    assert event["detail-type"] == "Object Created"
    assert event["resources"] == ["arn:aws:s3:::models-1"]
    detail = event["detail"]
    assert detail["reason"] == reason
    assert detail["bucket"] == {"name": "models-1"}
    assert (detail["object"]["key"], detail["object"]["size"]) == ("a/release.zip", 4)
    assert detail["requester"] == DEV


def test_a_new_version_is_named(cloud: Cloud, heard: Queue) -> None:
    s3 = cloud.client("s3", account=DEV)
    s3.put_bucket_versioning(Bucket="models-1", VersioningConfiguration={"Status": "Enabled"})

    version = s3.put_object(Bucket="models-1", Key="k", Body=b"1")["VersionId"]

    assert heard.wait()[0]["detail"]["object"]["version-id"] == version


def test_a_removal_is_announced(cloud: Cloud, heard: Queue) -> None:
    s3 = cloud.client("s3", account=DEV)
    s3.put_object(Bucket="models-1", Key="k", Body=b"1")
    heard.wait()

    s3.delete_object(Bucket="models-1", Key="k")

    (event,) = heard.wait()
    assert event["detail-type"] == "Object Deleted"
    assert event["detail"]["deletion-type"] == "Permanently Deleted"


def test_a_bucket_without_the_setting_says_nothing(cloud: Cloud, heard: Queue) -> None:
    s3 = cloud.client("s3", account=DEV)
    s3.put_bucket_notification_configuration(Bucket="models-1", NotificationConfiguration={})

    plain(s3)

    eventually(lambda: not cloud.background)
    assert heard.bodies() == []


def test_a_function_hears_of_objects_if_its_policy_lets_s3(functions: Functions) -> None:
    cloud = functions.cloud
    arn = functions.make("def handler(event, context): print(event['Records'][0]['s3']['object'])")
    functions.client.add_permission(
        FunctionName="f",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::models-1",
        SourceAccount=DEV,
    )
    s3 = cloud.client("s3", account=DEV)
    s3.create_bucket(Bucket="models-1", CreateBucketConfiguration={"LocationConstraint": REGION})
    configuration = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="models-1",
        NotificationConfiguration={"LambdaFunctionConfigurations": [configuration]},
    )

    plain(s3)

    assert functions.heard("release.zip")
