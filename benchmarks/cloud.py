"""How fast the embedded cloud starts and restarts, and how much memory it takes."""

import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from mlzone.loading import load_estate
from mlzone_tools.cloud import embedded


def run() -> dict[str, Any]:
    """Measure a first start with the example estate's accounts, and a restart with saved state."""
    estate = load_estate(Path("organization"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        figures: dict[str, Any] = {"accounts": len(embedded.seed_of(estate)["accounts"]) + 1}
        for name in ("first_start_seconds", "restart_seconds"):
            started = time.perf_counter()
            endpoint = embedded.start(estate, port=port, state=state, talk=print)
            figures[name] = round(time.perf_counter() - started, 1)
            figures["memory_mib"] = endpoint.control("status")["memory_mib"]
            embedded.stop(state)
    return figures
