"""How long a whole synthesis takes, in a process of its own, with cdk-nag and all checks on."""

import resource
import tempfile
from pathlib import Path
from typing import Any

from mlzone_tools.services.synthesis import synthesize


def run() -> dict[str, Any]:
    """Measure one synthesis of the whole example estate."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        result = synthesize(output=Path(folder), estate=Path("organization"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "stacks": len(result.stacks),
        "resources": result.resources,
        "wall_seconds": result.seconds,
        "cpu_seconds": round(cpu, 1),
        "resources_per_cpu_second": round(result.resources / cpu),
        "peak_memory_of_one_process_mib": round(after.ru_maxrss / 1024),
    }
