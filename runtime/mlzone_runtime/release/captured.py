"""What the variants of an endpoint were asked and answered, as its data capture says."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mlzone_runtime.analyzer.capture import Record, Window, read_records
from mlzone_runtime.analyzer.intake import IntakeBuilder
from mlzone_runtime.tabular_schema import Feature

_SECOND = timedelta(seconds=1)


@dataclass(kw_only=True)
class CapturedRequests:
    """Reads what an endpoint has captured since a moment, each file once."""

    s3: Any
    uri: str
    """The endpoint's folder, below which there is one for each variant, day and hour."""
    since: datetime
    features: tuple[Feature, ...]
    """In the order of the endpoint's CSV columns."""
    _read: set[str] = field(default_factory=set)

    def new(self, variant: str) -> Iterator[Record]:
        """Yield what a variant was asked and answered, as far as that is new."""
        bucket, _, folder = self.uri.removeprefix("s3://").partition("/")
        prefix = f"{folder}/{variant}/"
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, StartAfter=f"{prefix}{self.since:%Y/%m/%d/%H}"
        )
        # All are listed first: an endpoint may write files as fast as they are read.
        keys = [
            str(item["Key"])
            for page in pages
            for item in page.get("Contents", ())
            if item["LastModified"] >= self._second
        ]
        for key in keys:
            if key not in self._read:
                yield from self._records(bucket, key)
                self._read.add(key)

    @property
    def _second(self) -> datetime:
        """The second in which it began."""
        return self.since.replace(microsecond=0)

    def _records(self, bucket: str, key: str) -> Iterator[Record]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "captured.jsonl")
            self.s3.download_file(bucket, key, str(file))
            # Captures tell whole seconds: the first may hold what was asked before, too.
            window = Window(start=self._second + _SECOND)
            yield from read_records(file, IntakeBuilder(features=self.features), window)
