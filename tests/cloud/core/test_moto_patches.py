"""What we correct in moto, and whether moto still needs it.

Each correction has a test of its effect and one that fails once moto does it right by itself: then
the correction can go.
"""

import inspect
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from mlzone_cloud.cloud import Cloud

DEV = "111111111111"


def unpatched(code: str) -> str:
    """Run code in a Python process in which moto is as it came."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_managed_policies_appear_when_they_are_named(cloud: Cloud) -> None:
    from moto.iam.models import iam_backends  # noqa: PLC0415

    iam = cloud.client("iam", account=DEV)
    made = len(dict.keys(iam_backends[DEV]["aws"].managed_policies))
    iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")

    named = iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/job-function/ViewOnlyAccess")
    listed = iam.get_paginator("list_policies").paginate(Scope="AWS").build_full_result()

    assert made < 5
    assert named["Policy"]["PolicyName"] == "ViewOnlyAccess"
    assert len(listed["Policies"]) > 1000
    with pytest.raises(ClientError):
        iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/Nonsense")


def test_moto_still_makes_all_managed_policies_or_none() -> None:
    source = unpatched(
        "import inspect, moto.iam.models as m; "
        "print(inspect.getsource(m.IAMBackend._init_aws_policies))"
    )

    assert "for name, d in aws_managed_policies_data_parsed.items()" in source


def test_symmetric_keys_are_made_quickly(cloud: Cloud) -> None:
    kms = cloud.client("kms", account=DEV)
    kms.create_key()
    started = time.process_time()

    for _ in range(20):
        kms.create_key()

    assert time.process_time() - started < 1


def test_moto_still_makes_an_rsa_key_for_a_symmetric_key() -> None:
    kind = unpatched(
        "from moto.kms.models import generate_private_key; "
        "print(type(generate_private_key('SYMMETRIC_DEFAULT')).__name__)"
    )

    assert "RSA" in kind


def test_moto_still_locks_a_bucket_that_denies_plain_http() -> None:
    answer = unpatched(
        """
import json
from moto.s3.models import FakeBucket
b = FakeBucket("b", "1", "us-east-1")
statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
             "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
b.policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()
print(b.get_permission("s3:GetObject", "arn:aws:s3:::b/k").name)
"""
    )

    assert answer == "DENIED"


def test_offerings_of_instance_types_are_read_when_asked(cloud: Cloud) -> None:
    from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS  # noqa: PLC0415

    offered = cloud.client("ec2", account=DEV).describe_instance_type_offerings(
        LocationType="region", Filters=[{"Name": "instance-type", "Values": ["t3.micro"]}]
    )

    assert [item["InstanceType"] for item in offered["InstanceTypeOfferings"]] == ["t3.micro"]
    assert offered["InstanceTypeOfferings"][0]["LocationType"] == "region"
    loaded = [o for o in INSTANCE_TYPE_OFFERINGS["region"].values() if o._items is not None]
    assert len(loaded) <= 2


def test_moto_still_reads_all_offerings_at_once() -> None:
    source = unpatched(
        "import inspect, moto.ec2.models.instance_types as m; print(inspect.getsource(m))"
    )

    assert "for data_file in listdir(root / offerings_path / _location_type)" in source


def test_the_hooks_that_we_rely_on_are_there() -> None:
    from moto.core.base_backend import AccountSpecificBackend, BackendDict  # noqa: PLC0415
    from moto.s3.models import FakeKey  # noqa: PLC0415

    assert issubclass(AccountSpecificBackend, dict)
    assert issubclass(BackendDict, dict)
    assert list(inspect.signature(AccountSpecificBackend.__getitem__).parameters) == [
        "self",
        "region_name",
    ]
    assert isinstance(FakeKey.value, property)


def test_moto_tells_the_clouds_time(cloud: Cloud) -> None:
    cloud.clock.advance(timedelta(days=30))

    made = cloud.client("sqs", account=DEV).create_queue(QueueName="q")["QueueUrl"]

    found = cloud.client("sqs", account=DEV).get_queue_attributes(
        QueueUrl=made, AttributeNames=["CreatedTimestamp"]
    )
    ago = cloud.clock.now().timestamp() - float(found["Attributes"]["CreatedTimestamp"])
    assert abs(ago) < 60


def test_moto_still_asks_the_machine_for_the_time() -> None:
    source = unpatched("import inspect, moto.core.utils as m; print(inspect.getsource(m.utcnow))")

    assert "datetime.datetime.now(UTC)" in source


def test_statements_of_a_bus_stand_beside_each_other(cloud: Cloud) -> None:
    events = cloud.client("events", account=DEV)

    for name in ("a", "b"):
        events.put_permission(StatementId=name, Principal="*", Action="events:PutEvents")

    policy = json.loads(events.describe_event_bus()["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["a", "b"]


def test_moto_still_removes_statements_of_the_same_principal() -> None:
    source = unpatched(
        "import inspect, moto.events.models as m; print(inspect.getsource(m.EventBus))"
    )

    assert "self._remove_principals_statements(principal)" in source


def test_alarms_are_found_by_name_and_state_together(cloud: Cloud) -> None:
    cloudwatch = cloud.client("cloudwatch", account=DEV)
    for name in ("drift-a", "drift-b", "other"):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="N",
            MetricName="M",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    for name in ("drift-a", "other"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")

    found = cloudwatch.describe_alarms(AlarmNamePrefix="drift", StateValue="ALARM")

    assert [alarm["AlarmName"] for alarm in found["MetricAlarms"]] == ["drift-a"]


def test_moto_still_ignores_the_state_of_alarms_beside_their_name() -> None:
    code = """
from moto.cloudwatch.responses import CloudWatchResponse
import inspect
print("elif state_value" in inspect.getsource(CloudWatchResponse.describe_alarms))
"""
    assert unpatched(code) == "True"


def test_of_many_conditional_writes_one_wins(cloud: Cloud) -> None:
    s3 = cloud.client("s3", account=DEV)
    s3.create_bucket(
        Bucket="vault",
        CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},
    )

    def write(number: int) -> bool:
        try:
            s3.put_object(Bucket="vault", Key="record", Body=str(number), IfNoneMatch="*")
        except s3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"  # noqa: PT017
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write, range(16))).count(True) == 1


def test_moto_still_looks_before_it_writes() -> None:
    source = unpatched(
        "import inspect, moto.s3.responses as r; print(inspect.getsource(r.S3Response.put_object))"
    )

    assert "get_object(self.bucket_name, key_name) is not None" in source
    assert "lock" not in source.lower().replace("lock_", "").replace("block", "")
