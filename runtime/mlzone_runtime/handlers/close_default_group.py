"""Custom resource: takes every rule out of a network's default security group.

CloudFormation cannot touch the group that EC2 makes with each network; whatever is started without
a group of its own would otherwise reach its neighbours and the whole internet.
"""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

import boto3


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Close the group of the network `VpcId`; leave it closed when the resource is removed.

    Args:
        event: CloudFormation's request for a custom resource.
        context: Lambda's; names the log stream where a failure is explained.
    """
    network = event["ResourceProperties"]["VpcId"]
    try:
        if event["RequestType"] != "Delete":
            close(boto3.client("ec2"), network)
    except Exception as error:
        _answer(event, context, network, "FAILED", f"{type(error).__name__}: {error}")
        raise
    _answer(event, context, network, "SUCCESS", "closed")


def close(ec2: Any, network: str) -> None:
    """Revoke all rules of a network's default security group."""
    groups = ec2.describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": [network]},
            {"Name": "group-name", "Values": ["default"]},
        ]
    )["SecurityGroups"]
    for group in groups:
        if group["IpPermissions"]:
            ec2.revoke_security_group_ingress(
                GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
            )
        if group["IpPermissionsEgress"]:
            ec2.revoke_security_group_egress(
                GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"]
            )


def _answer(event: Mapping[str, Any], context: Any, network: str, status: str, reason: str) -> None:
    """Tell CloudFormation how it went, at the address that it gave."""
    body = {
        "Status": status,
        "Reason": f"{reason} (see log stream {context.log_stream_name})",
        "PhysicalResourceId": f"default-group-of-{network}",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own address
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT"
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass
