"""How long one access decision takes with the policies of a typical caller of the platform."""

import random
import statistics
import time
from typing import Any

from mlzone_access import (
    Policies,
    Policy,
    Principal,
    PrincipalKind,
    Request,
    evaluate,
)

ACCOUNT = "111111111111"
TARGET_MS = 0.5
_ROUNDS = 5_000
_ARN = f"arn:aws:sagemaker:sa-east-1:{ACCOUNT}"


def _policy(name: str, *statements: dict[str, Any]) -> Policy:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return Policy.parse(document, name=name)


def _allow(actions: list[str], resources: list[str], **condition: Any) -> dict[str, Any]:
    block = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **block}


def _deny(actions: list[str], **condition: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": actions, "Resource": "*", "Condition": condition}


_EVERYTHING = _allow(["*"], ["*"])
_REGIONS = ["sa-east-1", "us-east-1"]
_JOBS = ["sagemaker:CreateTrainingJob", "sagemaker:CreateProcessingJob", "sagemaker:CreateModel"]
_GUARDED_KEYS = ["VpcSubnets", "VolumeKmsKey", "OutputKmsKey", "VpcSecurityGroupIds"]


def _estate() -> Policies:
    """Three levels of SCPs, a boundary, four identity policies and a bucket policy."""
    full = _policy("FullAWSAccess", _EVERYTHING)
    regions = _policy(
        "regions", _deny(["s3:*", "sagemaker:*"], StringNotEquals={"aws:RequestedRegion": _REGIONS})
    )
    guard = _policy(
        "guard", *(_deny(_JOBS, Null={f"sagemaker:{key}": "true"}) for key in _GUARDED_KEYS)
    )
    roles = _policy(
        "roles",
        _deny(
            ["sagemaker:UpdateEndpoint", "iam:*"],
            ArnNotLike={"aws:PrincipalArn": "arn:aws:iam::*:role/mlzone/*-delivery"},
        ),
    )
    mine = "${aws:PrincipalTag/team}"
    return Policies(
        identity=(
            _policy("studio", _allow(["sagemaker:Create*", "sagemaker:Describe*"], [f"{_ARN}:*"])),
            _policy("data", _allow(["s3:Get*", "s3:List*", "s3:Put*"], [f"arn:aws:s3:::{mine}/*"])),
            _policy("keys", _allow(["kms:Decrypt"], ["*"], StringLike={"kms:ViaService": "s3.*"})),
            _policy("logs", _allow(["logs:*"], [f"arn:aws:logs:*:{ACCOUNT}:log-group:/aws/*"])),
        ),
        boundary=_policy("boundary", _allow(["s3:*", "sagemaker:*", "kms:*", "logs:*"], ["*"])),
        scps=((full, regions), (full, guard), (full, roles)),
        resource=_policy(
            "bucket",
            {
                **_deny(["s3:*"], Bool={"aws:SecureTransport": "false"}),
                "Principal": "*",
                "Resource": "arn:aws:s3:::fraud/*",
            },
        ),
    )


def _requests() -> list[tuple[str, str]]:
    return [
        ("s3:GetObject", "arn:aws:s3:::fraud/data/1.parquet"),
        ("s3:GetObject", "arn:aws:s3:::credit/data/1.parquet"),
        ("sagemaker:CreateTrainingJob", f"{_ARN}:training-job/t"),
        ("sagemaker:UpdateEndpoint", f"{_ARN}:endpoint/e"),
        ("sagemaker:DescribeModel", f"{_ARN}:model/m"),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/u"),
    ]


def run() -> dict[str, float]:
    """Measure building a request and deciding it.

    Returns:
        Milliseconds: the median, the 99th percentile and the target of the median.
    """
    policies = _estate()
    who = Principal(
        kind=PrincipalKind.ROLE,
        arn=f"arn:aws:iam::{ACCOUNT}:role/mlzone/analyst",
        account=ACCOUNT,
        session_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/analyst/ana",
    )
    context = {
        "aws:PrincipalTag/team": "fraud",
        "aws:RequestedRegion": "sa-east-1",
        "aws:SecureTransport": "true",
        "sagemaker:VpcSubnets": ("subnet-1", "subnet-2"),
        "sagemaker:VolumeKmsKey": "key",
    }
    asked = random.Random(7).choices(_requests(), k=_ROUNDS)  # noqa: S311 - a benchmark
    taken = []
    for action, resource in asked:
        start = time.perf_counter()
        evaluate(
            Request(principal=who, action=action, resource=resource, context=context), policies
        )
        taken.append((time.perf_counter() - start) * 1000)
    return {
        "decision_median_ms": round(statistics.median(taken), 4),
        "decision_p99_ms": round(statistics.quantiles(taken, n=100)[98], 4),
        "target_ms": TARGET_MS,
    }


if __name__ == "__main__":
    print(run())
