"""`make bench`: measures, prints tables, and writes docs/benchmarks.md.

`python -m benchmarks NAME …` measures those alone and leaves the report's other sections alone.

A benchmark is a module with `run()`: it returns figures by name, or a table as a list of rows that
have the same columns. It may have `drawn()`, which makes a picture of them, as SVG, and a `NOTE`,
which says in the report what was measured.
"""

import importlib
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

BENCHMARKS = {
    "setup": "Set-up of a fresh clone",
    "story": "The demo: from YAML to a model in production that is trained again",
    "delivery": "Updates of an endpoint under load",
    "access": "One access decision",
    "governance": "Rules, access matrix and proofs of the example estate",
    "guardrails": "Proofs, the access matrix and the mutation score of the guardrails",
    "estate": "Reading and checking the example estate",
    "synthesis": "Synthesis of the example estate, all checks on",
    "paper_scale": "Growth with the estate, from half to ten times the size of the paper's bank",
    "many": "Many models of many teams, submitted at the same moment",
    "cloud": "The embedded cloud",
    "analyzer": "A monitor's run over a million records",
    "beside_evidently": "The same records beside Evidently",
    "large": "A monitor's run over ten million records",
    "shifts": "Planted shifts and false alarms of the monitors",
}
REPORT = Path("docs/benchmarks.md")

Figures = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def main() -> None:
    """Run every benchmark, or those that are named on the command line.

    Raises:
        SystemExit: a name is not a benchmark's.
    """
    wanted = sys.argv[1:] or list(BENCHMARKS)
    if unknown := set(wanted) - set(BENCHMARKS):
        known = ", ".join(BENCHMARKS)
        sys.exit(f"not a benchmark: {', '.join(sorted(unknown))}; there are {known}")
    sections = _measured_before()
    for name in wanted:
        print(f"{BENCHMARKS[name]} …", flush=True)
        benchmark = importlib.import_module(name)
        figures: Figures = benchmark.run()
        note = f"{benchmark.NOTE.strip()}\n\n" if hasattr(benchmark, "NOTE") else ""
        section = f"{note}{machine()}\n\n{table(figures)}"
        if hasattr(benchmark, "drawn"):
            section += f"\n\n{_picture(name, *benchmark.drawn(figures))}"
        print(section, flush=True)
        sections[BENCHMARKS[name]] = section
        _write(sections)


def machine() -> str:
    """Describe the machine, for readers of the figures."""
    return (
        f"On {os.cpu_count()} cores ({platform.machine()}), {platform.system()}, "
        f"Python {platform.python_version()}:"
    )


def table(figures: Figures) -> str:
    """Return figures as a table of Markdown."""
    if isinstance(figures, Mapping):
        figures = [{"what": _words(name), "figure": value} for name, value in figures.items()]
    columns = list(figures[0])
    rows = [[str(row[column]) for column in columns] for row in figures]
    lines = [list(map(_words, columns)), ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _picture(name: str, caption: str, svg: str) -> str:
    """Write a picture beside the report; return how the report shows it."""
    path = REPORT.parent / "images" / f"{name}.svg"
    path.parent.mkdir(exist_ok=True)
    path.write_text(svg, encoding="utf-8")
    return f"![{caption}]({path.relative_to(REPORT.parent)})"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _measured_before() -> dict[str, str]:
    text = REPORT.read_text(encoding="utf-8") if REPORT.exists() else ""
    found = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {title: body.strip() for title, body in zip(found[::2], found[1::2], strict=True)}


def _write(sections: Mapping[str, str]) -> None:
    parts = ["# Benchmarks\n\nMeasured by `make bench`.\n"]
    parts += [
        f"## {title}\n\n{sections[title]}\n" for title in BENCHMARKS.values() if title in sections
    ]
    REPORT.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
