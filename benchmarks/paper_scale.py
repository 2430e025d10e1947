"""How the tools grow with the estate: half, all, double and ten times the size of the paper's bank.

Each size is measured in a process of its own, so that memory is its own. At ten times the size only
reading and checking is measured.
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

import paper_estate

ROOT = Path(__file__).parents[1]
SIZES = ("half", "paper", "double", "ten")
_ONLY_READ = ("ten",)
_CHANGED = "unit-003"
_PROCESSES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def run() -> list[dict[str, Any]]:
    """Measure each size; a row a size."""
    rows = []
    for name in SIZES:
        done = subprocess.run(
            [sys.executable, __file__, name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )
        rows.append(json.loads(done.stdout))
        print(rows[-1], flush=True)
    return rows


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
        if name in _ONLY_READ:
            return {**row, **dict.fromkeys(_TOOLS, "")}
        return {**row, **_tools(estate, Path(folder))}


_TOOLS = (
    "stacks",
    "resources",
    "synthesis_s",
    "resources_per_CPU_s",
    "synthesis_again_s",
    "one_team_changed_s",
    "rules_s",
    "proofs_s",
    "plan_of_one_team_s",
    "memory_of_a_process_MiB",
)


def _reading(estate: Path) -> dict[str, Any]:
    from mlzone.loading import load_estate  # noqa: PLC0415

    seconds, _ = _timed(lambda: load_estate(estate))
    return {"reading_s": round(seconds, 2)}


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
    before = _cpu()
    cold, made = _timed(synthesis)
    cpu = _cpu() - before
    if not made.clean:
        raise SystemExit(f"findings: {made.findings[:3]}")
    warm, _ = _timed(synthesis)
    _commit(estate)
    unit = estate / "business_units" / f"{_CHANGED}.yaml"
    text = unit.read_text(encoding="utf-8")
    unit.write_text(text.replace("monthly_usd: 5000", "monthly_usd: 6000", 1), encoding="utf-8")
    changed, _ = _timed(synthesis)
    rules, _ = _timed(lambda: check_path(folder / "assembly", estate))
    planned, plan = _timed(lambda: plan_against(estate, base="main"))
    if len(plan.stacks) != 1:
        raise SystemExit(f"the plan is of {len(plan.stacks)} stacks")
    shutil.rmtree(proof_cache.FOLDER, ignore_errors=True)
    proofs, report = _timed(lambda: prove_estate(estate))
    if any(item.counterexample for item in report.theorems):
        raise SystemExit("a theorem fails")
    figures = (
        len(made.stacks),
        made.resources,
        round(cold, 1),
        round(made.resources / cpu),
        round(warm, 1),
        round(changed, 1),
        round(rules, 1),
        round(proofs, 1),
        round(planned, 1),
        round(_memory()),
    )
    return dict(zip(_TOOLS, figures, strict=True))


def _commit(estate: Path) -> None:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@bank.example")
    for command in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "estate")):
        subprocess.run(("git", "-C", str(estate), *who, *command), check=True)


def _cpu() -> float:
    usages = [
        resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _memory() -> float:
    """Return the most memory of this process or of one that it started, in MiB."""
    return max(usage.ru_maxrss for usage in map(resource.getrusage, _PROCESSES)) / 1024


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
