"""`make bench`: measures, prints a table, and writes docs/benchmarks.md."""

import importlib
import os
import platform
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

BENCHMARKS = {
    "setup": "Set-up of a fresh clone",
    "story": "The demo: from YAML to a model in production that is trained again",
    "access": "One access decision",
    "guardrails": "Proofs, the access matrix and the mutation score of the guardrails",
    "estate": "Reading and checking the example estate",
    "synthesis": "Synthesis of the example estate, all checks on",
    "cloud": "The embedded cloud",
    "analyzer": "A monitor's run over a million records",
}
REPORT = Path("docs/benchmarks.md")


def main() -> None:
    """Run every benchmark, or those that are named on the command line."""
    wanted = sys.argv[1:] or list(BENCHMARKS)
    sections = [f"# Benchmarks\n\nMeasured by `make bench` on {machine()}.\n"]
    for name in wanted:
        print(f"{BENCHMARKS[name]} …", flush=True)
        figures: dict[str, Any] = importlib.import_module(name).run()
        rows = [f"| {key.replace('_', ' ')} | {value} |" for key, value in figures.items()]
        section = "\n".join(("| what | figure |", "|---|---|", *rows))
        print(section, flush=True)
        sections.append(f"## {BENCHMARKS[name]}\n\n{section}\n")
    if wanted == list(BENCHMARKS):
        REPORT.write_text("\n".join(sections), encoding="utf-8")
        print(f"wrote {REPORT}")


def machine() -> str:
    """Describe the machine, for readers of the figures."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()}, "
        f"Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
