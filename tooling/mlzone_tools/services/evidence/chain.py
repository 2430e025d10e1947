"""Reads the vault as it is: every version of every object, also of what was deleted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlzone.estate import Estate
from mlzone.naming import Naming
from mlzone_runtime import evidence
from mlzone_tools.cloud.session import Session


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record, as it was first written."""

    number: int
    content: dict[str, Any]
    """What it says; empty where it is no JSON object."""
    hash: str
    """SHA-256 of its bytes."""
    canonical: bool
    """Whether it is written as the recorder writes."""
    versions: int
    """How often its object was written; more than once is tampering."""
    deleted: bool
    """Whether somebody put a delete marker on it."""

    @property
    def kind(self) -> str:
        """What it is about, such as `Model Approved`."""
        return str(self.content.get("kind", ""))


def vault_of(estate: Estate) -> str:
    """Return the name of the vault's bucket."""
    naming = Naming(prefix=estate.organization.prefix)
    return naming.evidence_bucket(estate.organization.accounts.shared_services)


def records(shared: Session, estate: Estate, chain: str) -> tuple[Record, ...]:
    """Return the records of a chain by number.

    Args:
        shared: a session in the shared-services account, such as an auditor's.
        estate: whose vault.
        chain: `unit/model`, or `platform`.
    """
    s3, bucket = shared.client("s3"), vault_of(estate)
    written: dict[str, list[dict[str, Any]]] = {}
    deleted: set[str] = set()
    for page in s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix=f"{chain}/"
    ):
        for item in page.get("Versions", []):
            written.setdefault(item["Key"], []).append(item)
        deleted |= {item["Key"] for item in page.get("DeleteMarkers", [])}
    found = [_record(s3, bucket, items, deleted=key in deleted) for key, items in written.items()]
    return tuple(sorted(found, key=lambda item: item.number))


def chains(estate: Estate) -> Iterator[str]:
    """Yield the names of all chains that can be: the models', and the platform's."""
    yield from sorted(f"{unit.name}/{model.name}" for unit, _, model in estate.models())
    yield evidence.PLATFORM


def _record(s3: Any, bucket: str, items: list[dict[str, Any]], *, deleted: bool) -> Record:
    # Versions come newest first.
    first = items[-1]
    key = first["Key"]
    body: bytes = s3.get_object(Bucket=bucket, Key=key, VersionId=first["VersionId"])["Body"].read()
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    known = content if isinstance(content, dict) else {}
    return Record(
        number=evidence.number(key),
        content=known,
        hash=evidence.digest(body),
        canonical=bool(known) and evidence.canonical(known) == body,
        versions=len(items),
        deleted=deleted,
    )
