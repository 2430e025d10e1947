"""Reads what an endpoint captured: SageMaker's JSON Lines with CSV or JSON payloads.

A record holds the request and the answer as text, possibly in base64, possibly many rows at once.
Most records look exactly alike, one unquoted CSV row each; for blocks of these, one regular
expression takes out request, answer and time, several times faster than parsing the JSON. Any
other block takes the careful way, record by record.
"""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.intake import Intake, IntakeBuilder
from mlzone_runtime.tabular_schema import Feature

SUFFIXES = (".jsonl", ".json")
CHALLENGER = "Challenger"
"""The variant of a release that is on trial beside the one that serves."""

MOST_ROWS = 2_000_000
"""Of more records, a uniform sample of about so many is judged: memory stays bounded."""

_BLOCK = 1 << 24
_HEAD = 1 << 20
_SECONDS = len("2026-11-24T10:00:00")

_PLAIN = re.compile(
    rb'^\{"captureData": ?\{"endpointInput": ?\{"observedContentType": ?"text/csv[^"]*", ?'
    rb'"mode": ?"INPUT", ?"data": ?"([^"\\]*)(?:\\n)?", ?"encoding": ?"CSV"\}, ?'
    rb'"endpointOutput": ?\{"observedContentType": ?"text/csv[^"]*", ?'
    rb'"mode": ?"OUTPUT", ?"data": ?"([^",\\]+)(?:\\n)?", ?"encoding": ?"CSV"\}\}, ?'
    rb'"eventMetadata": ?\{[^{}]*"inferenceTime": ?"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z"'
    rb'[^{}]*\}, ?"eventVersion": ?"0"\}$',
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Window:
    """The time that is looked at, from `start` up to but not including `end`, both UTC."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment belongs to the window."""
        return not (self.start and moment < self.start) and not (self.end and moment >= self.end)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One request with its answer.

    Attributes:
        name: The inference id that the caller gave, or the id that the capture gave.
        rows: The records that it asked about.
        answers: The probability answered to each.
        time: When it was answered, in seconds since 1970; NaN if that is not told.
        truth: What became true of them, where that was merged in.
    """

    name: str
    rows: list[list[object]]
    answers: list[float]
    time: float = np.nan
    truth: Any = None


def read_capture(folder: Path, features: tuple[Feature, ...], window: Window) -> Intake:
    """Read all capture files below a folder.

    Args:
        folder: The folder; Model Monitor nests files by endpoint, variant and hour.
        features: The model's inputs, in the order of the endpoint's CSV columns.
        window: Records outside are counted and left out: Model Monitor may hand over more.
    """
    files = _captured(folder)
    builder = IntakeBuilder(features, rate=sampling_rate(files))
    for file in files:
        builder.files += 1
        for block in _blocks(file):
            if not _add_plain(block, builder, window):
                _add_carefully(block, builder, window)
    return builder.finish()


def _captured(folder: Path) -> list[Path]:
    """Return the files of the release that serves; one on trial is no part of what is watched."""
    return [file for file in data_files(folder, SUFFIXES) if CHALLENGER not in file.parts]


def sampling_rate(files: Sequence[Path]) -> float:
    """Return the probability with which a line is kept so that about `MOST_ROWS` are."""
    size = sum(file.stat().st_size for file in files)
    if size < MOST_ROWS:
        return 1.0
    largest = max(files, key=lambda file: file.stat().st_size)
    with largest.open("rb") as stream:
        head = stream.read(_HEAD)
    rows = size / len(head) * max(1, head.count(b"\n"))
    return min(1.0, MOST_ROWS / rows)


def data_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the data files below a folder, in a stable order; a file stands for itself.

    Raises:
        AnalysisError: There is no such folder.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise AnalysisError(f"no such folder of data: {folder}")
    return sorted(file for file in folder.rglob("*") if file.suffix in suffixes and file.is_file())


def _blocks(file: Path) -> Iterator[bytes]:
    rest = b""
    with file.open("rb") as stream:
        while chunk := stream.read(_BLOCK):
            head, newline, tail = chunk.rpartition(b"\n")
            if newline:
                yield rest + head
                rest = tail
            else:
                rest += tail
    if rest.strip():
        yield rest


def _add_plain(block: bytes, builder: IntakeBuilder, window: Window) -> bool:
    block = block.rstrip(b"\n")
    found = _PLAIN.findall(block)
    if len(found) != block.count(b"\n") + 1:
        return False
    inputs, outputs, times = zip(*found, strict=True)
    moments = {time: _moment(time.decode()) for time in set(times)}
    if not all(map(window.holds, moments.values())):
        return False
    seconds = {time: moment.timestamp() for time, moment in moments.items()}
    try:
        predictions = np.array(outputs).astype(np.float64)
    except ValueError:
        return False
    builder.add_lines(inputs, predictions, np.array([seconds[time] for time in times]))
    return True


def _add_carefully(block: bytes, builder: IntakeBuilder, window: Window) -> None:
    rows: list[list[object]] = []
    predictions: list[float] = []
    times: list[float] = []
    for record in _records(block, builder, window):
        rows += record.rows
        predictions += record.answers
        times += [record.time] * len(record.rows)
    builder.add_rows(rows, predictions, times)


def read_records(folder: Path, builder: IntakeBuilder, window: Window) -> Iterator[Record]:
    """Yield the records of a window one by one, with their names; the builder counts the rest."""
    for file in _captured(folder):
        builder.files += 1
        for block in _blocks(file):
            yield from _records(block, builder, window)


def _records(block: bytes, builder: IntakeBuilder, window: Window) -> Iterator[Record]:
    for line in block.split(b"\n"):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            about = record.get("eventMetadata", {})
            when = about.get("inferenceTime")
            if when and not window.holds(_moment(when)):
                builder.faults.outside_window += 1
                continue
            captured = record["captureData"]
            rows = _rows(captured["endpointInput"], builder)
            found = Record(
                name=str(about.get("inferenceId") or about.get("eventId") or ""),
                rows=rows,
                answers=_answers(captured.get("endpointOutput"), len(rows)),
                time=_moment(when).timestamp() if when else np.nan,
                truth=record.get("groundTruthData"),
            )
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
            builder.faults.unreadable += 1
            builder.faults.note(f"{type(error).__name__}: {error}"[:120])
            continue
        yield found


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _payload(part: Mapping[str, Any]) -> tuple[str, bool]:
    """Return a payload's text and whether it is JSON."""
    text = part["data"]
    if part.get("encoding") == "BASE64":
        text = base64.b64decode(text, validate=True).decode()
    kind = part.get("observedContentType") or ""
    return text, "json" in kind or ("csv" not in kind and text.lstrip()[:1] in {"{", "["})


def _rows(part: Mapping[str, Any], builder: IntakeBuilder) -> list[list[object]]:
    text, is_json = _payload(part)
    if not is_json:
        return [[*row] for row in csv.reader(io.StringIO(text), strict=True) if row]
    return [_named(instance, builder) for instance in _list_of(text, "instances")]


def _list_of(text: str, key: str) -> list[Any]:
    document = json.loads(text)
    if isinstance(document, dict):
        document = document.get(key, [document])
    if not isinstance(document, list):
        raise TypeError(f"payload is {type(document).__name__}; expected an object or a list")
    return document


def _named(instance: Any, builder: IntakeBuilder) -> list[object]:
    if isinstance(instance, list):
        return [_value(value) for value in instance]
    faults = builder.faults
    names = [feature.name for feature in builder.features]
    faults.named_rows += 1
    faults.seen.update(name for name in names if name in instance)
    faults.extra.update(str(name) for name in instance if name not in names)
    return [_value(instance.get(name)) for name in names]


def _value(value: Any) -> object:
    return json.dumps(value) if isinstance(value, bool | dict | list) else value


def _answers(part: Mapping[str, Any] | None, rows: int) -> list[float]:
    """Return the probability or number answered to each row; NaN where it cannot be told."""
    try:
        text, is_json = _payload(part or {})
        if is_json:
            found = [_answer(item) for item in _list_of(text, "predictions")]
        else:
            found = [float(row[0]) for row in csv.reader(io.StringIO(text)) if row]
    except (ValueError, KeyError, TypeError, csv.Error):
        found = []
    return found if len(found) == rows else [np.nan] * rows


def _answer(item: Any) -> float:
    if not isinstance(item, dict):
        return float(item)
    return float(item["probability"] if "probability" in item else item["answer"])
