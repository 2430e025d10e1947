"""Writes every life-cycle event into the evidence vault, as the next record of its model's chain.

Two calls at once never take the same number: a record is written on the condition that nobody wrote
it before, and the one that comes second reads the chain again. An event that comes twice within the
last records is written once. The vault keeps what is in it (S3 Object Lock, compliance mode).
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mlzone_runtime import evidence
from mlzone_runtime.handlers.platform_event import setting

LOG = logging.getLogger(__name__)
LOG.setLevel(logging.INFO)

_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
_ATTEMPTS = 50
_RECENT = 20
"""How many records are read to see whether an event came twice."""


class CrowdedChainError(Exception):
    """Others took every number that was tried; the event comes again."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Record an event of the platform's bus."""
    del context
    return record(event, setting("MLZONE_EVIDENCE_BUCKET"), s3=boto3.client("s3"))


def record(event: Mapping[str, Any], bucket: str, *, s3: Any) -> dict[str, Any]:
    """Record an event, unless it is recorded already.

    Returns:
        The record's key, and whether it is new.

    Raises:
        CrowdedChainError: others were faster, again and again.
    """
    chain = evidence.chain_of(event["detail"])
    for _ in range(_ATTEMPTS):
        count, recent = _tail(s3, bucket, chain)
        for object_key, written in recent.items():
            if json.loads(written)["event"] == event["id"]:
                LOG.info("%s is recorded already as %s", event["id"], object_key)
                return {"key": object_key, "new": False}
        last = recent.get(evidence.key(chain, count))
        previous = evidence.digest(last) if last else evidence.GENESIS
        object_key = evidence.key(chain, count + 1)
        made = evidence.record_of(event, chain, count + 1, previous)
        if _write(s3, bucket, object_key, evidence.canonical(made)):
            LOG.info("recorded %s as %s", made["kind"], object_key)
            return {"key": object_key, "new": True}
    raise CrowdedChainError(f"{chain}: {_ATTEMPTS} numbers were taken by others")


def _tail(s3: Any, bucket: str, chain: str) -> tuple[int, dict[str, bytes]]:
    """Return how many records a chain has, and the last of them by key."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{chain}/")
    keys = sorted(
        (item["Key"] for page in pages for item in page.get("Contents", [])), key=evidence.number
    )
    recent = {
        name: s3.get_object(Bucket=bucket, Key=name)["Body"].read() for name in keys[-_RECENT:]
    }
    return (evidence.number(keys[-1]) if keys else 0), recent


def _write(s3: Any, bucket: str, object_key: str, content: bytes) -> bool:
    """Write a record; False if somebody wrote that number before."""
    try:
        s3.put_object(
            Bucket=bucket,
            Key=object_key,
            Body=content,
            ContentType="application/json",
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _TAKEN:
            raise
        return False
    return True
