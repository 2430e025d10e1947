"""Answer for a day's file on this machine, as the daily batch does in the platform.

The file is CSV with a header: `id` and the model's features, in any order. Each line of the output
is the record's id, its features in the model's order, and the probability.

`python steps/score.py --model FOLDER_WITH_MODEL_TAR_GZ --input batch/example.csv --output -`
"""

import argparse
import csv
import re
import sys
from pathlib import Path
from typing import Any

import job
import model

ID = "id"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_NO_PLAIN_CELL = re.compile(r'[,"\r\n]')


def main() -> None:
    """Answer for a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", required=True, help="a file, or - for the terminal")
    args = parser.parse_args()
    booster, schema = model.load(args.model)
    features = schema["features"]
    rows = read(args.input, features)
    answers = booster.predict(model.data(rows, features))
    names = [ID, *(feature["name"] for feature in features)]
    text = "".join(
        ",".join([*(row[name] for name in names), str(answer)]) + "\n"
        for row, answer in zip(rows, answers, strict=True)
    )
    if args.output == "-":
        sys.stdout.write(text)
    else:
        Path(args.output).write_text(text, encoding="utf-8")


def read(file: Path, features: list[dict[str, Any]]) -> list[job.Row]:
    """Return a day's records.

    Raises:
        job.StepError: the file is not as agreed; the message says where.
    """
    wanted = [ID, *(feature["name"] for feature in features)]
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, strict=True)
        header = next(reader, [])
        if sorted(header) != sorted(wanted):
            odd = sorted(set(header) ^ set(wanted)) or ["a column twice"]
            raise job.StepError(f"{file.name}: expected the columns {', '.join(wanted)}; {odd[0]}")
        rows = [
            _row(file, number, header, cells, features)
            for number, cells in enumerate(reader, start=2)
            if cells
        ]
    if not rows:
        raise job.StepError(f"{file.name} holds no record")
    return rows


def _row(
    file: Path, number: int, header: list[str], cells: list[str], features: list[dict[str, Any]]
) -> job.Row:
    where = f"{file.name}, row {number}"
    if len(cells) != len(header):
        raise job.StepError(f"{where}: {len(cells)} values, the header has {len(header)}")
    row = dict(zip(header, cells, strict=True))
    if not _ID.fullmatch(row[ID]):
        raise job.StepError(f"{where}: the id is not up to 64 letters, digits and . _ : / -")
    if any(map(_NO_PLAIN_CELL.search, cells)):
        raise job.StepError(f"{where}: a value holds a comma, a quote or a line's end")
    for feature in features:
        name, value = feature["name"], row[feature["name"]]
        # A category that the model does not know counts as missing; the monitors tell of it.
        if value and feature["type"] == "number":
            try:
                float(value)
            except ValueError:
                raise job.StepError(f"{where}: {name} is {value}, no number") from None
    return row


if __name__ == "__main__":
    job.run(main)
