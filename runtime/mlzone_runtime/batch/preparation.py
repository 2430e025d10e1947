"""A day's files, as people bring them, made into what the model takes.

A file is CSV with a header: `id` and the model's features, in any order. The model gets rows
without a header, the id first, the features in its own order. Nothing is repaired or dropped: a
file that is not as agreed stops the day, and its owner hears where.
"""

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ID = "id"
"""The column that tells records apart; outcomes and captured answers are found by it."""
ENDING = ".csv"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_NO_PLAIN_CELL = re.compile(r'[,"\r\n]')
_CHUNK = 1 << 20


class PreparationError(Exception):
    """A day's files cannot be given to the model; the message says which, where and why."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """A file that people brought."""

    bucket: str
    key: str
    name: str
    """Its place below the day's folder, flat."""
    sha256: str

    @property
    def uri(self) -> str:
        """Where it lies."""
        return f"s3://{self.bucket}/{self.key}"


def split(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an S3 URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def files_of(s3: Any, folder: str) -> list[Given]:
    """Return the files below a folder with their hashes, in a stable order.

    Raises:
        PreparationError: two of them would get the same name.
    """
    bucket, prefix = split(folder)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    keys = sorted(
        item["Key"]
        for page in pages
        for item in page.get("Contents", [])
        if item["Key"].endswith(ENDING)
    )
    found = [
        Given(
            bucket=bucket,
            key=key,
            name=key.removeprefix(f"{prefix}/").replace("/", "-"),
            sha256=_digest(s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_CHUNK)),
        )
        for key in keys
    ]
    names = [item.name for item in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise PreparationError(f"two files of the day would both be {twice[0]}")
    return found


def digest_of(given: Iterable[Given]) -> str:
    """Return the hash of a day's files: of their names and contents."""
    total = hashlib.sha256()
    for item in given:
        total.update(f"{item.name}\0{item.sha256}\n".encode())
    return total.hexdigest()


def prepare(s3: Any, item: Given, features: Sequence[str], target: Path) -> int:
    """Write a file's records as the model takes them; return how many there are.

    Args:
        s3: a client that may read the file.
        item: the file; it must still have the hash.
        features: the model's features in its order.
        target: where the rows go.

    Raises:
        PreparationError: it is not as agreed, or was changed meanwhile.
    """
    source = target.with_suffix(".given")
    total = hashlib.sha256()
    with source.open("wb") as file:
        body = s3.get_object(Bucket=item.bucket, Key=item.key)["Body"]
        for chunk in body.iter_chunks(_CHUNK):
            total.update(chunk)
            file.write(chunk)
    if total.hexdigest() != item.sha256:
        raise PreparationError(f"{item.uri} was changed while it was read; run the day again")
    try:
        with (
            source.open(encoding="utf-8-sig", newline="") as rows,
            target.open("w", encoding="utf-8", newline="") as out,
        ):
            return _write(csv.reader(rows, strict=True), out, features, item)
    except (UnicodeDecodeError, csv.Error) as error:
        raise PreparationError(f"{item.uri} cannot be read: {error}") from error
    finally:
        source.unlink()


def is_plain(cell: str) -> bool:
    """Tell whether a value needs no quotes in CSV: filters of transform jobs know none."""
    return not _NO_PLAIN_CELL.search(cell)


def _write(rows: Iterator[list[str]], out: Any, features: Sequence[str], item: Given) -> int:
    header = next(rows, [])
    wanted = [ID, *features]
    for name in wanted:
        if header.count(name) != 1:
            fault = "has no" if name not in header else "has twice the"
            raise PreparationError(f"{item.uri} {fault} column {name}")
    if unknown := sorted(set(header) - set(wanted)):
        raise PreparationError(f"{item.uri} has a column {unknown[0]}, which the model lacks")
    order = [header.index(name) for name in wanted]
    records = 0
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != len(header):
            raise PreparationError(
                f"{item.uri}, row {number}: {len(row)} values, the header has {len(header)}"
            )
        cells = [row[place] for place in order]
        if not _ID.fullmatch(cells[0]):
            raise PreparationError(
                f"{item.uri}, row {number}: the id is not up to 64 letters, digits and . _ : / -"
            )
        if not all(map(is_plain, cells)):
            raise PreparationError(
                f"{item.uri}, row {number}: a value holds a comma, a quote or a line's end"
            )
        out.write(",".join(cells) + "\n")
        records += 1
    if not records:
        raise PreparationError(f"{item.uri} holds no record")
    return records


def _digest(chunks: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for chunk in chunks:
        total.update(chunk)
    return total.hexdigest()
