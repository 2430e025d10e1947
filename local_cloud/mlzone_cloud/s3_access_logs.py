"""Server access logs of S3, delivered in batches.

moto writes an object for each request, of invented details. S3 gathers the lines of a bucket and
delivers them now and then, as well as it can; what a killed cloud had gathered is lost.

Source of the format: Amazon S3 User Guide, "Amazon S3 server access log format".
"""

import threading
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from moto.s3.exceptions import MissingBucket
from moto.s3.models import S3Backend, s3_backends

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_EVERY = timedelta(minutes=5)
_MOST_LINES = 5000
_UNKNOWN = "-"

Source = tuple[str, str, str]
"""Account and partition of a bucket, and its name."""


class AccessLogs:
    """The lines of a cloud that wait for their delivery."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._waiting: dict[Source, list[str]] = {}
        self._since: datetime | None = None

    def note(self, backend: Any, request: Any, name: str) -> None:
        """Add a line, if the bucket wants it."""
        try:
            bucket = backend.get_bucket(name)
        except MissingBucket:
            return
        if not bucket.logging:
            return
        now = self._cloud.clock.now()
        line = _line(bucket, request, now)
        with self._lock:
            self._since = self._since or now
            source = (bucket.account_id, bucket.partition, bucket.name)
            self._waiting.setdefault(source, []).append(line)

    def deliver_due(self, _: "Cloud", now: datetime) -> None:
        """Deliver what has waited long enough, or has become much; a ticker."""
        many = max(map(len, self._waiting.copy().values()), default=0) >= _MOST_LINES
        if many or (self._since and now - self._since >= _EVERY):
            self.deliver()

    def deliver(self) -> None:
        """Deliver everything: an object for each bucket that was asked."""
        with self._lock:
            taken, self._waiting, self._since = self._waiting, {}, None
        for (account, partition, name), lines in taken.items():
            with self._cloud.lock:
                self._put(account, partition, name, lines)
        if taken:
            self._cloud.changed()

    def _put(self, account: str, partition: str, name: str, lines: list[str]) -> None:
        backend = s3_backends[account][partition]
        try:
            settings = backend.get_bucket(name).logging
            if settings:
                stamp = f"{self._cloud.clock.now():%Y-%m-%d-%H-%M-%S}"
                key = f"{settings.get('TargetPrefix') or ''}{stamp}-{uuid.uuid4().hex[:16].upper()}"
                backend.put_object(settings["TargetBucket"], key, "\n".join([*lines, ""]).encode())
        except MissingBucket:
            return  # One of both is gone: S3 delivers nothing either.


def install(cloud: "Cloud") -> None:
    """Write access logs through the cloud from now on."""
    logs = AccessLogs(cloud)

    def noted(backend: Any, request: Any, bucket_name: str) -> None:
        logs.note(backend, request, bucket_name)

    S3Backend.log_incoming_request = noted
    cloud.add_ticker(logs.deliver_due)
    cloud.stoppers.append(logs.deliver)


def _line(bucket: Any, request: Any, now: datetime) -> str:
    """Return what is known of a request; a dash stands for all else."""
    path = urlsplit(request.url).path
    first, _, rest = path.lstrip("/").partition("/")
    key = rest if first == bucket.name else path.lstrip("/")
    kind = "OBJECT" if key else "BUCKET"
    known = [
        bucket.account_id,
        bucket.name,
        f"[{now:%d/%b/%Y:%H:%M:%S +0000}]",
        "127.0.0.1",
        _UNKNOWN,
        uuid.uuid4().hex[:16].upper(),
        f"REST.{request.method}.{kind}",
        key or _UNKNOWN,
        f'"{request.method} {path} HTTP/1.1"',
        *[_UNKNOWN] * 6,
        '"-"',
        f'"{request.headers.get("User-Agent", _UNKNOWN)}"',
        *[_UNKNOWN] * 8,
    ]
    return " ".join(known)
