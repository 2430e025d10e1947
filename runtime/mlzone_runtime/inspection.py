"""Reads a file of records, and writes it again without what identifies people.

CSV with a header and JSON Lines can be looked into. What cannot is refused, not let through.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from mlzone_runtime.personal_data import Masking, column_kind, named_kind

_SAMPLE = 2000
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LINES = (".jsonl", ".ndjson")
_LONGEST_FIELD = 1024 * 1024


class UninspectedError(Exception):
    """The file cannot be looked into; the message says why."""


def mask_file(source: Path, target: Path, name: str) -> Masking:
    """Write `target` as `source` is, without what identifies people.

    Args:
        source: the file.
        target: the masked one; what is there is overwritten.
        name: the file's name, whose ending says its form.

    Returns:
        What was masked.

    Raises:
        UninspectedError: the form is not known, or the content is not of it.
    """
    ending = Path(name).suffix.lower()
    try:
        if ending in _DELIMITERS:
            return _mask_table(source, target, _DELIMITERS[ending])
        if ending in _LINES:
            return _mask_lines(source, target)
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError, RecursionError) as error:
        raise UninspectedError(f"it cannot be read: {error}") from error
    forms = ", ".join((*_DELIMITERS, *_LINES))
    raise UninspectedError(f"only {forms} can be looked into, not {ending or 'a name without one'}")


def _mask_table(source: Path, target: Path, delimiter: str) -> Masking:
    csv.field_size_limit(_LONGEST_FIELD)
    with source.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        header = next(rows, [])
        if not header:
            raise UninspectedError("it is empty")
        sample = list(islice(rows, _SAMPLE))
    columns = [f"{place}:{title}" for place, title in enumerate(header)]
    kinds = {
        column: kind
        for place, (column, title) in enumerate(zip(columns, header, strict=True))
        if (kind := column_kind(title, (row[place] for row in sample if place < len(row))))
    }
    masking = Masking(kinds)
    with (
        source.open(encoding="utf-8-sig", newline="") as file,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerow(masking.value("", title) for title in next(rows))
        for number, row in enumerate(rows, start=2):
            if row and len(row) != len(header):
                raise UninspectedError(
                    f"row {number} has {len(row)} values, the header {len(header)}"
                )
            writer.writerow(map(masking.value, columns, row))
    return masking


def _mask_lines(source: Path, target: Path) -> Masking:
    values: dict[str, list[str]] = defaultdict(list)

    def collect(path: str, text: str) -> str:
        values[path].append(text)
        return text

    for record in islice(_records(source), _SAMPLE):
        _walk(record, collect)
    if not values:
        raise UninspectedError("it is empty")
    kinds = {
        path: kind
        for path, texts in values.items()
        if (kind := column_kind(path.rpartition(".")[2], texts))
    }
    masking = Masking(kinds)
    with target.open("w", encoding="utf-8") as out:
        for record in _records(source):
            # Beyond the sample, a name that is new says what it holds as well.
            masked = _walk(record, lambda path, text: _known(masking, path).value(path, text))
            out.write(json.dumps(masked, ensure_ascii=False) + "\n")
    return masking


def _known(masking: Masking, path: str) -> Masking:
    if path not in masking.columns and (kind := named_kind(path.rpartition(".")[2])):
        masking.columns = {**masking.columns, path: kind}
    return masking


def _records(source: Path) -> Iterator[Mapping[str, Any]]:
    with source.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            record = json.loads(line)
            if not isinstance(record, dict):
                raise UninspectedError(f"line {number} is not an object")
            yield record


def _walk(value: Any, change: Callable[[str, str], str], path: str = "") -> Any:
    """Return a value with each of its texts and numbers changed; unchanged numbers stay numbers."""
    if isinstance(value, dict):
        return {name: _walk(item, change, f"{path}.{name}") for name, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, change, path) for item in value]
    if value is None or isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    changed = change(path, text)
    return value if changed == text else changed
