"""Brings a version's files from the registry's account into the environment's release bucket.

Every file is hashed on its way and compared with the manifest that the version pins (MOD-08,
DEP-04): what is uploaded is what was checked, byte for byte.
"""

import csv
import hashlib
import json
import re
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from mlzone_runtime.release.document import Release
from mlzone_runtime.release.registered_version import RegisteredVersion, ReleaseRefused

MANIFEST = "manifest.json"
MODEL = "model.tar.gz"
NEEDED = ("constraints.json", MODEL, "sample.csv", "statistics.json")
"""The files without which there is no release."""

DOCUMENT = "release.json"
SMOKE_ROWS = 20
"""So many rows of the sample go into the release document."""

_CHUNK = 1 << 20
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where releases of a model go."""

    bucket: str
    """The environment's release bucket."""
    key_arn: str
    """The KMS key that encrypts them."""
    model: str
    """The model; the first part of every key."""

    def key(self, release: str, *parts: str) -> str:
        """Return the key of a file of a release."""
        return "/".join((self.model, release, *parts))

    def uri(self, release: str, *parts: str) -> str:
        """Return the S3 URI of a file of a release."""
        return f"s3://{self.bucket}/{self.key(release, *parts)}"

    @property
    def marks(self) -> str:
        """The prefix of the marks of approvals whose releases were pulled; they sort by time."""
        return f"{self.model}/approved/"

    @property
    def archive_key(self) -> str:
        """The key of the archive whose arrival starts the promotion."""
        return f"{self.model}/release.zip"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What was brought, as far as the release document tells of it."""

    features: tuple[Mapping[str, Any], ...]
    rows: tuple[tuple[str, ...], ...]
    files: int
    """How many files the release has."""
    answers: str
    """What an answer is called, as the release document has it."""


def copy(
    s3: Any, version: RegisteredVersion, *, artifact_bucket: str, target: Target, folder: Path
) -> Copy:
    """Bring every file of a version.

    Args:
        s3: a client that may read the artefacts and write the releases.
        version: what to bring.
        artifact_bucket: where it is.
        target: where it goes.
        folder: room for the files on their way.

    Raises:
        ReleaseRefused: a file is missing or is not what the version pins.
    """
    digests = _manifest(s3, version, artifact_bucket, folder)
    for name, digest in digests.items():
        source = version.model_data if name == MODEL else f"{version.baseline}{name}"
        _download(s3, artifact_bucket, source, folder / name, digest)
    features, answers = _schema(folder / MODEL)
    rows = _sample(folder / "sample.csv", [str(feature["name"]) for feature in features])
    for name in (*digests, MANIFEST):
        _upload(s3, folder / name, target, target.key(version.release, "baseline", name))
    _upload(s3, folder / MODEL, target, target.key(version.release, MODEL))
    return Copy(features=features, rows=rows, files=len(digests) + 2, answers=answers)


def require_report(s3: Any, bucket: str, key: str) -> None:
    """Refuse a version whose explanation is not there, or says nothing (MOD-07).

    Raises:
        ReleaseRefused: it cannot be read.
    """
    try:
        content = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except s3.exceptions.NoSuchKey:
        raise ReleaseRefused(f"the explanation s3://{bucket}/{key} does not exist") from None
    except ValueError as error:
        raise ReleaseRefused(f"the explanation s3://{bucket}/{key} is no JSON: {error}") from None
    if not isinstance(content, dict) or not content:
        raise ReleaseRefused(f"the explanation s3://{bucket}/{key} explains nothing")


def require_newest(s3: Any, version: RegisteredVersion, target: Target) -> None:
    """Refuse a version if one was pulled that was approved later: events come in any order.

    Raises:
        ReleaseRefused: the other one is the newest word.
    """
    mark = f"{target.marks}{version.approved}"
    found = s3.list_objects_v2(Bucket=target.bucket, Prefix=target.marks, StartAfter=f"{mark}~")
    if later := found.get("Contents", []):
        when, _, release = later[-1]["Key"].removeprefix(target.marks).partition(" ")
        raise ReleaseRefused(
            f"version {version.version} was approved at {version.approved}, "
            f"release {release} later, at {when}; approve it again if it is to replace that one"
        )


def publish(s3: Any, release: Release, target: Target, *, approved: str) -> None:
    """Write the archive that starts the promotion, between the marks that it is written.

    Args:
        s3: a client that may write the releases.
        release: the release.
        target: where it goes.
        approved: when its version was approved, as text that sorts by time.
    """
    _put(s3, target, f"{target.marks}{approved} {release.release}", b"")
    _put(s3, target, target.archive_key, archive(release))
    _put(s3, target, target.key(release.release, DOCUMENT), release.to_json().encode())


def is_published(s3: Any, release: str, target: Target) -> bool:
    """Tell whether a release's promotion was started before."""
    key = target.key(release, DOCUMENT)
    found = s3.list_objects_v2(Bucket=target.bucket, Prefix=key, MaxKeys=1)
    return any(item["Key"] == key for item in found.get("Contents", []))


