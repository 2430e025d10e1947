"""How the tools grow with the estate: half, all, double and ten times the size of the paper's bank.

Each size is measured in a process of its own, so that memory is its own. Of the larger ones, whose
synthesis takes minutes, only reading and checking is measured. CPU seconds are of all processes
together: they say more than the clock where a machine has other work as well.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import growth_plot
import paper_estate

ROOT = Path(__file__).parents[1]
SIZES = ("half", "paper", "double", "ten")
_ONLY_READ = ("double", "ten")
_CHANGED = "unit-003"
_PROCESSES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def run() -> list[dict[str, Any]]:
    """Measure each size; a column a size."""
    measured = []
    for name in SIZES:
        done = subprocess.run(
            [sys.executable, __file__, name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": _path()},
        )
        measured.append(json.loads(done.stdout))
        print(measured[-1], flush=True)
    return turned(measured)


def turned(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each thing that was measured, from a row for each size."""
    names = dict.fromkeys(name for row in measured for name in row if name != "size")
    return [
        {"what": name.replace("_", " "), **{row["size"]: row.get(name, "") for row in measured}}
        for name in names
    ]


def drawn(rows: list[dict[str, Any]]) -> tuple[str, str]:
    """Return the caption and the picture of what was measured."""
    caption = (
        "CPU seconds of all processes, by the size of the estate. Both scales are logarithmic; the "
        "dotted line is linear growth."
    )
    return caption, growth_plot.plot(rows)


def measure(name: str) -> dict[str, Any]:
    """Measure one size in this process."""
    size = paper_estate.SIZES[name]
    with tempfile.TemporaryDirectory() as folder:
        estate = paper_estate.write(size, Path(folder, "estate"))
        row = {
            "size": name,
            "units": size.units,
            "teams": size.teams,
            "people": size.people,
            "models": size.models,
            **_reading(estate),
        }
        return row if name in _ONLY_READ else {**row, **_tools(estate, Path(folder))}


def _path() -> str:
    """Return the import path of a size's process: these modules, and what was there before."""
    before = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(Path(__file__).parent), *([before] if before else [])])


def _reading(estate: Path) -> dict[str, Any]:
    from mlzone.loading import load_estate  # noqa: PLC0415

    figures, _ = _timed("reading", lambda: load_estate(estate), digits=2)
    return figures


def _tools(estate: Path, folder: Path) -> dict[str, Any]:
    from mlzone_tools.services import proof_cache  # noqa: PLC0415
    from mlzone_tools.services.access import prove_estate  # noqa: PLC0415
    from mlzone_tools.services.assembly.store import FOLDER  # noqa: PLC0415
    from mlzone_tools.services.check import check_path  # noqa: PLC0415
    from mlzone_tools.services.plan.making import plan_against  # noqa: PLC0415
    from mlzone_tools.services.synthesis import synthesize  # noqa: PLC0415

    def synthesis() -> Any:
        return synthesize(output=folder / "assembly", estate=estate)

    shutil.rmtree(FOLDER, ignore_errors=True)
    cold, made = _timed("synthesis", synthesis)
    if not made.clean:
        raise SystemExit(f"findings: {made.findings[:3]}")
    again, _ = _timed("synthesis again", synthesis)
    _commit(estate)
    unit = estate / "business_units" / f"{_CHANGED}.yaml"
    text = unit.read_text(encoding="utf-8")
    unit.write_text(text.replace("monthly_usd: 5000", "monthly_usd: 6000", 1), encoding="utf-8")
    planned, plan = _timed("plan of one team", lambda: plan_against(estate, base="main"))
    if len(plan.stacks) != 1:
        raise SystemExit(f"the plan is of {len(plan.stacks)} stacks")
    changed, _ = _timed("synthesis, one team changed", synthesis)
    rules, _ = _timed("rules", lambda: check_path(folder / "assembly", estate))
    shutil.rmtree(proof_cache.FOLDER, ignore_errors=True)
    proofs, report = _timed("proofs", lambda: prove_estate(estate))
    if any(item.counterexample for item in report.theorems):
        raise SystemExit("a theorem fails")
    return {
        "stacks": len(made.stacks),
        "resources": made.resources,
        "resources_of_the_largest_stack": _largest(folder / "assembly"),
        **cold,
        "resources_per_CPU_s": round(made.resources / cold["synthesis_CPU_s"]),
        **again,
        **changed,
        **planned,
        **rules,
        **proofs,
        "memory_of_a_process_MiB": round(_memory()),
    }


def _largest(assembly: Path) -> int:
    return max(
        len(json.loads(path.read_text(encoding="utf-8"))["Resources"])
        for path in assembly.glob("*.template.json")
    )


def _commit(estate: Path) -> None:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@bank.example")
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "estate")):
        subprocess.run(("git", "-C", str(estate), *who, *command), check=True)


def _cpu() -> float:
    usages = [resource.getrusage(whose) for whose in _PROCESSES]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _memory() -> float:
    """Return the most memory of this process or of one that it started, in MiB."""
    return max(usage.ru_maxrss for usage in map(resource.getrusage, _PROCESSES)) / 1024


def _timed(what: str, work: Callable[[], Any], *, digits: int = 1) -> tuple[dict[str, float], Any]:
    started, before = time.perf_counter(), _cpu()
    result = work()
    name = what.replace(" ", "_")
    figures = {
        f"{name}_s": round(time.perf_counter() - started, digits),
        f"{name}_CPU_s": round(_cpu() - before, digits),
    }
    print(f"{sys.argv[-1]}: {figures}", file=sys.stderr, flush=True)
    return figures, result


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
