"""Turn the UCI file `german.data` into the readable CSV that new projects get.

Run `python convert.py` in this folder; the table in `codes.json` names columns and values. Nothing
is added but the column `sex`, which the source holds within attribute 9.
"""

import csv
import io
import json
from pathlib import Path

_HERE = Path(__file__).parent
SOURCE = _HERE / "german.data"
CODES = _HERE / "codes.json"
TARGET = _HERE.parent / "data" / "credit.csv"


def convert(source: str, columns: list[dict[str, object]]) -> str:
    """Return the CSV that a coded file says.

    Args:
        source: lines of fields separated by white space, in the order of the columns.
        columns: name of each column and, for a coded one, its words by code; a column with `of`
            is derived from another column's code.

    Raises:
        KeyError: a code that the table does not know.
        ValueError: a line of another length.
    """
    plain = [column for column in columns if "of" not in column]
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([column["name"] for column in columns])
    for line in filter(str.strip, source.splitlines()):
        codes = dict(zip([c["name"] for c in plain], line.split(), strict=True))
        writer.writerow([_value(column, codes) for column in columns])
    return output.getvalue()


def _value(column: dict[str, object], codes: dict[object, str]) -> str:
    code = codes[column.get("of", column["name"])]
    words = column.get("words")
    return str(words[code]) if isinstance(words, dict) else str(int(code))


def main() -> None:
    """Write the CSV file."""
    columns = json.loads(CODES.read_text(encoding="utf-8"))["columns"]
    TARGET.write_text(convert(SOURCE.read_text(encoding="utf-8"), columns), encoding="utf-8")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
