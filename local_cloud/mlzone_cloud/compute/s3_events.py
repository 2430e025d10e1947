"""What S3 tells about its objects: to EventBridge and to functions.

moto finds out what a bucket's owner wants to hear; how it is told is ours, for moto invents the
details and asks nobody for permission. Changes of access lists and tags are not told.
"""

import json
import uuid
from typing import TYPE_CHECKING, Any

from moto.s3 import notifications

from mlzone_cloud.compute.service_access import admit
from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_WITH_EVERY_OBJECT = ("ObjectAcl", "ObjectTagging")
"""What moto reports for each new object, as S3 does not: nobody is told of these."""
_REASONS = {
    "ObjectCreated:Put": "PutObject",
    "ObjectCreated:Post": "POST Object",
    "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "ObjectRemoved:Delete": "DeleteObject",
    "ObjectRemoved:DeleteMarkerCreated": "DeleteObject",
}
_DELETIONS = {
    "ObjectRemoved:Delete": "Permanently Deleted",
    "ObjectRemoved:DeleteMarkerCreated": "Delete Marker Created",
}


def install(cloud: "Cloud") -> None:
    """Tell through the cloud from now on."""

    def to_event_bridge(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
        kind = event_name.value.removeprefix("s3:")
        if kind.startswith(_WITH_EVERY_OBJECT):
            return
        if kind == "ObjectCreated:Put" and key.multipart is not None:
            return  # the end of an upload in parts, which is told as such
        about = {"key": key.name, "etag": key.etag.strip('"'), "sequencer": _sequencer(cloud)}
        if kind not in _DELETIONS:
            about["size"] = key.size
        if bucket.is_versioned and key.version_id:
            about["version-id"] = key.version_id
        detail: dict[str, Any] = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": about,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
        }
        if kind in _REASONS:
            detail["reason"] = _REASONS[kind]
        if kind in _DELETIONS:
            detail["deletion-type"] = _DELETIONS[kind]
        cloud.emit(
            account=account_id,
            region=bucket.region_name,
            source="aws.s3",
            detail_type=notifications._detail_type(event_name),  # noqa: SLF001
            detail=detail,
            resources=(bucket.arn,),
        )

    def to_function(
        account_id: str, event_body: dict[str, Any], fn_arn: str, region_name: str
    ) -> None:
        cloud.submit(_invoke, cloud, account_id, event_body, fn_arn, region_name)

    notifications._send_event_bridge_message = to_event_bridge  # noqa: SLF001
    notifications._invoke_awslambda = to_function  # noqa: SLF001


def _invoke(
    cloud: "Cloud", account: str, event: dict[str, Any], function: str, region: str
) -> None:
    bucket = event["Records"][0]["s3"]["bucket"]["arn"]
    try:
        admit(
            cloud,
            "s3.amazonaws.com",
            "lambda:InvokeFunction",
            function,
            source=bucket,
            source_account=account,
        )
    except ApiError as error:
        cloud.record_error(error.message)
        return
    cloud.client("lambda", account=function.split(":")[4], region=region).invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps(event)
    )


def _sequencer(cloud: "Cloud") -> str:
    """Return text that grows with the order of what happens to an object."""
    return f"{int(cloud.clock.now().timestamp() * 1000000):018X}"
