"""Turn `macrodata.csv`, as statsmodels publishes it, into the CSV that new projects get.

Run `python convert.py` in this folder. Columns get readable names; those that no feature needs are
left out. No value is changed but in how it is written.
"""

import csv
import io
from pathlib import Path

_HERE = Path(__file__).parent
SOURCE = _HERE / "macrodata.csv"
TARGET = _HERE.parent / "data" / "macro.csv"
COLUMNS = {
    "year": "year",
    "quarter": "quarter",
    "realgdp": "real_gdp",
    "realcons": "real_consumption",
    "realinv": "real_investment",
    "tbilrate": "treasury_bill_percent",
    "infl": "inflation_percent",
    "unemp": "unemployment_percent",
}
"""The readable name of each column that is kept."""


def convert(source: str) -> str:
    """Return the CSV that a published file says.

    Raises:
        KeyError: a column is not there.
    """
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS.values())
    for row in csv.DictReader(io.StringIO(source)):
        writer.writerow(f"{float(row[name]):.10g}" for name in COLUMNS)
    return output.getvalue()


def main() -> None:
    """Write the CSV file."""
    TARGET.write_text(convert(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
