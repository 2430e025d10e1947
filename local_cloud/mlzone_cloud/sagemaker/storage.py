"""Moves data between S3 and a container's folder, with the rights of the job's role."""

import gzip
import json
import posixpath
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


_MISSING = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})


class StorageError(Exception):
    """Data cannot be moved; the message says why, as SageMaker would."""


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an S3 URI.

    Raises:
        StorageError: it is none.
    """
    if not uri.startswith("s3://"):
        raise StorageError(f"{uri} is no S3 URI")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


class Storage:
    """S3 as a role sees it."""

    def __init__(self, cloud: "Cloud", *, account: str, region: str, role: str) -> None:
        self._role, self._region = role, region
        self._s3 = cloud.client(
            "s3", account=account, region=region, role=role, session_name="SageMaker"
        )

    def download(
        self, uri: str, folder: Path, *, data_type: str = "S3Prefix", compression: str = "None"
    ) -> int:
        """Bring data of a job's input into a folder.

        Args:
            uri: where the data is.
            folder: where it goes.
            data_type: `S3Prefix`, `S3Object` or `ManifestFile`.
            compression: `Gzip` if each object is to be decompressed.

        Returns:
            The number of objects.

        Raises:
            StorageError: there is nothing, or the role may not read it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        count = 0
        for bucket, key, relative in self.objects(uri, data_type=data_type):
            body = self._read(bucket, key)
            target = folder / relative
            if compression == "Gzip" and relative.endswith(".gz"):
                body, target = gzip.decompress(body), target.with_suffix("")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)
            count += 1
        if not count:
            bucket = split_uri(uri)[0]
            raise StorageError(
                f'No S3 objects found under S3 URL "{uri}" given in input data source. Please '
                f"ensure that the bucket exists in the selected region ({self._region}), that "
                f'objects exist under that S3 prefix, and that the role "{self._role}" has '
                f'"s3:ListBucket" permissions on bucket "{bucket}".'
            )
        return count

    def objects(self, uri: str, *, data_type: str = "S3Prefix") -> Iterator[tuple[str, str, str]]:
        """Yield bucket, key and local path of each object of an input.

        Raises:
            StorageError: the role may not list it, or the manifest is none.
        """
        bucket, key = split_uri(uri)
        if data_type == "ManifestFile":
            yield from self._of_manifest(bucket, key)
        elif data_type == "S3Object":
            yield bucket, key, posixpath.basename(key)
        elif data_type == "S3Prefix":
            for name in self._names(bucket, key):
                relative = _relative(key, name)
                if relative:
                    yield bucket, name, relative
        else:
            raise StorageError(f"the embedded cloud does not emulate inputs of type {data_type}")

    def read(self, uri: str) -> bytes:
        """Return an object.

        Raises:
            StorageError: there is none, or the role may not read it.
        """
        return self._read(*split_uri(uri))

    def has(self, bucket: str, key: str) -> bool:
        """Tell whether there is an object.

        Raises:
            StorageError: the role may not look.
        """
        try:
            self._s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return False
            raise _error("HeadObject", f"s3://{bucket}/{key}", error) from error
        return True

    def upload(self, folder: Path, uri: str, *, key_id: str = "") -> int:
        """Take all files of a folder to S3; return their number.

        Raises:
            StorageError: the role may not write them.
        """
        base = uri.rstrip("/")
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in files:
            relative = PurePosixPath(path.relative_to(folder))
            self.write(f"{base}/{relative}", path.read_bytes(), key_id=key_id)
        return len(files)

    def write(self, uri: str, body: bytes, *, key_id: str = "") -> None:
        """Write an object, under a KMS key if one is given.

        Raises:
            StorageError: the role may not.
        """
        bucket, key = split_uri(uri)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, **encryption)
        except ClientError as error:
            raise _error("PutObject", uri, error) from error

    def _read(self, bucket: str, key: str) -> bytes:
        try:
            body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise _error("GetObject", f"s3://{bucket}/{key}", error) from error
        return body

    def _names(self, bucket: str, prefix: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                yield from (item["Key"] for item in page.get("Contents", ()))
        except ClientError as error:
            raise _error("ListObjectsV2", f"s3://{bucket}/{prefix}", error) from error

    def _of_manifest(self, bucket: str, key: str) -> Iterator[tuple[str, str, str]]:
        uri = f"s3://{bucket}/{key}"
        try:
            head, *names = json.loads(self._read(bucket, key))
            target, prefix = split_uri(head["prefix"])
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(f"the manifest {uri} is malformed: {error!r}") from error
        for name in names:
            yield target, f"{prefix}{name}", str(name)


def pack(folder: Path, target: Path) -> None:
    """Write a folder's content as `tar.gz`: the same content gives the same bytes."""

    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mtime = info.uid = info.gid = 0
        info.uname = info.gname = ""
        return info

    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for path in sorted(folder.iterdir()):
            archive.add(path, arcname=path.name, filter=plain)


def unpack(archive: Path, folder: Path) -> None:
    """Read a `tar.gz` into a folder.

    Raises:
        StorageError: it is none, or it reaches out of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise StorageError(f"the archive {archive.name} cannot be read: {error}") from error


def _relative(prefix: str, key: str) -> str:
    """Return where an object lands: an exact name as itself, a prefix as a tree."""
    if key.endswith("/"):
        return ""
    if key == prefix:
        return posixpath.basename(key)
    if not prefix or prefix.endswith("/") or key[len(prefix)] == "/":
        return key[len(prefix) :].lstrip("/")
    return posixpath.basename(prefix) + key[len(prefix) :]


def _error(operation: str, uri: str, error: ClientError) -> StorageError:
    details: dict[str, Any] = error.response["Error"]
    return StorageError(
        f"{details['Code']} when calling {operation} on {uri}: {details['Message']}"
    )
