"""Turn `imports-85.tab`, UCI's data set as the package Orange3 carries it, into the projects' CSV.

Run `python convert.py` in this folder. Columns get readable names and units, numbers in words
become numbers; cars without a price are left out, and columns that no feature needs.
"""

import csv
import io
from pathlib import Path

_HERE = Path(__file__).parent
SOURCE = _HERE / "imports-85.tab"
TARGET = _HERE.parent / "data" / "cars.csv"
COLUMNS = {
    "make": "make",
    "fuel-type": "fuel",
    "aspiration": "aspiration",
    "body-style": "body",
    "drive-wheels": "drive",
    "wheel-base": "wheel_base_inches",
    "length": "length_inches",
    "width": "width_inches",
    "curb-weight": "weight_pounds",
    "num-of-cylinders": "cylinders",
    "engine-size": "engine_cubic_inches",
    "compression-ratio": "compression_ratio",
    "horsepower": "horsepower",
    "city-mpg": "city_miles_per_gallon",
    "price": "price_usd",
}
"""The readable name of each column that is kept."""
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "twelve": 12}
_MISSING = "?"
_LINES_OF_HEADER = 3


def convert(source: str) -> str:
    """Return the CSV that a published file says.

    Raises:
        KeyError: a column is not there.
    """
    lines = source.splitlines()
    names = [name.strip() for name in lines[0].split("\t")]
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS.values())
    for line in lines[_LINES_OF_HEADER:]:
        row = dict(zip(names, line.split("\t"), strict=True))
        if row["price"] != _MISSING:
            writer.writerow(_plain(row[name]) for name in COLUMNS)
    return output.getvalue()


def _plain(value: str) -> str:
    if value == _MISSING:
        return ""
    value = str(_NUMBERS.get(value, value))
    return value.rstrip("0").rstrip(".") if "." in value else value


def main() -> None:
    """Write the CSV file."""
    TARGET.write_text(convert(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