def archive(release: Release) -> bytes:
    """Return a ZIP archive with the release document; the same bytes for the same release."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr(zipfile.ZipInfo(DOCUMENT, date_time=_ZIP_TIME), release.to_json())
    return buffer.getvalue()


def _manifest(s3: Any, version: RegisteredVersion, bucket: str, folder: Path) -> dict[str, str]:
    path = folder / MANIFEST
    _download(s3, bucket, f"{version.baseline}{MANIFEST}", path, version.manifest_sha256)
    try:
        digests = dict(json.loads(path.read_bytes())["files"])
    except (KeyError, TypeError, ValueError):
        raise ReleaseRefused(
            f"the {MANIFEST} of version {version.version} lists no files"
        ) from None
    if missing := sorted(set(NEEDED) - set(digests)):
        raise ReleaseRefused(
            f"the {MANIFEST} of version {version.version} lacks {', '.join(missing)}"
        )
    if odd := sorted(name for name in digests if not _PLAIN_NAME.fullmatch(name)):
        raise ReleaseRefused(f"the {MANIFEST} of version {version.version} names {odd[0]!r}")
    return digests


def _download(s3: Any, bucket: str, key: str, path: Path, expected: str) -> None:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except s3.exceptions.NoSuchKey:
        raise ReleaseRefused(f"s3://{bucket}/{key} does not exist") from None
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in body.iter_chunks(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != expected:
        raise ReleaseRefused(
            f"s3://{bucket}/{key} has SHA-256 {digest.hexdigest()}; the version pins {expected}"
        )


def _upload(s3: Any, path: Path, target: Target, key: str) -> None:
    with path.open("rb") as file:
        _put(s3, target, key, file)


def _put(s3: Any, target: Target, key: str, body: Any) -> None:
    s3.put_object(
        Bucket=target.bucket,
        Key=key,
        Body=body,
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=target.key_arn,
    )


def _schema(model: Path) -> tuple[tuple[Mapping[str, Any], ...], str]:
    """Read features, and what answers are called, from the schema that travels with the model."""
    try:
        with tarfile.open(model, "r:gz") as archived:
            member = next(
                item for item in archived if item.name.removeprefix("./") == "schema.json"
            )
            file = archived.extractfile(member)
            schema = json.loads(file.read()) if file else {}
        features = tuple(
            {"name": feature["name"], "type": feature["type"]} for feature in schema["features"]
        )
        return features, "answer" if schema.get("link") == "identity" else "probability"
    except (StopIteration, tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise ReleaseRefused(f"{MODEL} has no readable schema.json: {error!r}") from None


def _sample(path: Path, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        header = next(lines, [])
        rows = tuple(tuple(row) for _, row in zip(range(SMOKE_ROWS), lines, strict=False))
    if header != list(names):
        raise ReleaseRefused(
            f"sample.csv has the columns {', '.join(header)}; the model's are {', '.join(names)}"
        )
    if not rows or any(len(row) != len(names) for row in rows):
        raise ReleaseRefused("sample.csv has no rows, or rows of another length than its header")
    return rows
