"""CloudTrail: management calls that change something, as events on the bus of their account.

As in AWS, an account hears of its calls if a trail of it logs. Records are not kept or delivered
as files.
"""

import re
from typing import TYPE_CHECKING

from moto.cloudtrail.models import cloudtrail_backends
from moto.events.models import events_backends

from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call
from mlzone_cloud.saml import Assertion
from mlzone_cloud.state import tracking
from mlzone_cloud.trail_record import event_source, record_of

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

DETAIL_TYPE = "AWS API Call via CloudTrail"
_GLOBAL_REGION = "us-east-1"
_REGIONAL_SIGN_IN = re.compile(r"https://([a-z]{2}(?:-[a-z]+)+-\d)\.signin\.aws\.amazon\.com/")
_GLOBAL = frozenset({"iam", "organizations", "route53", "cloudfront"})
_DATA = {
    "cloudwatch": {"PutMetricData"},
    "codecommit": {"GitPull", "GitPush"},
    "dynamodb": {"BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"},
    "events": {"PutEvents"},
    "lambda": {"Invoke", "InvokeAsync"},
    "logs": {"PutLogEvents"},
    "s3": {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateMultipartUpload",
        "DeleteObject",
        "DeleteObjects",
        "PutObject",
        "PutObjectTagging",
        "UploadPart",
        "UploadPartCopy",
    },
    "sagemaker-metrics": {"BatchPutMetrics"},
    "sns": {"Publish", "PublishBatch"},
    "sqs": {
        "ChangeMessageVisibility",
        "DeleteMessage",
        "DeleteMessageBatch",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
    },
}
"""Data events, of which EventBridge hears nothing unless a trail selects them."""


def install(cloud: "Cloud") -> None:
    """Hear of every call that changes something."""
    cloud.observers.append(observe)


def observe(call: Call, error: ApiError | None) -> None:
    """Tell the account of a call, if it has a trail and a rule that could want it."""
    if call.internal or call.operation in _DATA.get(call.service, ()):
        return
    account, region = _where(call)
    with tracking.reading(), call.cloud.lock:
        if not (account and _listens(account, region) and _logs(account, region)):
            return
    record = record_of(call, error, region=region, account=account)
    call.cloud.emit(
        account=account,
        region=region,
        source=f"aws.{event_source(call.service)}",
        detail_type=DETAIL_TYPE,
        detail=record,
    )


def _where(call: Call) -> tuple[str, str]:
    """Return the account and the Region in which a call is recorded.

    A sign-in through the global endpoint is recorded in us-east-1, one through a regional endpoint
    there (AWS IAM User Guide, "Logging IAM and AWS STS API calls with AWS CloudTrail"). Here all
    share one socket: the assertion's recipient tells them apart.
    """
    if call.caller is None:
        role = str(call.params.get("RoleArn", ""))
        account = role.split(":")[4] if role.count(":") >= 5 else ""  # noqa: PLR2004 - of an ARN
        recipient = _recipient(call)
        regional = _REGIONAL_SIGN_IN.match(recipient)
        return account, regional[1] if regional else _GLOBAL_REGION
    return call.caller.account, _GLOBAL_REGION if call.service in _GLOBAL else call.region


def _recipient(call: Call) -> str:
    try:
        return Assertion.parse(str(call.params.get("SAMLAssertion", ""))).audience
    except ApiError:
        return ""


def _listens(account: str, region: str) -> bool:
    bus = events_backends[account][region].event_buses.get("default")
    return bool(bus) and any(
        rule.state != "DISABLED" and DETAIL_TYPE in (rule.event_pattern.dump() or "")
        for rule in bus.rules.values()
    )


def _logs(account: str, region: str) -> bool:
    trails = cloudtrail_backends[account][region].describe_trails(include_shadow_trails=True)
    return any(trail.status.is_logging for trail in trails)
