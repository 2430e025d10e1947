"""Evidence records: what a life-cycle step was, and how records hang together.

The records of a model are a chain: each carries the SHA-256 of the one before, so that nobody can
change, drop or reorder one unseen. They are S3 objects `<unit>/<model>/<number>.json`, numbered
from 1, in canonical JSON.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SCHEMA = "1"
"""The version of records."""
GENESIS = "0" * 64
"""What the first record of a chain carries instead of a hash."""
PLATFORM = "platform"
"""The chain of what concerns no model."""

_KEPT = ("team", "environment", "actor", "release", "model_package_arn", "pipeline_execution")


ALL_MODELS = "all-models"
"""Named by events that are about no single model: a session for an emergency, data that arrive."""


def chain_of(detail: Mapping[str, Any]) -> str:
    """Return the chain that an event's record belongs to: `<unit>/<model>`, or PLATFORM."""
    unit, model = detail.get("unit"), detail.get("model")
    return f"{unit}/{model}" if unit and model and model != ALL_MODELS else PLATFORM


def key(chain: str, number: int) -> str:
    """Return the key of a record's object."""
    return f"{chain}/{number:08d}.json"


def number(object_key: str) -> int:
    """Return a record's number from its key; 0 if it is no record's."""
    stem = object_key.rpartition("/")[2].removesuffix(".json")
    return int(stem) if stem.isdigit() else 0


def digest(written: bytes) -> str:
    """Return the hash by which the next record names this one."""
    return hashlib.sha256(written).hexdigest()


def canonical(record: Mapping[str, Any]) -> bytes:
    """Return a record as it is written: sorted names, no white space, UTF-8."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def record_of(event: Mapping[str, Any], chain: str, at: int, previous: str) -> dict[str, Any]:
    """Return the record of an event of the platform's bus.

    Args:
        event: as EventBridge delivers it.
        chain: where the record belongs.
        at: its number.
        previous: the hash of the record before, or GENESIS.
    """
    detail = event["detail"]
    return {
        "schema": SCHEMA,
        "chain": chain,
        "number": at,
        "previous": previous,
        "event": event["id"],
        "kind": event["detail-type"],
        "source": event["source"],
        "time": event["time"],
        "facts": detail.get("facts") or {},
        **{name: detail[name] for name in _KEPT if detail.get(name)},
    }
