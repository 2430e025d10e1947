"""Who asked what of a bucket: lines that S3 gathers and delivers."""

import json
from datetime import timedelta
from typing import Any

import pytest

from mlzone_cloud.cloud import Cloud

DEV, REGION = "111111111111", "sa-east-1"
WAIT = timedelta(minutes=6)


@pytest.fixture
def s3(cloud: Cloud) -> Any:
    """A bucket whose requests are logged, and the bucket of the logs."""
    client = cloud.client("s3", account=DEV)
    for name in ("asked", "logs"):
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    client.put_bucket_policy(Bucket="logs", Policy=json.dumps(policy))
    to = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "of-asked/"}}
    client.put_bucket_logging(Bucket="asked", BucketLoggingStatus=to)
    return client


def delivered(s3: Any) -> list[list[str]]:
    """Return the lines of each object that was delivered."""
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="logs").get("Contents", ())]
    assert all(key.startswith("of-asked/20") for key in keys)
    bodies = [s3.get_object(Bucket="logs", Key=key)["Body"].read().decode() for key in keys]
    return [body.splitlines() for body in bodies]


def test_requests_of_some_minutes_are_one_object(cloud: Cloud, s3: Any) -> None:
    s3.put_object(Bucket="asked", Key="a b", Body=b"1")
    s3.get_object(Bucket="asked", Key="a b")
    s3.list_objects_v2(Bucket="asked")
    cloud.tick()
    assert delivered(s3) == []

    cloud.advance(WAIT)

    (lines,) = delivered(s3)
    assert [line.split()[7] for line in lines] == [
        "REST.PUT.OBJECT",
        "REST.GET.OBJECT",
        "REST.GET.BUCKET",
    ]
    assert [line.split()[8] for line in lines] == ["a%20b", "a%20b", "-"]
    assert {line.split()[1] for line in lines} == {"asked"}


def test_what_is_not_logged_and_logs_themselves_leave_no_lines(cloud: Cloud, s3: Any) -> None:
    s3.put_bucket_logging(Bucket="asked", BucketLoggingStatus={})
    cloud.advance(WAIT)
    before = delivered(s3)

    s3.put_object(Bucket="asked", Key="a", Body=b"1")
    cloud.advance(WAIT)

    assert delivered(s3) == before


def test_what_has_been_gathered_is_delivered_when_the_cloud_stops(cloud: Cloud, s3: Any) -> None:
    s3.put_object(Bucket="asked", Key="a", Body=b"1")
    cloud.stop()

    assert [len(lines) for lines in delivered(s3)] == [1]
