"""How long a whole synthesis takes, in a process of its own, and `mlzone check` of what it made."""

import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from mlzone_tools.services.check import check_path
from mlzone_tools.services.synthesis import synthesize


def run() -> dict[str, Any]:
    """Measure one synthesis of the whole example estate."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        result = synthesize(output=Path(folder), estate=Path("organization"))
        started = time.monotonic()
        check = check_path(Path(folder), Path("organization"))
        check_seconds = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "stacks": len(result.stacks),
        "resources": result.resources,
        "wall_seconds": result.seconds,
        "cpu_seconds": round(cpu, 1),
        "resources_per_cpu_second": round(result.resources / cpu),
        "check_of_the_assembly_seconds": round(check_seconds, 2),
        "answers_of_rules": len(check.answers),
        "peak_memory_of_one_process_mib": round(after.ru_maxrss / 1024),
    }
