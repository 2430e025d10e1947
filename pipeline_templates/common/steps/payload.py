"""A sample request as the registry wants it: one CSV file in a tar.gz, always the same bytes."""

import gzip
import io
import tarfile
from pathlib import Path

import job

_SAMPLE_ROWS = 20


def write(folder: Path, rows: list[job.Row], names: list[str]) -> None:
    """Write `sample_payload.tar.gz` with the first rows, without a header."""
    lines = "".join(",".join(row[name] for name in names) + "\n" for row in rows[:_SAMPLE_ROWS])
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("sample.csv")
        entry.size = len(lines.encode())
        archive.addfile(entry, io.BytesIO(lines.encode()))
    (folder / "sample_payload.tar.gz").write_bytes(gzip.compress(plain.getvalue(), mtime=0))
