"""What jobs and endpoints need: a bucket, a role that SageMaker may take on, and an image."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.cloud.sagemaker.serving import Endpoints
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.generic.noun import kebab

SHARED, DEV, REGION = "100000000002", "111111111111", "sa-east-1"
BUCKET = "dev-artifacts"
IMAGE = f"{SHARED}.dkr.ecr.{REGION}.amazonaws.com/tabular:1"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ENDED = ("Completed", "Failed", "Stopped")


class Estate:
    """An account with what jobs need, and clients of it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.bucket, self.image = BUCKET, IMAGE
        self.sagemaker = cloud.client("sagemaker", account=DEV)
        self.runtime = cloud.client("sagemaker-runtime", account=DEV)
        self.s3 = cloud.client("s3", account=DEV)
        self.s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        self.role = self.make_role("jobs", f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*")
        ecr = cloud.client("ecr", account=SHARED)
        ecr.create_repository(repositoryName="tabular")
        ecr.set_repository_policy(repositoryName="tabular", policyText=json.dumps(_pull_from(DEV)))

    def make_role(self, name: str, *resources: str) -> str:
        """Return a role for SageMaker that may use S3 resources and pull images."""
        iam = self.cloud.client("iam", account=DEV)
        trust = _policy("sts:AssumeRole", None, Principal={"Service": "sagemaker.amazonaws.com"})
        role: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))[
            "Role"
        ]["Arn"]
        rights = _policy(["s3:*"], list(resources))
        rights["Statement"].append({"Effect": "Allow", "Action": "ecr:*", "Resource": "*"})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(rights))
        return role

    def publish(self, *entrypoint: str, tag: str = "1") -> str:
        """Put an image whose containers start a program; return its digest."""
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"digest": f"sha256:{'0' * 64}", "size": 2, "mediaType": "text/plain"},
            "layers": [],
            "annotations": {"mlzone.local.entrypoint": json.dumps(entrypoint)},
        }
        ecr = self.cloud.client("ecr", account=SHARED)
        image = ecr.put_image(
            repositoryName="tabular", imageManifest=json.dumps(manifest), imageTag=tag
        )
        digest: str = image["image"]["imageId"]["imageDigest"]
        return digest

    def put(self, key: str, body: bytes | str) -> str:
        """Put an object; return its URI."""
        self.s3.put_object(
            Bucket=BUCKET, Key=key, Body=body.encode() if isinstance(body, str) else body
        )
        return f"s3://{BUCKET}/{key}"

    def get(self, key: str) -> bytes:
        """Return an object."""
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys of objects."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", ())]

    def ended(self, noun: str, name: str) -> dict[str, Any]:
        """Wait for the end of a job; return its description."""
        describe = getattr(self.sagemaker, f"describe_{kebab(noun).replace('-', '_')}")
        found: dict[str, Any] = eventually(
            lambda: describe(**{f"{noun}Name": name}),
            lambda found: found[f"{noun}Status"] in _ENDED,
            self.cloud,
        )
        return found

    def watch(self, detail_type: str) -> Callable[[], list[dict[str, Any]]]:
        """Have events of a type kept; return what reads their details."""
        group = "/aws/events/watched"
        logs = self.cloud.client("logs", account=DEV)
        logs.create_log_group(logGroupName=group)
        arn = f"arn:aws:logs:{REGION}:{DEV}:log-group:{group}"
        events_may_write = _policy(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            f"{arn}:*",
            Principal={"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
        )
        logs.put_resource_policy(policyName="events", policyDocument=json.dumps(events_may_write))
        events = self.cloud.client("events", account=DEV)
        events.put_rule(Name="watched", EventPattern=json.dumps({"detail-type": [detail_type]}))
        events.put_targets(Rule="watched", Targets=[{"Id": "1", "Arn": arn}])

        def read() -> list[dict[str, Any]]:
            found = logs.filter_log_events(logGroupName=group)["events"]
            return [json.loads(event["message"])["detail"] for event in found]

        return read

    def logs(self, group: str, prefix: str = "job") -> list[str]:
        """Return the lines of a log group."""
        logs = self.cloud.client("logs", account=DEV)
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)
        return [
            event["message"]
            for stream in streams["logStreams"]
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]


def _policy(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, **more}
    if resource:
        statement["Resource"] = resource
    return {"Version": "2012-10-17", "Statement": [statement]}


def _pull_from(account: str) -> dict[str, Any]:
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    return _policy("ecr:BatchGetImage", None, Principal=principal)


@pytest.fixture
def estate(cloud: Cloud) -> Estate:
    """An account in which jobs can run."""
    return Estate(cloud)


@pytest.fixture
def endpoints(estate: Estate) -> Endpoints:
    """Models, configurations and endpoints of the account."""
    return Endpoints(estate)
